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
  #grantedAt: number | undefined
  /** Takes back the ask that waits for its turn. */
  #cancel: (() => void) | undefined
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

  /** Begins an attach: at once for who kept its cell for a while, else no sooner than the pace allows. */
  begin(now: number): void {
    this.since = now
    this.#current++
    // The ask that waits for its turn serves this attach instead.
    if (this.#cancel !== undefined) return
    if (this.#grantedAt !== undefined && now - this.#grantedAt >= calmMillis) this.#restart(now)
    this.again()
  }

  /** The attach under way came to nothing that is final. */
  again(): void {
    const now = this.#host.monotonic()
    const wait = Math.max(0, this.#nextAt - now)
    this.#delay = Math.min(reattachMillisMax, Math.max(reattachMillisMin, this.#delay * 2))
    this.#nextAt = now + wait + this.#delay
    if (wait === 0) return this.#ask(this.#current)
    this.#cancel = this.#host.schedule(wait, () => {
      this.#cancel = undefined
      this.#ask(this.#current)
    })
  }

  /** The attach under way has its cell. What the first took is no sign of a cell that moves too often. */
  granted(now: number): void {
    if (this.#grantedAt === undefined) this.#restart(now)
    this.#grantedAt = now
  }

  cancel(): void {
    this.#cancel?.()
    this.#cancel = undefined
  }

  #restart(now: number): void {
    this.#delay = 0
    this.#nextAt = now
  }
}
