/** Whether a program that ended starts again, and when: the rule of its manifest. */
import type { Manifest } from "../../src/protocol/image/Manifest.ts"

/** The rule as a manifest states it; what is absent has the defaults below. */
export type RestartRule = NonNullable<Manifest["restart"]>

const maxDefault = 3
const windowDefaultMillis = 600_000
const backoffDefaultMillis = 1000
const backoffMaxMillis = 60_000

/** How a program ended by itself. */
export type Ending = "completed" | "failed"

/** The restarts of one program, on the board's clock. */
export class Restarts {
  readonly #rule: RestartRule
  /** When it failed and was started again, oldest first. */
  #failures: Array<number> = []
  #total = 0

  constructor(rule: RestartRule = {}) {
    this.#rule = rule
  }

  /** Restarts since the program was started by somebody. */
  get total(): number {
    return this.#total
  }

  /** Somebody started it: what was before counts no longer. */
  reset(): void {
    this.#failures = []
    this.#total = 0
  }

  /**
   * The program ended by itself at `now`. Answers the delay of its restart in ms; nothing when it stays as it is, because
   * its rule says so or because it has failed too often within the window.
   */
  ended(now: number, ending: Ending): number | undefined {
    const { policy = "never", max = maxDefault, window = windowDefaultMillis } = this.#rule
    const backoff = this.#rule.backoff ?? backoffDefaultMillis
    if (policy === "never" || (policy === "on-failure" && ending === "completed")) return undefined
    this.#failures = this.#failures.filter((at) => at > now - window)
    const earlier = this.#failures.length
    if (ending === "failed") {
      if (earlier >= max) return undefined
      this.#failures.push(now)
    }
    this.#total++
    return Math.min(backoffMaxMillis, backoff * 2 ** Math.min(earlier, 30))
  }
}
