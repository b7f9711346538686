/** When a board is told up to which number its frames are consumed, where ack frames say so. */
import type { Host } from "../../actors/Host.ts"
import { ackMillis } from "./LinkTerms.ts"
import { Numbers } from "./Numbers.ts"

/** One ack frame for all that one turn of the event loop consumed, and a pause before the next. */
export class AckFrames {
  readonly #host: Host
  readonly #send: (last: number) => void
  #numbers = new Numbers(0)
  #isDue = false
  #sentAt = Number.NEGATIVE_INFINITY

  /** `send` is called with the highest number without a gap. */
  constructor(host: Host, send: (last: number) => void) {
    this.#host = host
    this.#send = send
  }

  /** Begins behind `last`: what was counted before is void. */
  restart(last: number): void {
    this.#numbers = new Numbers(last)
  }

  /** A welcome said what is consumed. */
  welcomed(last: number): void {
    this.#numbers.durable(last)
  }

  consumed(seq: number): void {
    this.#numbers.consumed(seq)
    if (this.#isDue) return
    this.#isDue = true
    const wait = this.#sentAt + ackMillis - this.#host.monotonic()
    if (wait > 0) this.#host.schedule(wait, () => this.#acknowledge())
    else this.#host.defer(() => this.#acknowledge())
  }

  #acknowledge(): void {
    this.#isDue = false
    this.#sentAt = this.#host.monotonic()
    this.#send(this.#numbers.last)
  }
}
