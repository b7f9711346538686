/** At what pace a link asks for its device actor: at once the first time, ever more slowly when that comes to nothing. */
import type { Host } from "../../actors/Host.ts"
import { calmMillis, reattachMillisMax, reattachMillisMin } from "./LinkTerms.ts"

/** The attaches of one link, one under way at a time. */
export class AttachAttempts {
  readonly #host: Host
  readonly #ask: (attach: number) => void
  #current = 0
  #nextAt = 0
  #delay = 0
  #grantedAt = 0
  #cancel = (): void => {}
  /** When the attach now under way was begun, monotonic ms. */
  since = 0

  /** `ask` gets the number of the attach it is for. */
  constructor(host: Host, ask: (attach: number) => void) {
    this.#host = host
    this.#ask = ask
  }

  /** Number of the last attach begun: answers to older ones are void. */
  get current(): number {
    return this.#current
  }

  /** Begins an attach. Only another hello is sure to be served at once, and whoever kept its cell for a while. */
  begin(now: number, isGreeting: boolean): void {
    this.cancel()
    this.since = now
    this.#current++
    if (isGreeting || now - this.#grantedAt >= calmMillis) this.#reset(now)
    this.again()
  }

  /** The attach under way came to nothing that is final. */
  again(): void {
    const attach = this.#current
    const now = this.#host.monotonic()
    const wait = Math.max(0, this.#nextAt - now)
    this.#delay = Math.min(reattachMillisMax, Math.max(reattachMillisMin, this.#delay * 2))
    this.#nextAt = now + wait + this.#delay
    if (wait > 0) this.#cancel = this.#host.schedule(wait, () => this.#ask(attach))
    else this.#ask(attach)
  }

  /** The attach under way has its cell. */
  granted(now: number, isGreeting: boolean): void {
    this.#grantedAt = now
    if (isGreeting) this.#reset(now)
  }

  cancel(): void {
    this.#cancel()
  }

  #reset(now: number): void {
    this.#delay = 0
    this.#nextAt = now
  }
}
