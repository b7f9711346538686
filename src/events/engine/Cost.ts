/** What one pattern costs. Some of its looks are timed and stand for those between them, for a clock costs as much as many a look. */

/** One look of so many is timed, the first among them: what is rarely looked at has its cost, too. */
export const timedEvery = 16

export class Cost {
  /** Time that it took, ms: an estimate that only grows. */
  millis = 0
  #looks = 0
  #untilTimed = 1

  /** A look begins. True where it is to be timed: then its time is to be {@link add}ed. */
  begin(): boolean {
    this.#looks++
    return --this.#untilTimed === 0
  }

  /** What the look that began took, ms. */
  add(millis: number): void {
    this.millis += millis * this.#looks
    this.#looks = 0
    this.#untilTimed = timedEvery
  }
}
