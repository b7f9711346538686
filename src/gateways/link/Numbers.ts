/** Which numbers of one boot are consumed: the highest without a gap, and those that came ahead of it. */
export class Numbers {
  #last: number
  readonly #ahead = new Set<number>()

  constructor(last: number) {
    this.#last = last
  }

  /** Highest consumed number without a gap. */
  get last(): number {
    return this.#last
  }

  /** Notes a consumed number; repeats are harmless. */
  consumed(seq: number): void {
    if (seq <= this.#last) return
    if (seq > this.#last + 1) {
      this.#ahead.add(seq)
      return
    }
    this.#last = seq
    while (this.#ahead.delete(this.#last + 1)) this.#last++
  }

  /** A welcome said what is durable: it never goes back. */
  durable(last: number): void {
    if (last <= this.#last) return
    this.#last = last
    for (const seq of this.#ahead) if (seq <= last) this.#ahead.delete(seq)
    while (this.#ahead.delete(this.#last + 1)) this.#last++
  }
}
