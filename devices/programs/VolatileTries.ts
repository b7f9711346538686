/** How the starts of what is on trial are counted where no store does: they are gone with the power, as the program is. */
import { Result } from "effect"
import type { Trial } from "../nv/Trial.ts"

/** The starts of what is on trial, in a store or not. */
export type Tries = Pick<Trial, "attempt" | "attempts" | "failed" | "isExhausted">

/** See the file. */
export class VolatileTries implements Tries {
  readonly #attemptsMax: number
  attempts = 0

  constructor(attemptsMax: number) {
    this.#attemptsMax = attemptsMax
  }

  get isExhausted(): boolean {
    return this.attempts >= this.#attemptsMax
  }

  attempt(): Result.Result<void> {
    this.attempts++
    return Result.succeed(undefined)
  }

  failed(): void {}
}
