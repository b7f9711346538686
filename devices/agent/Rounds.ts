/** Something a board does again and again, at a distance that may change while it does. */
import type { Clock } from "./Clock.ts"

/** Rounds on a board's clock. The first one comes a distance after the start. */
export class Rounds {
  readonly #clock: Clock
  readonly #run: () => void
  #lastAt: number
  #intervalMillis: number
  #cancel: () => void = () => {}

  constructor(clock: Clock, intervalMillis: number, run: () => void) {
    this.#clock = clock
    this.#run = run
    this.#lastAt = clock.board()
    this.#intervalMillis = intervalMillis
    this.#await()
  }

  /** Milliseconds between two rounds. */
  get intervalMillis(): number {
    return this.#intervalMillis
  }

  /** Changes the distance, from the last round on: a shorter one does not wait for the end of a longer one. */
  every(intervalMillis: number): void {
    this.#cancel()
    this.#intervalMillis = intervalMillis
    this.#await()
  }

  #await(): void {
    const due = this.#lastAt + this.#intervalMillis - this.#clock.board()
    this.#cancel = this.#clock.schedule(Math.max(0, due), () => {
      this.#lastAt = this.#clock.board()
      this.#await()
      this.#run()
    })
  }
}
