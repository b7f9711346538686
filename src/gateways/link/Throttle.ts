/** Watches the pace of one link against its rate, in buckets of about a second. */
import { floodMillis, overRateMillis } from "./LinkTerms.ts"

/** What to do about a link's pace. */
export type Pace = "ok" | "slow-down" | "flood"

const bucketMillis = 1_000

/** Counts frames; says when the board must be told to slow down, and when it is turned away. */
export class Throttle {
  readonly #rate: number
  #bucketAt: number
  #numbered = 0
  #unnumbered = 0
  #overSince: number | undefined
  #floodSince: number | undefined
  #isTold = false

  /** `rate` is numbered frames a second, above 0; `now` is monotonic milliseconds, here and below. */
  constructor(rate: number, now: number) {
    this.#rate = rate
    this.#bucketAt = now
  }

  /** Counts a frame that came at `now`. */
  count(isNumbered: boolean, now: number): Pace {
    let pace: Pace = "ok"
    const elapsed = now - this.#bucketAt
    if (elapsed >= bucketMillis) pace = this.#close(elapsed, now)
    if (isNumbered) this.#numbered++
    else this.#unnumbered++
    return pace
  }

  /** Whether unnumbered frames of this second have used up the rate: those that may be lost are dropped. */
  get isCrowded(): boolean {
    return this.#unnumbered > this.#rate
  }

  #close(elapsed: number, now: number): Pace {
    const allowed = (this.#rate * elapsed) / 1_000
    const isOver = this.#numbered > allowed
    const isFlood = this.#numbered + this.#unnumbered > 2 * allowed
    // A pause longer than a bucket ends whatever went on before it: its average would hide a second burst, not a first.
    this.#overSince = isOver ? (this.#overSince ?? this.#bucketAt) : undefined
    this.#floodSince = isFlood ? (this.#floodSince ?? this.#bucketAt) : undefined
    this.#bucketAt = now
    this.#numbered = 0
    this.#unnumbered = 0
    if (this.#floodSince !== undefined && now - this.#floodSince >= floodMillis) return "flood"
    if (this.#overSince === undefined) this.#isTold = false
    else if (!this.#isTold && now - this.#overSince >= overRateMillis) {
      this.#isTold = true
      return "slow-down"
    }
    return "ok"
  }
}
