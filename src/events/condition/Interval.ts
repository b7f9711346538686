/** Comparisons with a fixed number as closed intervals of numbers, which leave out NaN and the infinities by themselves. */
import type { Comparison } from "../../protocol/condition/Condition.ts"

/** Both ends are inside; empty where the low end is above the high one. */
export type Interval = readonly [low: number, high: number]

const float = new Float64Array(1)
const bits = new BigInt64Array(float.buffer)

/** The next double above; infinity above the largest. */
export const above = (value: number): number => {
  if (value === 0) return Number.MIN_VALUE
  float[0] = value
  // Doubles of one sign are in the order of their bits.
  bits[0] = (bits[0] ?? 0n) + (value > 0 ? 1n : -1n)
  return float[0]
}

/** The next double below. */
const beneath = (value: number): number => -above(-value)

/** The numbers that a comparison with a fixed one holds for; nothing for `!=`, which is no interval. */
export const intervalOf = (operator: Comparison, value: number): Interval | undefined => {
  switch (operator) {
    case "<":
      return [-Number.MAX_VALUE, beneath(value)]
    case "<=":
      return [-Number.MAX_VALUE, value]
    case "==":
      return [value, value]
    case ">=":
      return [value, Number.MAX_VALUE]
    case ">":
      return [above(value), Number.MAX_VALUE]
    case "!=":
      return undefined
  }
}
