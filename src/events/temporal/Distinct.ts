/** Counts different values exactly, up to a bound. */
import type { Accumulator } from "./Accumulators.ts"
import { sizes } from "./Bounds.ts"
import type { Scalar } from "./Match.ts"
import { asList } from "./State.ts"

/** Different values that are told apart; there are at least so many where there are more. */
export const distinctMax = 10_000

const isScalar = (value: unknown): value is Scalar =>
  typeof value === "string" || typeof value === "number" || typeof value === "boolean"

/** The values in a snapshot. */
export const asScalars = (value: unknown): ReadonlyArray<Scalar> => asList(value).filter(isScalar)

export class Distinct implements Accumulator<Scalar, Distinct> {
  private readonly values = new Set<Scalar>()

  get count(): number {
    return this.values.size
  }
  get bytes(): number {
    return sizes.numbers + sizes.value * this.values.size
  }
  add(value: Scalar): void {
    if (this.values.size < distinctMax) this.values.add(value)
  }
  absorb(later: Distinct): void {
    for (const value of later.values) this.add(value)
  }
  clear(): void {
    this.values.clear()
  }
  result(): number {
    return this.values.size
  }
  encode(): ReadonlyArray<Scalar> {
    return [...this.values]
  }
  decode(value: unknown): void {
    this.values.clear()
    for (const each of asScalars(value)) this.values.add(each)
  }
}
