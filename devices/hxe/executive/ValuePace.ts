/** When a value that is followed is said: when it has changed enough, and not too often; then as it is. */

/** How a value is followed. */
export interface PaceLimits {
  /** Smallest change that is said, counted from what was said; any when absent. */
  readonly epsilon?: number
  /** Least time between two; 0 when absent. */
  readonly rateMillis?: number
}

/** What was said of one value. */
export class ValuePace {
  readonly #epsilon: number
  readonly #rateMillis: number
  #said: number | undefined
  #saidAt: number | undefined

  /** `said` is known already, at no time. */
  constructor({ epsilon = 0, rateMillis = 0 }: PaceLimits, said?: number) {
    this.#epsilon = Math.abs(epsilon)
    this.#rateMillis = rateMillis
    this.#said = said
  }

  /** A change smaller than epsilon is none. */
  isNews(value: number): boolean {
    const said = this.#said
    return said === undefined || (!Object.is(said, value) && !(Math.abs(value - said) < this.#epsilon))
  }

  /** When the next may be said, on the same clock as `say`: in the past when at once. */
  get due(): number {
    return this.#saidAt === undefined ? Number.NEGATIVE_INFINITY : this.#saidAt + this.#rateMillis
  }

  /** It is said now. */
  say(value: number, now: number): void {
    this.#said = value
    this.#saidAt = now
  }
}
