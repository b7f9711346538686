/**
 * A sketch of how many values are distributed, small whatever their number: a t-digest with δ = 100 (Dunning and Ertl,
 * "Computing extremely accurate quantiles using t-digests", scale function k₁). Up to 200 values it is exact.
 */
import type { Accumulator } from "./Accumulators.ts"
import { sizes } from "./Bounds.ts"
import { asList, asNumbers } from "./State.ts"

const delta = 100
/** Clusters that are held before they are merged. */
const clustersMax = 2 * delta

export class TDigest implements Accumulator<number, TDigest> {
  count = 0
  private size = 0
  private means = new Float64Array(8)
  private weights = new Float64Array(8)
  private least = Number.POSITIVE_INFINITY
  private most = Number.NEGATIVE_INFINITY
  private readonly share: number

  /** Answers the value that so great a share of all are below, from 0 to 1. */
  constructor(share: number) {
    this.share = share
  }

  get bytes(): number {
    return sizes.numbers + 16 * this.means.length
  }

  add(value: number): void {
    this.count++
    if (value < this.least) this.least = value
    if (value > this.most) this.most = value
    this.insert(value, 1)
    if (this.size > clustersMax) this.compress()
  }

  absorb(later: TDigest): void {
    if (later.count === 0) return
    this.count += later.count
    this.least = Math.min(this.least, later.least)
    this.most = Math.max(this.most, later.most)
    this.merge(later)
    if (this.size > clustersMax) this.compress()
  }

  clear(): void {
    this.count = 0
    this.size = 0
    this.least = Number.POSITIVE_INFINITY
    this.most = Number.NEGATIVE_INFINITY
  }

  /** Between the middles of two clusters on a straight line, and exact at both ends. */
  result(): number | undefined {
    if (this.count === 0) return undefined
    const rank = this.share * (this.count - 1)
    let before = 0
    let lastRank = 0
    let lastMean = this.least
    for (let index = 0; index < this.size; index++) {
      const weight = this.weights[index] ?? 0
      const mean = this.means[index] ?? 0
      const middle = before + (weight - 1) / 2
      if (rank <= middle) {
        if (middle === lastRank) return mean
        return lastMean + ((mean - lastMean) * (rank - lastRank)) / (middle - lastRank)
      }
      before += weight
      lastRank = middle
      lastMean = mean
    }
    const end = this.count - 1
    if (end === lastRank) return this.most
    return lastMean + ((this.most - lastMean) * (rank - lastRank)) / (end - lastRank)
  }

  encode(): ReadonlyArray<unknown> {
    return [
      [this.count, this.least, this.most],
      [...this.means.subarray(0, this.size)],
      [...this.weights.subarray(0, this.size)]
    ]
  }

  decode(value: unknown): void {
    const [numbers, means, weights] = asList(value)
    const [count = 0, least = 0, most = 0] = asNumbers(numbers)
    this.count = count
    this.least = least
    this.most = most
    const all = asNumbers(means)
    this.reserve(all.length)
    this.size = all.length
    this.means.set(all)
    this.weights.set(asNumbers(weights))
  }

  private reserve(size: number): void {
    if (size <= this.means.length) return
    const room = Math.max(size, 2 * this.means.length)
    const means = new Float64Array(room)
    const weights = new Float64Array(room)
    means.set(this.means)
    weights.set(this.weights)
    this.means = means
    this.weights = weights
  }

  private insert(mean: number, weight: number): void {
    let low = 0
    let high = this.size
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.means[middle] ?? 0) <= mean) low = middle + 1
      else high = middle
    }
    this.reserve(this.size + 1)
    this.means.copyWithin(low + 1, low, this.size)
    this.weights.copyWithin(low + 1, low, this.size)
    this.means[low] = mean
    this.weights[low] = weight
    this.size++
  }

  /** Both are in order; fills from the end, so that nothing is overwritten before it is moved. */
  private merge(other: TDigest): void {
    this.reserve(this.size + other.size)
    let mine = this.size - 1
    let theirs = other.size - 1
    for (let to = this.size + other.size - 1; theirs >= 0; to--) {
      const isMine = mine >= 0 && (this.means[mine] ?? 0) > (other.means[theirs] ?? 0)
      this.means[to] = (isMine ? this.means[mine] : other.means[theirs]) ?? 0
      this.weights[to] = (isMine ? this.weights[mine] : other.weights[theirs]) ?? 0
      if (isMine) mine--
      else theirs--
    }
    this.size += other.size
  }

  /** Neighbours become one cluster as long as it spans at most one step of the scale, which is finest at the ends. */
  private compress(): void {
    const scale = (share: number) => (delta / (2 * Math.PI)) * Math.asin(2 * Math.min(1, share) - 1)
    let size = 0
    let before = 0
    let weight = this.weights[0] ?? 0
    let mean = this.means[0] ?? 0
    let limit = scale(0) + 1
    for (let index = 1; index < this.size; index++) {
      const nextWeight = this.weights[index] ?? 0
      const nextMean = this.means[index] ?? 0
      if (scale((before + weight + nextWeight) / this.count) <= limit) {
        weight += nextWeight
        mean += ((nextMean - mean) * nextWeight) / weight
        continue
      }
      this.means[size] = mean
      this.weights[size++] = weight
      before += weight
      limit = scale(before / this.count) + 1
      weight = nextWeight
      mean = nextMean
    }
    this.means[size] = mean
    this.weights[size++] = weight
    this.size = size
  }
}
