/** Devices in words: "the heaters of line 2 except press-3", "heaters 1 to 4", "everything in the hall". */
import type { Noun, Nouns, Taken } from "./Bindings.ts"
import type { Selection } from "./Intent.ts"
import { narrowedAt, type Placed, placeAt, stateAt } from "./Places.ts"
import type { Reading } from "./Reading.ts"
import type { KindForm } from "./Vocabulary.ts"

const quantifiers = new Set(["all", "every", "each"])
const determiners = new Set([...quantifiers, "the", "my", "our"])
const genericOnes = new Set(["device", "board", "machine", "unit"])
const generic = new Set([...genericOnes, "devices", "boards", "machines", "units"])
const everything = new Set(["everything", "all"])
/** These are nothing without a place: "those in line 2". */
const pronouns = new Set(["those", "ones"])
const rangeWords = new Set(["to", "through"])
/** A noun in a list: bare kinds take their place from the next one of the list. */
interface Member {
  readonly choices: ReadonlyArray<Selection>
  /** "the heater" is one heater, and nobody knows which where there are several. */
  readonly isOne: boolean
  readonly isBareKind: boolean
  readonly hasPlace: boolean
  readonly isDetermined: boolean
}

const both = (left: ReadonlyArray<Selection>, right: ReadonlyArray<Selection>): ReadonlyArray<Selection> =>
  left.flatMap((one) => right.map((other) => ({ ...one, ...other })))

/** "heaters 1, 2 and 4", "heaters 1 to 4": devices by the singular of a kind and their number. */
const numberedAt = (reading: Reading, kindAt: number, start: number): ReadonlyArray<Placed<string>> | undefined => {
  const plural = reading.tokens[kindAt]?.text ?? ""
  if (start !== kindAt + 1 || reading.tokens[start]?.kind !== "number") return undefined
  const stem = plural.replace(/(?<=(?:s|x|z|ch|sh))es$|s$/u, "")
  const found: Array<Placed<string>> = []
  const take = (at: number): boolean => {
    const number = reading.tokens[at]
    const [id, ...others] = number?.kind === "number" ? reading.vocabulary.devices.of(`${stem} ${number.text}`) : []
    if (id === undefined || others.length > 0 || number?.endsRun !== true) return false
    found.push({ end: at + 1, value: id })
    return true
  }
  if (!take(start)) return undefined
  for (let at = start + 1; ; ) {
    const joint = separatorAt(reading, at)
    if (joint !== undefined && take(joint)) {
      at = joint + 1
      continue
    }
    const last = reading.isOneOf(at, rangeWords) ? reading.tokens[at + 1]?.value : undefined
    const first = reading.tokens[at - 1]?.value
    if (last === undefined || first === undefined || last <= first || last - first > 64) return found
    // A range counts only if all of it is there: "to 65 degrees" is none.
    const between = Array.from({ length: last - first }, (_, index) => `${stem} ${first + index + 1}`)
    const ids = between.map((name) => reading.vocabulary.devices.of(name)[0])
    if (ids.some((id) => id === undefined) || reading.tokens[at + 1]?.endsRun !== true) return found
    for (const id of ids) if (id !== undefined) found.push({ end: at + 2, value: id })
    at += 2
  }
}

const kindsOf = (kinds: ReadonlyArray<KindForm>): ReadonlyArray<Selection> => kinds.map(({ name }) => ({ kind: name }))
const isSingular = (kinds: ReadonlyArray<KindForm>): boolean => kinds.every(({ isPlural }) => !isPlural)

/** Behind what joins two nouns, or nothing. */
const separatorAt = (reading: Reading, at: number): number | undefined => {
  const comma = reading.isWord(at, ",") ? at + 1 : at
  if (reading.isWord(comma, "and") || reading.isWord(comma, "&") || reading.isWord(comma, "plus")) return comma + 1
  if (reading.isWord(comma, "as") && reading.isWord(comma + 1, "well") && reading.isWord(comma + 2, "as"))
    return comma + 3
  return comma > at ? comma : undefined
}

