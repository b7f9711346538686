/** Intervals that hold a number, found without looking at the others: sorted by their low ends, with the highest high end below each. */

interface Entry<A> {
  readonly low: number
  readonly high: number
  readonly item: A
}

/** Intervals with both ends inside, each with an item. */
export class IntervalIndex<A> {
  readonly #entries = new Map<A, Entry<A>>()
  #sorted: ReadonlyArray<Entry<A>> = []
  #lows = new Float64Array(0)
  #highs = new Float64Array(0)
  /** The highest high end of the implicit subtree whose middle is here. */
  #tops = new Float64Array(0)
  #isStale = false

  get size(): number {
    return this.#entries.size
  }

  add(low: number, high: number, item: A): void {
    this.#entries.set(item, { low, high, item })
    this.#isStale = true
  }

  remove(item: A): void {
    if (this.#entries.delete(item)) this.#isStale = true
  }

  /** Calls `found` with the item of each interval that holds the value. */
  at(value: number, found: (item: A) => void): void {
    if (this.#isStale) this.#build()
    this.#look(0, this.#sorted.length, value, found)
  }

  #look(from: number, to: number, value: number, found: (item: A) => void): void {
    for (let begin = from; begin < to; ) {
      const middle = (begin + to) >>> 1
      // A subtree whose highest end is below the value holds nothing for it.
      if ((this.#tops[middle] ?? 0) < value) return
      this.#look(begin, middle, value, found)
      if ((this.#lows[middle] ?? 0) > value) return
      if ((this.#highs[middle] ?? 0) >= value) {
        const entry = this.#sorted[middle]
        if (entry !== undefined) found(entry.item)
      }
      begin = middle + 1
    }
  }

  #build(): void {
    this.#sorted = [...this.#entries.values()].sort((left, right) => left.low - right.low)
    const { length } = this.#sorted
    this.#lows = Float64Array.from(this.#sorted, ({ low }) => low)
    this.#highs = Float64Array.from(this.#sorted, ({ high }) => high)
    this.#tops = new Float64Array(length)
    this.#top(0, length)
    this.#isStale = false
  }

  #top(from: number, to: number): number {
    if (from >= to) return Number.NEGATIVE_INFINITY
    const middle = (from + to) >>> 1
    const top = Math.max(this.#highs[middle] ?? 0, this.#top(from, middle), this.#top(middle + 1, to))
    this.#tops[middle] = top
    return top
  }
}
