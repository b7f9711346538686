/** Values that changed and wait to be saved: a value that changes all the time is written once per interval. */

interface Waiting {
  bits: number
  readonly dueMillis: number
}

/** What waits, by key. Time comes from outside: milliseconds of any clock that does not go back. */
export class Debounce {
  readonly #floorMillis: number
  readonly #waiting = new Map<number, Waiting>()

  /** `floorMillis`: least time between a change and its writing, whatever the value asks for. */
  constructor(floorMillis: number) {
    this.#floorMillis = floorMillis
  }

  get size(): number {
    return this.#waiting.size
  }

  get(key: number): number | undefined {
    return this.#waiting.get(key)?.bits
  }

  /** A second change takes the place of the first and is due with it: no value waits for ever. */
  set(key: number, bits: number, debounceMillis: number, nowMillis: number): void {
    const waiting = this.#waiting.get(key)
    if (waiting !== undefined) waiting.bits = bits
    else this.#waiting.set(key, { bits, dueMillis: nowMillis + Math.max(debounceMillis, this.#floorMillis) })
  }

  /** It is saved, or what it said before. */
  delete(key: number): void {
    this.#waiting.delete(key)
  }

  clear(): void {
    this.#waiting.clear()
  }

  /** What is to be saved now. */
  due(nowMillis: number): ReadonlyMap<number, number> {
    const due = [...this.#waiting].filter(([, { dueMillis }]) => dueMillis <= nowMillis)
    return new Map(due.map(([key, { bits }]) => [key, bits]))
  }

  all(): ReadonlyMap<number, number> {
    return new Map([...this.#waiting].map(([key, { bits }]) => [key, bits]))
  }

  /** When the next value is due; undefined while none waits. */
  nextDue(): number | undefined {
    let next: number | undefined
    for (const { dueMillis } of this.#waiting.values()) {
      if (next === undefined || dueMillis < next) next = dueMillis
    }
    return next
  }
}
