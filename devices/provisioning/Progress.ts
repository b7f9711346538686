/** How often a transfer tells how far it is, so that a fast sender drowns nobody. */

/** Bytes that count as an advance when the length of the image is not known. */
const advanceBytes = 4096

/** No consumer is so slow that progress goes below this, unless its queue is full. */
const hertzMin = 1

/** Share of its queue from which a consumer counts as slow. */
const slowShare = 0.5

/** Limits of one transfer's progress. */
export interface ProgressLimits {
  readonly hertz: number
  /** Whole percent it must advance between two events. */
  readonly percentMin: number
}

/** Whole percent, never above 100; none when the length is not known. An empty image is all there. */
export const percentOf = (bytes: number, totalBytes: number | undefined): number | undefined => {
  if (totalBytes === undefined) return undefined
  return totalBytes === 0 ? 100 : Math.min(100, Math.floor((100 * bytes) / totalBytes))
}

/** Paces the progress of one transfer. The transfer itself never waits for it. */
export class ProgressPace {
  readonly #limits: ProgressLimits
  readonly #totalBytes: number | undefined
  #lastMillis: number | undefined
  #lastBytes = 0
  #coalesced = 0
  #hertz: number
  #stopped = false

  constructor(limits: ProgressLimits, totalBytes: number | undefined) {
    this.#limits = limits
    this.#totalBytes = totalBytes
    this.#hertz = limits.hertz
  }

  /**
   * Says whether to tell now, and how many offers this one stands for besides itself; none says: later.
   * `pressure` is the fullest queue among the consumers, 1 is full.
   */
  offer(nowMillis: number, bytes: number, pressure: number): number | undefined {
    if (this.#held(nowMillis, bytes, pressure)) {
      this.#coalesced++
      return undefined
    }
    // The rate halves with each event that meets a slow consumer, so that it adapts without a clock of its own.
    this.#hertz = pressure >= slowShare ? Math.max(hertzMin, this.#hertz / 2) : this.#limits.hertz
    return this.tell(nowMillis, bytes)
  }

  /** Tells now, whatever the pace; answers how many offers were left out before. */
  tell(nowMillis: number, bytes: number): number {
    const coalesced = this.#coalesced
    this.#coalesced = 0
    this.#lastMillis = nowMillis
    this.#lastBytes = bytes
    return coalesced
  }

  #held(nowMillis: number, bytes: number, pressure: number): boolean {
    if (pressure >= 1) this.#stopped = true
    else if (pressure < slowShare) this.#stopped = false
    if (this.#stopped) return true
    const hertz = pressure >= slowShare ? this.#hertz : this.#limits.hertz
    if (this.#lastMillis !== undefined && nowMillis - this.#lastMillis < 1000 / hertz) return true
    const now = percentOf(bytes, this.#totalBytes)
    const last = percentOf(this.#lastBytes, this.#totalBytes)
    if (now === undefined || last === undefined) return bytes - this.#lastBytes < advanceBytes
    return now - last < this.#limits.percentMin
  }
}
