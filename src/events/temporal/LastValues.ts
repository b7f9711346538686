/** The last so many values of a key, in the order in which they come. */
import type { Accumulator } from "./Accumulators.ts"
import { sizes } from "./Bounds.ts"
import type { Contents } from "./Contents.ts"
import { asList, asNumber, asNumbers } from "./State.ts"

/**
 * A queue in two halves, so that an event costs the same however many there are. Of the older half it is known what every
 * value and all behind it come to; when that half is used up, the newer one takes its place.
 */
export class LastValues<A extends Accumulator<number, A>> implements Contents<number> {
  readonly nextExpiry = Number.POSITIVE_INFINITY
  readonly lastExpiry = Number.POSITIVE_INFINITY
  private readonly empty: () => A
  /** Shared by all keys: it holds nothing between two calls. */
  private readonly scratch: A
  private readonly countMax: number
  /** A ring of values and their times, and the place of the oldest. */
  private values: Array<number> = []
  private times: Array<number> = []
  private oldest = 0
  /** What the values of the older half and all behind them come to; the last is that of the oldest. */
  private tails: Array<A> = []
  private readonly newer: A

  constructor(empty: () => A, scratch: A, countMax: number) {
    this.empty = empty
    this.scratch = scratch
    this.newer = empty()
    this.countMax = countMax
  }

  get isEmpty(): boolean {
    return this.values.length === 0
  }

  get isFull(): boolean {
    return this.values.length === this.countMax
  }

  get bytes(): number {
    return 16 * this.values.length + sizes.numbers * this.tails.length
  }

  add(value: number, at: number): void {
    if (this.isFull) {
      if (this.tails.length === 0) this.turn(this.countMax)
      this.tails.pop()
      this.values[this.oldest] = value
      this.times[this.oldest] = at
      this.oldest = (this.oldest + 1) % this.countMax
    } else {
      this.values.push(value)
      this.times.push(at)
    }
    this.newer.add(value, at)
  }

  /** Makes the oldest values the older half. */
  private turn(count: number): void {
    this.newer.clear()
    this.tails = []
    let behind: A | undefined
    for (let index = count - 1; index >= 0; index--) {
      const tail = this.empty()
      this.addOf(tail, index)
      if (behind !== undefined) tail.absorb(behind)
      this.tails.push(tail)
      behind = tail
    }
  }

  /** Adds the value that is so far from the oldest. */
  private addOf(to: A, index: number): void {
    const place = (this.oldest + index) % this.values.length
    to.add(this.values[place] ?? 0, this.times[place] ?? 0)
  }

  expire(): void {}

  result(): number | undefined {
    const tail = this.tails.at(-1)
    if (tail === undefined) return this.newer.result()
    const { scratch } = this
    scratch.clear()
    scratch.absorb(tail)
    scratch.absorb(this.newer)
    return scratch.result()
  }

  encode(): unknown {
    const turned = <T>(ring: ReadonlyArray<T>) => [...ring.slice(this.oldest), ...ring.slice(0, this.oldest)]
    return [turned(this.values), turned(this.times), this.tails.length]
  }

  /** The halves are built from the values as they were before, so that sums come out the same to the last bit. */
  decode(value: unknown): void {
    const [values, times, older] = asList(value)
    this.values = [...asNumbers(values)]
    this.times = [...asNumbers(times)]
    this.oldest = 0
    const count = asNumber(older)
    this.turn(count)
    for (let index = count; index < this.values.length; index++) this.addOf(this.newer, index)
  }
}

/** Quantiles of the last so many values, exactly: they are kept in order of size beside their order in time. */
export class LastSorted implements Contents<number> {
  readonly nextExpiry = Number.POSITIVE_INFINITY
  readonly lastExpiry = Number.POSITIVE_INFINITY
  private readonly share: number
  private readonly countMax: number
  private values: Array<number> = []
  private oldest = 0
  private sorted = new Float64Array(8)

  constructor(share: number, countMax: number) {
    this.share = share
    this.countMax = countMax
  }

  get isEmpty(): boolean {
    return this.values.length === 0
  }

  get isFull(): boolean {
    return this.values.length === this.countMax
  }

  get bytes(): number {
    return 16 * this.values.length
  }

  add(value: number): void {
    if (this.isFull) {
      this.forget(this.values[this.oldest] ?? 0)
      this.insert(value, this.countMax - 1)
      this.values[this.oldest] = value
      this.oldest = (this.oldest + 1) % this.countMax
      return
    }
    this.insert(value, this.values.length)
    this.values.push(value)
  }

  /** Where a value stands, or would. */
  private placeOf(value: number, size: number): number {
    let low = 0
    let high = size
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.sorted[middle] ?? 0) < value) low = middle + 1
      else high = middle
    }
    return low
  }

  private forget(value: number): void {
    this.sorted.copyWithin(this.placeOf(value, this.countMax), this.placeOf(value, this.countMax) + 1, this.countMax)
  }

  private insert(value: number, size: number): void {
    if (size === this.sorted.length) {
      const larger = new Float64Array(2 * size)
      larger.set(this.sorted)
      this.sorted = larger
    }
    const place = this.placeOf(value, size)
    this.sorted.copyWithin(place + 1, place, size)
    this.sorted[place] = value
  }

  expire(): void {}

  result(): number | undefined {
    const size = this.values.length
    if (size === 0) return undefined
    const rank = this.share * (size - 1)
    const low = this.sorted[Math.floor(rank)] ?? 0
    const high = this.sorted[Math.ceil(rank)] ?? low
    return low + (high - low) * (rank - Math.floor(rank))
  }

  encode(): unknown {
    return [...this.values.slice(this.oldest), ...this.values.slice(0, this.oldest)]
  }

  decode(value: unknown): void {
    this.values = []
    this.oldest = 0
    for (const each of asNumbers(value)) this.add(each)
  }
}
