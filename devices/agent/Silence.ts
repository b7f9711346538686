/** A watch over silence: it goes off when nothing was heard, or said, for too long. */
import type { Clock } from "./Clock.ts"

/** One watch. A sign of life costs no timer: the one that runs looks again when it is due. */
export class Silence {
  readonly #clock: Clock
  readonly #over: () => void
  #at = 0
  #limitMillis = 0
  #cancel: (() => void) | undefined

  constructor(clock: Clock, over: () => void) {
    this.#clock = clock
    this.#over = over
  }

  /** There was a sign of life. */
  broken(): void {
    this.#at = this.#clock.board()
  }

  /** Watches from the last sign of life on; goes off once. Watching already, it changes its limit. */
  watch(limitMillis: number): void {
    this.stop()
    this.#limitMillis = limitMillis
    this.#await()
  }

  /** Watches no more. */
  stop(): void {
    this.#cancel?.()
    this.#cancel = undefined
  }

  #await(): void {
    const due = this.#at + this.#limitMillis - this.#clock.board()
    this.#cancel = this.#clock.schedule(Math.max(0, Math.ceil(due)), () => {
      this.#cancel = undefined
      if (this.#clock.board() < this.#at + this.#limitMillis) this.#await()
      else this.#over()
    })
  }
}
