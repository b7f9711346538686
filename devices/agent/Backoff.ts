/** How long a board waits before it connects again: full jitter, doubling, without end. */

/** First ceiling of the delay, ms. */
const firstMillis = 500

/** Highest ceiling of the delay, ms. */
const capMillis = 60_000

/** Delays between links. Full jitter spreads a fleet that lost one node over the whole interval. */
export class Backoff {
  #ceiling = firstMillis
  readonly #random: () => number

  constructor(random: () => number) {
    this.#random = random
  }

  /** Delay of the next try, in ms; the one after it may be twice as long. */
  next(): number {
    const delay = this.#random() * this.#ceiling
    this.#ceiling = Math.min(capMillis, this.#ceiling * 2)
    return delay
  }

  /** Delay after a refusal that time alone does not mend, in ms. */
  atCap(): number {
    this.#ceiling = capMillis
    return this.#random() * capMillis
  }

  /** The link has held: the next loss starts over. */
  reset(): void {
    this.#ceiling = firstMillis
  }
}