/** One noun of a list; "heaters 1 and 2" is two of them. */
const membersAt = (
  reading: Reading,
  start: number,
  takesPlaces: boolean
): Placed<ReadonlyArray<Member>> | undefined => {
  const { devices, kinds } = reading.vocabulary
  const isDetermined = reading.isOneOf(start, determiners)
  const named = (choices: ReadonlyArray<Selection>): ReadonlyArray<Member> => [
    { choices, isOne: false, isBareKind: false, hasPlace: true, isDetermined }
  ]
  const group = (
    start: number,
    kind: ReadonlyArray<Selection>,
    before: ReadonlyArray<Selection>,
    isSingular: boolean
  ) => {
    const { end, value } = narrowedAt(reading, start)
    const isOne = isSingular && !isQuantified
    const choices = both(both(kind, before), value)
    const hasPlace = choices.some(({ zone, vsm }) => zone !== undefined || vsm !== undefined)
    const isBareKind = !hasPlace && choices.some((choice) => choice.kind !== undefined)
    return { end, value: [{ choices, isOne, isBareKind, hasPlace, isDetermined }] }
  }
  let at = reading.skip(start)
  const bare = reading.isOneOf(at, everything) ? at : undefined
  const isQuantified = reading.isOneOf(at, quantifiers)
  if (isQuantified) {
    at = reading.skip(at + 1)
    if (reading.isWord(at, "of")) at = reading.skip(at + 1)
  }
  const token = reading.tokens[at]
  if (token?.kind === "glob") return { end: at + 1, value: named([{ glob: token.text }]) }
  const state = stateAt(reading, at)
  const before = state === undefined ? [{}] : [{ state }]
  if (state !== undefined) at++
  const device = devices.at(reading.tokens, at)
  const kind = kinds.at(reading.tokens, at)
  const place = placeAt(reading, at)
  const longest = Math.max(device?.end ?? 0, place?.end ?? 0)
  if (kind !== undefined && kind.end >= longest) {
    const numbered = state === undefined ? numberedAt(reading, at, kind.end) : undefined
    const last = numbered?.at(-1)
    if (numbered !== undefined && last !== undefined)
      return { end: last.end, value: numbered.flatMap(({ value }) => named([{ id: value }])) }
    return group(kind.end, kindsOf(kind.values), before, isSingular(kind.values))
  }
  if (device !== undefined && state === undefined && device.end >= longest)
    return { end: device.end, value: named(device.values.map((id) => ({ id }))) }
  if (place !== undefined) {
    // "line 2 heaters", "line 2's heaters", "everything on line 2" without the first words.
    const owned = reading.isWord(place.end, "'s") ? place.end + 1 : place.end
    const inner = kinds.at(reading.tokens, owned)
    if (inner !== undefined)
      return group(inner.end, kindsOf(inner.values), both(place.value, before), isSingular(inner.values))
    if (reading.isOneOf(owned, generic))
      return group(owned + 1, place.value, before, reading.isOneOf(owned, genericOnes))
    return takesPlaces && state === undefined ? { end: place.end, value: named(place.value) } : undefined
  }
  if (reading.isOneOf(at, generic)) {
    const inner = devices.at(reading.tokens, at + 1)
    if (inner !== undefined && state === undefined)
      return { end: inner.end, value: named(inner.values.map((id) => ({ id }))) }
    return group(at + 1, [{}], before, reading.isOneOf(at, genericOnes))
  }
  if (reading.isOneOf(at, pronouns)) {
    const those = group(at + 1, [{}], before, false)
    return those.value[0]?.hasPlace === true ? those : undefined
  }
  if (bare === undefined) return undefined
  // "everything offline" says its state behind the word.
  const behind = stateAt(reading, bare + 1)
  const said = behind === undefined ? [{}] : [{ state: behind }]
  return group(behind === undefined ? bare + 1 : bare + 2, [{}], said, false)
}

/**
 * The ways of putting a list together. In "the heaters and presses of line 2" both are of line 2; in "the heaters and the
 * presses of line 2" nobody can tell.
 */
