/** From an aggregate as it is written to what computes it. */
import type { HolonEvent } from "../../protocol/Event.ts"
import type { Aggregate, Window } from "../../protocol/pattern/Pattern.ts"
import { type Accumulator, Count, Extreme, Frequency, Total } from "./Accumulators.ts"
import { type Contents, Panes, Running } from "./Contents.ts"
import { Distinct } from "./Distinct.ts"
import { DistinctPanes, LastDistinct } from "./DistinctContents.ts"
import { LastSorted, LastValues } from "./LastValues.ts"
import type { Scalar } from "./Match.ts"
import { readNumber, readScalar } from "./Reading.ts"
import { TDigest } from "./TDigest.ts"
import { Change, Line, Smoothed, Spread } from "./Trends.ts"

/** The value of an event that an aggregate is made of; an event without one does not count. */
export type Read<V> = (event: HolonEvent) => V | undefined

/** Panes of a sliding window at most. */
const panesMax = 600
const paneMillisUsual = 1000

/** A second, or a hundredth of the window where that is shorter; so long that there are not too many of them. */
const paneMillisOf = (windowMillis: number): number =>
  Math.max(1, Math.min(paneMillisUsual, Math.floor(windowMillis / 100)), Math.ceil(windowMillis / panesMax))

/** Panes that a sliding window consists of; the pane in which it ends is one of them. */
const paneCountOf = (windowMillis: number): number => Math.ceil(windowMillis / paneMillisOf(windowMillis))

/** Goes on with what sums up numbers; `seconds` is how long the window is, where that is known. */
const withNumbers = <R>(
  aggregate: Exclude<Aggregate, { readonly _tag: "Distinct" }>,
  seconds: number | undefined,
  use: <A extends Accumulator<number, A>>(read: Read<number>, empty: () => A) => R
): R => {
  const one = () => 1
  switch (aggregate._tag) {
    case "Count":
      return use(one, () => new Count())
    case "Rate":
      return seconds === undefined ? use(one, () => new Frequency()) : use(one, () => new Count(seconds))
    case "Sum":
      return use(readNumber(aggregate.of), () => new Total(false))
    case "Avg":
      return use(readNumber(aggregate.of), () => new Total(true))
    case "Min":
      return use(readNumber(aggregate.of), () => new Extreme(-1))
    case "Max":
      return use(readNumber(aggregate.of), () => new Extreme(1))
    case "Stddev":
      return use(readNumber(aggregate.of), () => new Spread())
    case "Quantile":
      return use(readNumber(aggregate.of), () => new TDigest(aggregate.q))
    case "Ewma":
      return use(readNumber(aggregate.of), () => new Smoothed(aggregate.alpha))
    case "Slope":
      return use(readNumber(aggregate.of), () => new Line())
    case "Delta":
      return use(readNumber(aggregate.of), () => new Change())
  }
}

/** Goes on with what sums up the values of one window that ends. */
export const withAccumulator = <R>(
  aggregate: Aggregate,
  window: Extract<Window, { readonly _tag: "Tumbling" | "Session" }>,
  use: <V, A extends Accumulator<V, A>>(read: Read<V>, empty: () => A) => R
): R => {
  if (aggregate._tag === "Distinct") return use<Scalar, Distinct>(readScalar(aggregate.of), () => new Distinct())
  const seconds = window._tag === "Tumbling" ? window.millis / 1000 : undefined
  return withNumbers(aggregate, seconds, (read, empty) => use(read, empty))
}

/** Goes on with what holds the values of a window that moves on; without a window, of everything since the beginning. */
export const withContents = <R>(
  aggregate: Aggregate,
  window: Extract<Window, { readonly _tag: "Sliding" | "LastEvents" }> | undefined,
  use: <V>(read: Read<V>, begin: () => Contents<V>) => R
): R => {
  const millis = window?._tag === "Sliding" ? window.millis : 0
  const [paneMillis, paneCount] = [paneMillisOf(millis), paneCountOf(millis)]
  if (aggregate._tag === "Distinct") {
    const read = readScalar(aggregate.of)
    if (window === undefined) return use<Scalar>(read, () => new Running<Scalar, Distinct>(() => new Distinct()))
    if (window._tag === "Sliding") return use<Scalar>(read, () => new DistinctPanes(paneMillis, paneCount))
    return use<Scalar>(read, () => new LastDistinct(window.count))
  }
  if (aggregate._tag === "Quantile" && window?._tag === "LastEvents")
    return use(readNumber(aggregate.of), () => new LastSorted(aggregate.q, window.count))
  const seconds = window?._tag === "Sliding" ? millis / 1000 : undefined
  return withNumbers(aggregate, seconds, (read, empty) => {
    if (window === undefined) return use(read, () => new Running(empty))
    const scratch = empty()
    if (window._tag === "Sliding") {
      // A sketch is as large as hundreds of numbers.
      const keepsTails = aggregate._tag !== "Quantile"
      const paning = { empty, scratch, paneMillis, panesMax: paneCount, keepsTails }
      return use(read, () => new Panes(paning))
    }
    return use(read, () => new LastValues(empty, scratch, window.count))
  })
}
