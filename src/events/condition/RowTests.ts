/**
 * Tests over rows that must all hold, put together so that few calls decide them: a call through a variable costs as much as
 * two comparisons. Two tests share one function, which hands on to the next.
 */
import type { Row } from "./Closure.ts"
import type { Interval } from "./Interval.ts"

export type RowTest = (row: Row) => boolean

/** A number in an interval. */
export interface Within {
  readonly place: number
  readonly interval: Interval
}

/** A text that is the same as a fixed one, or, where it is not wanted, is not, or no text. */
export interface Same {
  readonly place: number
  readonly text: string
  readonly isWanted: boolean
}

const oneWithin = ({ place, interval: [low, high] }: Within, rest: RowTest | undefined): RowTest => {
  if (rest === undefined)
    return (row) => {
      const value = row[place]
      return typeof value === "number" && value >= low && value <= high
    }
  return (row) => {
    const value = row[place]
    return typeof value === "number" && value >= low && value <= high && rest(row)
  }
}

const twoWithin = (one: Within, other: Within, rest: RowTest | undefined): RowTest => {
  const { place } = one
  const [low, high] = one.interval
  const second = other.place
  const [least, most] = other.interval
  if (rest === undefined)
    return (row) => {
      const value = row[place]
      if (!(typeof value === "number" && value >= low && value <= high)) return false
      const next = row[second]
      return typeof next === "number" && next >= least && next <= most
    }
  return (row) => {
    const value = row[place]
    if (!(typeof value === "number" && value >= low && value <= high)) return false
    const next = row[second]
    return typeof next === "number" && next >= least && next <= most && rest(row)
  }
}

// Asked for its type first, a value is compared with a text by code for texts; else by code for all that there is.
const oneSame = ({ place, text, isWanted }: Same, rest: RowTest | undefined): RowTest => {
  if (rest === undefined)
    return (row) => {
      const value = row[place]
      return (typeof value === "string" && value === text) === isWanted
    }
  return (row) => {
    const value = row[place]
    return (typeof value === "string" && value === text) === isWanted && rest(row)
  }
}

const twoSame = (one: Same, other: Same, rest: RowTest | undefined): RowTest => {
  const { place, text, isWanted } = one
  const { place: second, text: nextText, isWanted: isNextWanted } = other
  if (rest === undefined)
    return (row) => {
      const value = row[place]
      if ((typeof value === "string" && value === text) !== isWanted) return false
      const next = row[second]
      return (typeof next === "string" && next === nextText) === isNextWanted
    }
  return (row) => {
    const value = row[place]
    if ((typeof value === "string" && value === text) !== isWanted) return false
    const next = row[second]
    return (typeof next === "string" && next === nextText) === isNextWanted && rest(row)
  }
}

/** A number that is not in an interval, or no number. */
export const outside = ({ place, interval: [low, high] }: Within): RowTest => {
  return (row) => {
    const value = row[place]
    return !(typeof value === "number" && value >= low && value <= high)
  }
}

const twoTests = (one: RowTest, rest: RowTest | undefined): RowTest =>
  rest === undefined ? one : (row) => one(row) && rest(row)

/** Pairs from the end, so that each knows what comes after it. */
const inPairs = <Each>(
  all: ReadonlyArray<Each>,
  last: RowTest | undefined,
  single: (each: Each, rest: RowTest | undefined) => RowTest,
  pair: (one: Each, other: Each, rest: RowTest | undefined) => RowTest
): RowTest | undefined => {
  let rest = last
  for (let at = all.length - 1; at >= 0; at -= 2) {
    const [one, other] = at > 0 ? [all[at - 1], all[at]] : [all[at], undefined]
    if (one !== undefined) rest = other === undefined ? single(one, rest) : pair(one, other, rest)
  }
  return rest
}

/** All of them; the cheap ones first, for the order of tests without effects is free. */
export const conjunction = (
  within: ReadonlyArray<Within>,
  same: ReadonlyArray<Same>,
  tests: ReadonlyArray<RowTest>
): RowTest => {
  const last = tests.reduceRight<RowTest | undefined>((rest, test) => twoTests(test, rest), undefined)
  const texts = inPairs(same, last, oneSame, twoSame)
  return inPairs(within, texts, oneWithin, twoWithin) ?? (() => true)
}
