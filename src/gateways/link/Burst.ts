/** Notices that something happened too often within a minute. */
import { burstMillis } from "./LinkTerms.ts"

/** Counts one kind of thing. */
export class Burst {
  readonly #countMax: number
  #at: Array<number> = []

  /** So many times are a burst. */
  constructor(countMax: number) {
    this.#countMax = countMax
  }

  /** It happened at `now`, monotonic ms; answers whether that makes a burst. */
  note(now: number): boolean {
    this.#at = this.#at.filter((at) => now - at < burstMillis)
    this.#at.push(now)
    return this.#at.length >= this.#countMax
  }
}