const waysOf = (members: ReadonlyArray<Member>): ReadonlyArray<ReadonlyArray<Noun>> => {
  const asSaid = members.map(({ choices }) => choices)
  const shared = [...asSaid]
  let isDoubtful = false
  for (let at = members.length - 2; at >= 0; at--) {
    const member = members[at]
    const next = members[at + 1]
    const places = shared[at + 1]?.map(({ zone, vsm }) => ({
      ...(zone !== undefined && { zone }),
      ...(vsm !== undefined && { vsm })
    }))
    if (member?.isBareKind !== true || next === undefined || places === undefined) continue
    if (!places.some((place) => Object.keys(place).length > 0) || shared[at + 1]?.[0]?.kind === undefined) continue
    shared[at] = both(shared[at] ?? [], places)
    isDoubtful ||= next.isDetermined
  }
  const nouns = (way: ReadonlyArray<ReadonlyArray<Selection>>): ReadonlyArray<Noun> =>
    way.map((choices, at) => ({ choices, isOne: members[at]?.isOne ?? false }))
  return isDoubtful ? [nouns(shared), nouns(asSaid)] : [nouns(shared)]
}

const listAt = (
  reading: Reading,
  start: number,
  takesPlaces: boolean
): Placed<ReadonlyArray<ReadonlyArray<Noun>>> | undefined => {
  const first = membersAt(reading, start, takesPlaces)
  if (first === undefined) return undefined
  const members = [...first.value]
  let end = first.end
  for (;;) {
    // "the heaters, all but heater-5" goes on with an exception and not with "all".
    const next = exceptAt(reading, end) === undefined ? separatorAt(reading, end) : undefined
    const member = next === undefined ? undefined : membersAt(reading, next, takesPlaces)
    const isEverything = member?.value.some(({ choices }) => choices.some((choice) => Object.keys(choice).length === 0))
    if (member === undefined || isEverything === true) return { end, value: waysOf(members) }
    members.push(...member.value)
    end = member.end
  }
}

const exceptions: ReadonlyArray<ReadonlyArray<string>> = [
  ...["except for", "except", "excepting", "excluding", "but not", "all but", "all except", "but", "without"],
  ...["other than", "apart from", "besides", "leaving out", "minus"]
].map((words) => words.split(" "))

const exceptAt = (reading: Reading, at: number): number | undefined => {
  const from = reading.isWord(at, ",") ? at + 1 : at
  const found = exceptions.find((words) => words.every((word, index) => reading.isWord(from + index, word)))
  return found === undefined ? undefined : from + found.length
}

const nounsAt = (reading: Reading, start: number, takesPlaces: boolean): ReadonlyArray<Taken> => {
  const list = listAt(reading, start, takesPlaces)
  if (list === undefined) return []
  const bare: Nouns = { of: list.value, except: [] }
  const behind = exceptAt(reading, list.end)
  const except = behind === undefined ? undefined : listAt(reading, behind, true)
  if (except === undefined) return [{ end: list.end, bound: { targets: bare } }]
  return [{ end: except.end, bound: { targets: { of: list.value, except: except.value } } }]
}

/** Exceptions that stand apart from what they are exceptions of: "switch the heaters off, all but heater-5". */
export const exceptionsAt = (reading: Reading, at: number): ReadonlyArray<Taken> => {
  const behind = exceptAt(reading, at)
  const except = behind === undefined ? undefined : listAt(reading, behind, true)
  return except === undefined ? [] : [{ end: except.end, bound: { except: except.value } }]
}

/** A place, or "that are offline", apart from what it narrows: "which heaters are in the hall". */
export const narrowAt = (reading: Reading, at: number): ReadonlyArray<Taken> => {
  const { end, value } = narrowedAt(reading, at)
  return end === at ? [] : [{ end, bound: { narrow: value } }]
}

/** Devices by id, kind, glob, zone or VSM, with exceptions. */
export const targetsAt = (reading: Reading, at: number): ReadonlyArray<Taken> => nounsAt(reading, at, true)

/** The same where a zone or VSM alone is no list of devices: who retires line-1 does not mean its boards. */
export const devicesAt = (reading: Reading, at: number): ReadonlyArray<Taken> => nounsAt(reading, at, false)
