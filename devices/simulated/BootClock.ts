/** The clock of one boot of a simulated board: it starts at zero, may jump, and ends with the boot. */
import type { Clock } from "../agent/Clock.ts"

/** A board's own clock on the clock of its process or simulator. */
export class BootClock implements Clock {
  readonly #base: Clock
  readonly #bootAt: number
  readonly #chance: () => number
  readonly #timers = new Set<() => void>()
  #jump = 0

  constructor(base: Clock, chance: () => number) {
    this.#base = base
    this.#bootAt = base.board()
    this.#chance = chance
  }

  readonly wall = (): undefined => undefined

  readonly board = (): number => this.#base.board() - this.#bootAt + this.#jump

  readonly random = (): number => this.#chance()

  readonly schedule = (delayMillis: number, run: () => void): (() => void) => {
    const cancel = this.#base.schedule(delayMillis, () => {
      this.#timers.delete(cancel)
      run()
    })
    this.#timers.add(cancel)
    return () => {
      this.#timers.delete(cancel)
      cancel()
    }
  }

  /** The clock leaps forward by this long, ms. */
  jump(millis: number): void {
    this.#jump += millis
  }

  /** The power is gone: nothing that was scheduled happens. */
  end(): void {
    for (const cancel of this.#timers) cancel()
    this.#timers.clear()
  }
}
