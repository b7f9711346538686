/**
 * Fixed tests of rows that must all hold, put together so that few calls decide them: a call through a variable costs as much
 * as two comparisons. Up to five tests share one function, which hands on to the next. The small functions at the top are
 * part of those that use them once those are compiled.
 */
import type { Same, Sorted, Within } from "./Fixed.ts"

/** The values of an event, by the place of their field; what is missing is undefined. */
export type Row = ReadonlyArray<unknown>

type RowTest = (row: Row) => boolean
type Rest = RowTest | undefined

const isWithin = (row: Row, place: number, low: number, high: number): boolean => {
  const value = row[place]
  return typeof value === "number" && value >= low && value <= high
}

// Asked for its type first, a value is compared with a text by code for texts; else by code for all that there is.
const isSame = (row: Row, place: number, text: string, isWanted: boolean): boolean => {
  const value = row[place]
  return (typeof value === "string" && value === text) === isWanted
}

/** What stands where there is no test of this kind. */
const nowhere = -1

/** What every function ends with: a number that must not be in an interval, if one is asked for, and the rest. */
const ends = (row: Row, place: number, low: number, high: number, rest: Rest): boolean =>
  (place === nowhere || !isWithin(row, place, low, high)) && (rest === undefined || rest(row))

type Numbers = readonly [Within<number> | undefined, Within<number> | undefined]
type Texts = readonly [Same<number> | undefined, Same<number> | undefined]

/** Two numbers at most and no text. */
const ofNumbers = ([one, two]: Numbers, { at: z, low: zl, high: zh }: Within<number>, rest: Rest): RowTest => {
  if (one === undefined) return (row) => ends(row, z, zl, zh, rest)
  const { at: a, low: al, high: ah } = one
  const isLast = z === nowhere && rest === undefined
  if (two === undefined) {
    if (isLast) return (row) => isWithin(row, a, al, ah)
    return (row) => isWithin(row, a, al, ah) && ends(row, z, zl, zh, rest)
  }
  const { at: b, low: bl, high: bh } = two
  if (isLast) return (row) => isWithin(row, a, al, ah) && isWithin(row, b, bl, bh)
  return (row) => isWithin(row, a, al, ah) && isWithin(row, b, bl, bh) && ends(row, z, zl, zh, rest)
}

/** Two numbers at most and one text. */
const withText = (
  [one, two]: Numbers,
  { at: t, text: tt, isWanted: ti }: Same<number>,
  { at: z, low: zl, high: zh }: Within<number>,
  rest: Rest
): RowTest => {
  if (one === undefined) return (row) => isSame(row, t, tt, ti) && ends(row, z, zl, zh, rest)
  const { at: a, low: al, high: ah } = one
  if (two === undefined)
    return (row) => isWithin(row, a, al, ah) && isSame(row, t, tt, ti) && ends(row, z, zl, zh, rest)
  const { at: b, low: bl, high: bh } = two
  return (row) =>
    isWithin(row, a, al, ah) && isWithin(row, b, bl, bh) && isSame(row, t, tt, ti) && ends(row, z, zl, zh, rest)
}

/** Two numbers at most and two texts. */
const withTexts = (
  [one, two]: Numbers,
  { at: t, text: tt, isWanted: ti }: Same<number>,
  { at: u, text: ut, isWanted: ui }: Same<number>,
  { at: z, low: zl, high: zh }: Within<number>,
  rest: Rest
): RowTest => {
  if (one === undefined) return (row) => isSame(row, t, tt, ti) && isSame(row, u, ut, ui) && ends(row, z, zl, zh, rest)
  const { at: a, low: al, high: ah } = one
  if (two === undefined)
    return (row) =>
      isWithin(row, a, al, ah) && isSame(row, t, tt, ti) && isSame(row, u, ut, ui) && ends(row, z, zl, zh, rest)
  const { at: b, low: bl, high: bh } = two
  // The longest one is written out, with its numbers in one place: by the small functions it takes a third more.
  const bounds = Float64Array.of(al, ah, bl, bh, zl, zh)
  return (row) => {
    const one = row[a]
    if (!(typeof one === "number" && one >= (bounds[0] ?? 0) && one <= (bounds[1] ?? 0))) return false
    const two = row[b]
    if (!(typeof two === "number" && two >= (bounds[2] ?? 0) && two <= (bounds[3] ?? 0))) return false
    const three = row[t]
    if ((typeof three === "string" && three === tt) !== ti) return false
    const four = row[u]
    if ((typeof four === "string" && four === ut) !== ui) return false
    if (z !== nowhere) {
      const five = row[z]
      if (typeof five === "number" && five >= (bounds[4] ?? 0) && five <= (bounds[5] ?? 0)) return false
    }
    return rest === undefined || rest(row)
  }
}

const several = (numbers: Numbers, [one, two]: Texts, outside: Within<number>, rest: Rest): RowTest => {
  if (one === undefined) return ofNumbers(numbers, outside, rest)
  return two === undefined ? withText(numbers, one, outside, rest) : withTexts(numbers, one, two, outside, rest)
}

/** All of them, and then `last`. */
export const rowTests = ({ within, same, outside }: Sorted<number>, last: Rest): RowTest => {
  if (within.length + same.length + outside.length === 0) return last ?? (() => true)
  const [a, b, ...numbers] = within
  const [t, u, ...texts] = same
  const [z, ...others] = outside
  const isMore = numbers.length + texts.length + others.length > 0
  const rest = isMore ? rowTests({ within: numbers, same: texts, outside: others }, last) : last
  return several([a, b], [t, u], z ?? { at: nowhere, low: 0, high: 0 }, rest)
}
