/** Notices two clients that fight for one client id: each takes it over from the other, for ever. */

const windowMillis = 60_000
const takeOversMax = 5
/** Ids remembered before old ones are looked for. */
const idsMax = 1_000

/** The take-overs of one listener. */
export class TakeOvers {
  readonly #times = new Map<string, Array<number>>()
  readonly #refusedUntil = new Map<string, number>()
  #forgetAt = idsMax

  /** Whether the id is refused at `now` (monotonic ms), because it changed hands too often. */
  isRefused(id: string, now: number): boolean {
    const until = this.#refusedUntil.get(id)
    if (until === undefined) return false
    if (now < until) return true
    this.#refusedUntil.delete(id)
    return false
  }

  /** Notes a take-over; answers false when it is one too many. */
  note(id: string, now: number): boolean {
    if (this.size > this.#forgetAt) this.#forget(now)
    const times = (this.#times.get(id) ?? []).filter((at) => now - at < windowMillis)
    times.push(now)
    if (times.length <= takeOversMax) {
      this.#times.set(id, times)
      return true
    }
    this.#times.delete(id)
    this.#refusedUntil.set(id, now + windowMillis)
    return false
  }

  /** Ids remembered. */
  get size(): number {
    return this.#times.size + this.#refusedUntil.size
  }

  #forget(now: number): void {
    for (const [id, times] of this.#times) if (times.every((at) => now - at >= windowMillis)) this.#times.delete(id)
    for (const [id, until] of this.#refusedUntil) if (now >= until) this.#refusedUntil.delete(id)
    // Twice what is still needed: looking through all of them costs little by connection.
    this.#forgetAt = Math.max(idsMax, 2 * this.size)
  }
}
