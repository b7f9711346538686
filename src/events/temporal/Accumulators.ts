/**
 * What is kept of many values to know their mean, spread or slope: a few numbers, to which a value can be added, and which
 * can be put together with those of the values that came later.
 */
import { asNumbers } from "./State.ts"

/** Sums up values of type `V`. `Self` is the class itself. */
export interface Accumulator<V, Self> {
  /** How many values are in it. */
  readonly count: number
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

/** The standard deviation of the sample, n − 1 below the line; by Welford, and Chan for two of them. */
export class Spread implements Accumulator<number, Spread> {
  count = 0
  private mean = 0
  private squares = 0

  add(value: number): void {
    this.count++
    const distance = value - this.mean
    this.mean += distance / this.count
    this.squares += distance * (value - this.mean)
  }
  absorb(later: Spread): void {
    if (later.count === 0) return
    const count = this.count + later.count
    const distance = later.mean - this.mean
    this.squares += later.squares + (distance * distance * this.count * later.count) / count
    this.mean += (distance * later.count) / count
    this.count = count
  }
  clear(): void {
    this.count = 0
    this.mean = 0
    this.squares = 0
  }
  result(): number | undefined {
    return this.count < 2 ? undefined : Math.sqrt(this.squares / (this.count - 1))
  }
  encode(): ReadonlyArray<number> {
    return [this.count, this.mean, this.squares]
  }
  decode(value: unknown): void {
    const [count = 0, mean = 0, squares = 0] = asNumbers(value)
    this.count = count
    this.mean = mean
    this.squares = squares
  }
}

/** The exponentially weighted mean, in the order in which values come. */
export class Smoothed implements Accumulator<number, Smoothed> {
  count = 0
  /** With the first value as beginning. */
  private value = 0
  /** What it adds to a mean that began before. */
  private tail = 0
  private readonly alpha: number

  constructor(alpha: number) {
    this.alpha = alpha
  }
  add(value: number): void {
    this.value = this.count === 0 ? value : this.value + this.alpha * (value - this.value)
    this.tail += this.alpha * (value - this.tail)
    this.count++
  }
  absorb(later: Smoothed): void {
    if (later.count === 0) return
    const kept = (1 - this.alpha) ** later.count
    this.value = this.count === 0 ? later.value : this.value * kept + later.tail
    this.tail = this.tail * kept + later.tail
    this.count += later.count
  }
  clear(): void {
    this.count = 0
    this.value = 0
    this.tail = 0
  }
  result(): number | undefined {
    return this.count === 0 ? undefined : this.value
  }
  encode(): ReadonlyArray<number> {
    return [this.count, this.value, this.tail]
  }
  decode(value: unknown): void {
    const [count = 0, mean = 0, tail = 0] = asNumbers(value)
    this.count = count
    this.value = mean
    this.tail = tail
  }
}

/** The slope of the least-squares line over event time, units a second. */
export class Line implements Accumulator<number, Line> {
  count = 0
  /** Times count from the first that came, ms: as they are they are so large that their squares would be inexact. */
  private origin = 0
  private meanSeconds = 0
  private meanValue = 0
  /** Sums of squares and products of the distances from the means. */
  private squares = 0
  private products = 0

  add(value: number, at: number): void {
    if (this.count === 0) this.origin = at
    this.count++
    const seconds = (at - this.origin) / 1000
    const distance = seconds - this.meanSeconds
    this.meanSeconds += distance / this.count
    this.meanValue += (value - this.meanValue) / this.count
    this.squares += distance * (seconds - this.meanSeconds)
    this.products += distance * (value - this.meanValue)
  }
  absorb(later: Line): void {
    if (later.count === 0) return
    if (this.count === 0) this.origin = later.origin
    const count = this.count + later.count
    const seconds = (later.origin - this.origin) / 1000 + later.meanSeconds - this.meanSeconds
    const distance = later.meanValue - this.meanValue
    const weight = (this.count * later.count) / count
    this.squares += later.squares + seconds * seconds * weight
    this.products += later.products + seconds * distance * weight
    this.meanSeconds += (seconds * later.count) / count
    this.meanValue += (distance * later.count) / count
    this.count = count
  }
  clear(): void {
    this.count = 0
    this.origin = 0
    this.meanSeconds = 0
    this.meanValue = 0
    this.squares = 0
    this.products = 0
  }
  result(): number | undefined {
    return this.count > 1 && this.squares > 0 ? this.products / this.squares : undefined
  }
  encode(): ReadonlyArray<number> {
    return [this.count, this.origin, this.meanSeconds, this.meanValue, this.squares, this.products]
  }
  decode(value: unknown): void {
    const [count = 0, origin = 0, meanSeconds = 0, meanValue = 0, squares = 0, products = 0] = asNumbers(value)
    this.count = count
    this.origin = origin
    this.meanSeconds = meanSeconds
    this.meanValue = meanValue
    this.squares = squares
    this.products = products
  }
}

/** The newest value less the oldest one; of two of the same time the one that came later is newer. */
export class Change implements Accumulator<number, Change> {
  count = 0
  private oldestAt = Number.POSITIVE_INFINITY
  private oldest = 0
  private newestAt = Number.NEGATIVE_INFINITY
  private newest = 0

  add(value: number, at: number): void {
    this.count++
    if (at < this.oldestAt) {
      this.oldestAt = at
      this.oldest = value
    }
    if (at >= this.newestAt) {
      this.newestAt = at
      this.newest = value
    }
  }
  absorb(later: Change): void {
    if (later.count === 0) return
    this.count += later.count
    if (later.oldestAt < this.oldestAt) {
      this.oldestAt = later.oldestAt
      this.oldest = later.oldest
    }
    if (later.newestAt >= this.newestAt) {
      this.newestAt = later.newestAt
      this.newest = later.newest
    }
  }
  clear(): void {
    this.count = 0
    this.oldestAt = Number.POSITIVE_INFINITY
    this.newestAt = Number.NEGATIVE_INFINITY
  }
  result(): number | undefined {
    return this.count === 0 ? undefined : this.newest - this.oldest
  }
  encode(): ReadonlyArray<number> {
    return [this.count, this.oldestAt, this.oldest, this.newestAt, this.newest]
  }
  decode(value: unknown): void {
    const [count = 0, oldestAt = 0, oldest = 0, newestAt = 0, newest = 0] = asNumbers(value)
    this.count = count
    this.oldestAt = oldestAt
    this.oldest = oldest
    this.newestAt = newestAt
    this.newest = newest
  }
}
