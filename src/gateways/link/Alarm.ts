/** One timer for all deadlines of a link: it rings when the earliest may have passed, and whoever set it looks again. */
import type { Host } from "../../actors/Host.ts"

/** Rings too early rather than too late; once for each time it is set. */
export class Alarm {
  readonly #host: Host
  readonly #ring: () => void
  #at = Number.POSITIVE_INFINITY
  #cancel = (): void => {}

  constructor(host: Host, ring: () => void) {
    this.#host = host
    this.#ring = ring
  }

  /** Rings at `due`, monotonic ms, or before. */
  by(due: number): void {
    if (due >= this.#at) return
    this.#cancel()
    this.#at = due
    this.#cancel = this.#host.schedule(Math.max(0, due - this.#host.monotonic()), () => {
      this.#at = Number.POSITIVE_INFINITY
      this.#ring()
    })
  }

  cancel(): void {
    this.#cancel()
  }
}
