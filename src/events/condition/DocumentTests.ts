/**
 * Fixed tests of documents that must all hold, put together so that few calls decide them and the map that their fields are in
 * is read once. Under a key that is not the same in every condition a value costs three times one whose name stands in the
 * code, so the names under which twins and events keep their own do stand here.
 */
import type { BoundPath } from "../../protocol/condition/Bound.ts"
import { pathKey } from "../../protocol/condition/Bound.ts"
import { lengthKey, valueAt } from "../../protocol/condition/Values.ts"
import type { Same, Sorted, Within } from "./Fixed.ts"
import { unique } from "./Unique.ts"

type DocumentTest = (document: unknown) => boolean
type Rest = DocumentTest | undefined

/** What can be asked for a key. */
interface Readable {
  readonly reported?: unknown
  readonly data?: unknown
  readonly [key: string]: unknown
}
/** A number, a text and a boolean can be asked too: they have none of the keys that are not odd. */
const isReadable = (value: unknown): value is Readable => value !== undefined && value !== null
const nothing: Readable = Object.freeze({})

const kinds = [Object, Array, String, Number, Boolean, Uint8Array]

/** Keys that mean something else on a list, or that a value has without anybody having put them there. */
const isOdd = (key: string): boolean =>
  key === lengthKey || /^[0-9]+$/.test(key) || kinds.some(({ prototype }) => key in prototype)

/** Whether a path is read by its keys alone. */
export const isPlain = (path: BoundPath): boolean => !path.some(isOdd)

/** Reads the value at a path; a number that is not finite may come as it is. */
export const reader = (path: BoundPath): ((document: unknown) => unknown) => {
  if (!isPlain(path)) return (document) => valueAt(document, path)
  const [name, below, ...rest] = path
  const first = unique(name)
  if (below === undefined) return (document) => (isReadable(document) ? document[first] : undefined)
  const second = unique(below)
  const [third, ...others] = rest
  const two = (document: unknown): unknown => {
    const map = isReadable(document) ? document[first] : undefined
    return isReadable(map) ? map[second] : undefined
  }
  if (third === undefined) return two
  const further = reader([third, ...others])
  return (document) => further(two(document))
}

/** Where the map is whose fields are asked for. */
const itself = 0
const reported = 1
const data = 2
const elsewhere = 3
type Where = typeof itself | typeof reported | typeof data | typeof elsewhere
type Read = (document: unknown) => unknown

/** The map with the fields; one without any where it is missing. */
const mapIn = (document: unknown, where: Where, read: Read): Readable => {
  if (!isReadable(document)) return nothing
  const map =
    where === reported
      ? document.reported
      : where === data
        ? document.data
        : where === itself
          ? document
          : read(document)
  return isReadable(map) ? map : nothing
}

const isWithin = (map: Readable, key: string, low: number, high: number): boolean => {
  const value = map[key]
  return typeof value === "number" && value >= low && value <= high
}

// Asked for its type first, a value is compared with a text by code for texts; else by code for all that there is.
const isSame = (map: Readable, key: string, text: string, isWanted: boolean): boolean => {
  const value = map[key]
  return (typeof value === "string" && value === text) === isWanted
}

/** One or two numbers. */
const ofNumbers = (
  where: Where,
  read: Read,
  { at: a, low: al, high: ah }: Within<string>,
  two: Within<string> | undefined,
  rest: Rest
): DocumentTest => {
  if (two === undefined) {
    if (rest === undefined) return (document) => isWithin(mapIn(document, where, read), a, al, ah)
    return (document) => isWithin(mapIn(document, where, read), a, al, ah) && rest(document)
  }
  const { at: b, low: bl, high: bh } = two
  if (rest === undefined)
    return (document) => {
      const map = mapIn(document, where, read)
      return isWithin(map, a, al, ah) && isWithin(map, b, bl, bh)
    }
  return (document) => {
    const map = mapIn(document, where, read)
    return isWithin(map, a, al, ah) && isWithin(map, b, bl, bh) && rest(document)
  }
}

/** One text, and two numbers at most. */
const withText = (
  where: Where,
  read: Read,
  { at: t, text, isWanted }: Same<string>,
  one: Within<string> | undefined,
  two: Within<string> | undefined,
  rest: Rest
): DocumentTest => {
  if (one === undefined) {
    if (rest === undefined) return (document) => isSame(mapIn(document, where, read), t, text, isWanted)
    return (document) => isSame(mapIn(document, where, read), t, text, isWanted) && rest(document)
  }
  const { at: a, low: al, high: ah } = one
  if (two === undefined)
    return (document) => {
      const map = mapIn(document, where, read)
      return isWithin(map, a, al, ah) && isSame(map, t, text, isWanted) && (rest === undefined || rest(document))
    }
  const { at: b, low: bl, high: bh } = two
  return (document) => {
    const map = mapIn(document, where, read)
    return (
      isWithin(map, a, al, ah) &&
      isWithin(map, b, bl, bh) &&
      isSame(map, t, text, isWanted) &&
      (rest === undefined || rest(document))
    )
  }
}

/** A number that must not be in an interval, or no number. */
const outsideOf = (where: Where, read: Read, { at, low, high }: Within<string>, rest: Rest): DocumentTest => {
  if (rest === undefined) return (document) => !isWithin(mapIn(document, where, read), at, low, high)
  return (document) => !isWithin(mapIn(document, where, read), at, low, high) && rest(document)
}

/** All tests of the fields of one map, and then `last`. */
const ofMap = (
  where: Where,
  read: Read,
  { within, same, outside }: Sorted<string>,
  last: Rest
): DocumentTest | undefined => {
  const [a, b, ...numbers] = within
  const [t, ...texts] = same
  if (t !== undefined) {
    const rest = ofMap(where, read, { within: numbers, same: texts, outside }, last)
    return withText(where, read, t, a, b, rest)
  }
  if (a !== undefined) return ofNumbers(where, read, a, b, ofMap(where, read, { within: numbers, same, outside }, last))
  return outside.reduceRight<Rest>((rest, each) => outsideOf(where, read, each, rest), last)
}

interface Group {
  readonly above: ReadonlyArray<string>
  readonly within: Array<Within<string>>
  readonly same: Array<Same<string>>
  readonly outside: Array<Within<string>>
}

const whereIs = ([first, ...rest]: ReadonlyArray<string>): readonly [Where, Read] => {
  if (first === undefined) return [itself, (document) => document]
  const where = rest.length > 0 ? elsewhere : first === "reported" ? reported : first === "data" ? data : elsewhere
  return [where, reader([first, ...rest])]
}

/** All of them, and then `last`. The paths must be plain. */
export const documentTests = ({ within, same, outside }: Sorted<BoundPath>, last: Rest): DocumentTest => {
  const groups = new Map<string, Group>()
  const groupOf = (path: BoundPath): Group => {
    const above = path.slice(0, -1)
    const key = pathKey(above)
    const group = groups.get(key) ?? { above, within: [], same: [], outside: [] }
    groups.set(key, group)
    return group
  }
  const lastOf = (path: BoundPath): string => unique(path[path.length - 1] ?? path[0])
  for (const each of same) groupOf(each.at).same.push({ ...each, at: lastOf(each.at) })
  for (const each of within) groupOf(each.at).within.push({ ...each, at: lastOf(each.at) })
  for (const each of outside) groupOf(each.at).outside.push({ ...each, at: lastOf(each.at) })
  const all = [...groups.values()].reduceRight<Rest>((rest, group) => ofMap(...whereIs(group.above), group, rest), last)
  return all ?? (() => true)
}
