/** Chance of a test, from a seed: the same seed gives the same numbers on every machine (mulberry32). */

/** The next 32 bits at each call. */
const bitsOf = (seed: number): (() => number) => {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return (mixed ^ (mixed >>> 14)) >>> 0
  }
}

/** Numbers in [0, 1). */
export const randomFrom = (seed: number): (() => number) => {
  const next = bitsOf(seed)
  return () => next() / 2 ** 32
}

/** A whole number from 0 up to, and without, a bound. */
export type Below = (bound: number) => number

/** Whole numbers below the bound of each call. */
export const randomOf = (seed: number): Below => {
  const next = bitsOf(seed)
  return (bound) => next() % bound
}
