/**
 * What is kept of many values to know their mean, spread or slope: a few numbers, to which a value can be added, and which
 * can be put together with those of the values that came later.
 */
import { sizes } from "./Bounds.ts"
import { asNumbers } from "./State.ts"

/** Sums up values of type `V`. `Self` is the class itself. */
export interface Accumulator<V, Self> {
  /** How many values are in it. */
  readonly count: number
  /** About how many it takes. */
  readonly bytes: number
  /** Adds a value of an event that happened at `at`, ms. */
  add(value: V, at: number): void
  /** Adds all that another holds, whose values came later. The other stays as it is. */
  absorb(later: Self): void
  clear(): void
  /** Undefined where there is no answer, as for the mean of nothing. */
  result(): number | undefined
  /** For a snapshot. Exact: what was decoded goes on as the original would. */
  encode(): unknown
  decode(value: unknown): void
}

/** How many; divided by a number of seconds where it is a rate. */
export class Count implements Accumulator<unknown, Count> {
  count = 0
  private readonly seconds: number

  constructor(seconds = 1) {
    this.seconds = seconds
  }
  get bytes(): number {
    return sizes.numbers
  }
  add(): void {
    this.count++
  }
  absorb(later: Count): void {
    this.count += later.count
  }
  clear(): void {
    this.count = 0
  }
  result(): number {
    return this.count / this.seconds
  }
  encode(): ReadonlyArray<number> {
    return [this.count]
  }
  decode(value: unknown): void {
    const [count = 0] = asNumbers(value)
    this.count = count
  }
}

/** Events a second between the first and the last of them. */
export class Frequency implements Accumulator<unknown, Frequency> {
  count = 0
  private oldestAt = Number.POSITIVE_INFINITY
  private newestAt = Number.NEGATIVE_INFINITY

  get bytes(): number {
    return sizes.numbers
  }
  add(_value: unknown, at: number): void {
    this.count++
    if (at < this.oldestAt) this.oldestAt = at
    if (at > this.newestAt) this.newestAt = at
  }
  absorb(later: Frequency): void {
    this.count += later.count
    this.oldestAt = Math.min(this.oldestAt, later.oldestAt)
    this.newestAt = Math.max(this.newestAt, later.newestAt)
  }
  clear(): void {
    this.count = 0
    this.oldestAt = Number.POSITIVE_INFINITY
    this.newestAt = Number.NEGATIVE_INFINITY
  }
  result(): number | undefined {
    const millis = this.newestAt - this.oldestAt
    return this.count > 1 && millis > 0 ? this.count / (millis / 1000) : undefined
  }
  encode(): ReadonlyArray<number> {
    return [this.count, this.oldestAt, this.newestAt]
  }
  decode(value: unknown): void {
    const [count = 0, oldestAt = 0, newestAt = 0] = asNumbers(value)
    this.count = count
    this.oldestAt = oldestAt
    this.newestAt = newestAt
  }
}

/** The sum, or the mean. */
export class Total implements Accumulator<number, Total> {
  count = 0
  private total = 0
  private readonly isMean: boolean

  constructor(isMean: boolean) {
    this.isMean = isMean
  }
  get bytes(): number {
    return sizes.numbers
  }
  add(value: number): void {
    this.count++
    this.total += value
  }
  absorb(later: Total): void {
    this.count += later.count
    this.total += later.total
  }
  clear(): void {
    this.count = 0
    this.total = 0
  }
  result(): number | undefined {
    if (!this.isMean) return this.total
    return this.count === 0 ? undefined : this.total / this.count
  }
  encode(): ReadonlyArray<number> {
    return [this.count, this.total]
  }
  decode(value: unknown): void {
    const [count = 0, total = 0] = asNumbers(value)
    this.count = count
    this.total = total
  }
}

/** The largest value, or with −1 the smallest. */
export class Extreme implements Accumulator<number, Extreme> {
  count = 0
  private extreme = Number.NEGATIVE_INFINITY
  private readonly sign: 1 | -1

  constructor(sign: 1 | -1) {
    this.sign = sign
  }
  get bytes(): number {
    return sizes.numbers
  }
  add(value: number): void {
    this.count++
    const signed = value * this.sign
    if (signed > this.extreme) this.extreme = signed
  }
  absorb(later: Extreme): void {
    this.count += later.count
    if (later.extreme > this.extreme) this.extreme = later.extreme
  }
  clear(): void {
    this.count = 0
    this.extreme = Number.NEGATIVE_INFINITY
  }
  result(): number | undefined {
    // Added to nothing, so that the smallest of zeros is no negative zero.
    return this.count === 0 ? undefined : this.extreme * this.sign + 0
  }
  encode(): ReadonlyArray<number> {
    return [this.count, this.extreme]
  }
  decode(value: unknown): void {
    const [count = 0, extreme = 0] = asNumbers(value)
    this.count = count
    this.extreme = extreme
  }
}
