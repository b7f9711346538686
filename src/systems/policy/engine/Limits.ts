/** How often limits of policies were used, in the memory of a node. It outlives the policies: a change of them forgives nothing. */

/** Keys that one limit counts apart. What would be one more is refused until another was not seen for the limit's time. */
const keysMax = 10_000

/** The instants at which a key was let through, the newest `count` of them. */
interface Used {
  readonly instants: Float64Array
  /** Where the oldest stands, and the next is written. */
  at: number
  newest: number
}

/** One limit: at most so many in any span of so many ms, for each key. */
export class LimitCount {
  readonly #count: number
  readonly #millis: number
  readonly #used = new Map<string, Used>()
  #sweptAt = Number.NEGATIVE_INFINITY

  constructor(count: number, millis: number) {
    this.#count = count
    this.#millis = millis
  }

  /** After how many ms there is room for one more of this key. A clock that goes back makes none. */
  waitFor(key: string, now: number): number {
    const used = this.#used.get(key)
    if (used === undefined) return this.#used.size < keysMax || this.#sweep(now) ? 0 : this.#millis
    const oldest = used.instants[used.at] ?? Number.NEGATIVE_INFINITY
    return Math.max(0, oldest + this.#millis - now)
  }

  /** Counts one. */
  take(key: string, now: number): void {
    const used = this.#used.get(key) ?? {
      instants: new Float64Array(this.#count).fill(Number.NEGATIVE_INFINITY),
      at: 0,
      newest: now
    }
    this.#used.set(key, used)
    used.instants[used.at] = now
    used.at = (used.at + 1) % this.#count
    used.newest = now
  }

  /** Forgets keys that say nothing any more; not so often that a full limit costs a walk for each request. */
  #sweep(now: number): boolean {
    if (now - this.#sweptAt < Math.min(this.#millis, 1000)) return false
    this.#sweptAt = now
    for (const [key, { newest }] of this.#used) if (now - newest >= this.#millis) this.#used.delete(key)
    return this.#used.size < keysMax
  }
}

/** All limits of a node. */
export class Limits {
  readonly #counts = new Map<string, LimitCount>()

  /** The count of a limit; `name` tells it from others, and changes when what it counts does. */
  of(name: string, count: number, millis: number): LimitCount {
    const known = this.#counts.get(name)
    if (known !== undefined) return known
    const made = new LimitCount(count, millis)
    this.#counts.set(name, made)
    return made
  }

  /** Forgets all but these. */
  keep(names: ReadonlySet<string>): void {
    for (const name of this.#counts.keys()) if (!names.has(name)) this.#counts.delete(name)
  }
}
