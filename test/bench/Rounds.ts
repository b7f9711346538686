/** Rounds that interleave their variants, so that the machine's other work hits all of them alike, and their figures. */
import { loadavg } from "node:os"

/** One thing measured. The first variant of a comparison is its baseline. */
export interface Variant {
  readonly name: string
  readonly unit: string
  /** One figure of one round. */
  readonly run: () => Promise<number>
  /** What its ratio to the baseline should be. */
  readonly goal?: Goal
}

/** A bound on a ratio or on a figure. */
export type Goal = { readonly atLeast: number } | { readonly atMost: number }

export interface Spread {
  readonly min: number
  readonly median: number
  readonly max: number
}

/** What came out for one variant. */
export interface Figure extends Spread {
  readonly name: string
  readonly unit: string
  /** Against the baseline of the same round. */
  readonly ratio: Spread | undefined
  readonly goal: Goal | undefined
  readonly rounds: number
  /** Mean number of runnable processes of the last minute when it was measured. */
  readonly load: number
}

export const percentile = (values: ReadonlyArray<number>, share: number): number => {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}

export const spreadOf = (values: ReadonlyArray<number>): Spread => ({
  min: Math.min(...values),
  median: percentile(values, 0.5),
  max: Math.max(...values)
})

export const show = (value: number): string => {
  if (value >= 1000) return Math.round(value).toLocaleString("en")
  return value.toFixed(value >= 100 ? 0 : value >= 10 ? 1 : value >= 1 ? 2 : 3)
}

const showSpread = ({ min, median, max }: Spread): string => `${show(min)} / ${show(median)} / ${show(max)}`

const showGoal = (goal: Goal | undefined, value: number): string => {
  if (goal === undefined) return ""
  const [sign, bound, isMet] =
    "atLeast" in goal ? ["≥", goal.atLeast, value >= goal.atLeast] : ["≤", goal.atMost, value <= goal.atMost]
  return `goal ${sign} ${bound}: ${isMet ? "met" : "MISSED"}`
}

/** Prints one figure: min / median / max, the ratio, and whether the goal is met by the median. */
export const print = ({ name, unit, ratio, goal, ...spread }: Figure): void => {
  const ratioText = ratio === undefined ? "" : `ratio ${showSpread(ratio)}`
  const goalText = showGoal(goal, ratio?.median ?? spread.median)
  console.log(`  ${name.padEnd(58)} ${`${showSpread(spread)} ${unit}`.padEnd(34)} ${ratioText.padEnd(28)} ${goalText}`)
}

const title = (text: string, rounds: number): void =>
  console.log(`\n${text}  (${rounds} rounds, load ${loadavg()[0]?.toFixed(1)})`)

/** A figure of its own, without a baseline. */
export const figure = (name: string, unit: string, values: ReadonlyArray<number>, goal?: Goal): Figure => {
  const made = {
    name,
    unit,
    ...spreadOf(values),
    ratio: undefined,
    goal,
    rounds: values.length,
    load: loadavg()[0] ?? 0
  }
  print(made)
  return made
}

/** Runs every variant once a round and prints the figures. */
export const compare = async (
  what: string,
  variants: ReadonlyArray<Variant>,
  rounds: number
): Promise<ReadonlyArray<Figure>> => {
  const results = variants.map(() => ({ values: [] as number[], ratios: [] as number[] }))
  for (let round = 0; round < rounds; round++) {
    let base = Number.NaN
    for (const [index, variant] of variants.entries()) {
      const value = await variant.run()
      if (index === 0) base = value
      results[index]?.values.push(value)
      results[index]?.ratios.push(value / base)
    }
  }
  title(what, rounds)
  return variants.map(({ name, unit, goal }, index) => {
    const { values, ratios } = results[index] ?? { values: [], ratios: [] }
    const ratio = index === 0 ? undefined : spreadOf(ratios)
    const made = { name, unit, ...spreadOf(values), ratio, goal, rounds, load: loadavg()[0] ?? 0 }
    print(made)
    return made
  })
}

/** What a bench may be asked for. */
export interface BenchOptions {
  /** Fewer rounds, to see that it works. */
  readonly isQuick: boolean
}
