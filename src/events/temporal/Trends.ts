/** How values spread, and where they go. */
import type { Accumulator } from "./Accumulators.ts"
import { sizes } from "./Bounds.ts"
import { asNumbers } from "./State.ts"

/** The standard deviation of the sample, n − 1 below the line; by Welford, and Chan for two of them. */
export class Spread implements Accumulator<number, Spread> {
  count = 0
  private mean = 0
  private squares = 0

  get bytes(): number {
    return sizes.numbers
  }
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
  get bytes(): number {
    return sizes.numbers
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

  get bytes(): number {
    return sizes.numbers
  }
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

  get bytes(): number {
    return sizes.numbers
  }
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
