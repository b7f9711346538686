/**
 * Lets programs run on the clock of their board, in turns: a bounded number of instructions, then time for everything else,
 * so that a program that never waits takes neither the link nor the process.
 */
import type { Clock } from "../agent/Clock.ts"

/** Instructions of one turn, and the time from one turn to the next: a million instructions a second at most. */
const turnInstructions = 10_000
const turnMillis = 10

/** What is run. */
export interface Stepped {
  /** Executes up to so many instructions, or less when nothing can run. */
  readonly step: (instructions: number) => void
  /** Milliseconds since boot at which it must be stepped again; in the past while something can run, none while nothing will. */
  readonly nextDue: () => number | undefined
}

/** The turns of one board. */
export class Turns {
  readonly #clock: Clock
  readonly #stepped: Stepped
  #cancel: (() => void) | undefined
  /** When the turn that is scheduled comes, ms since boot. */
  #due = Number.POSITIVE_INFINITY
  #earliest = 0

  constructor(clock: Clock, stepped: Stepped) {
    this.#clock = clock
    this.#stepped = stepped
  }

  /** Something may have become able to run. Cheap when nothing has. */
  look(): void {
    const due = this.#stepped.nextDue()
    if (due === undefined) return this.stop()
    const at = Math.max(due, this.#earliest)
    // A turn that comes too early does nothing; one that is put off by each look would never come.
    if (at >= this.#due) return
    this.#cancel?.()
    this.#due = at
    this.#cancel = this.#clock.schedule(Math.max(0, Math.ceil(at - this.#clock.board())), () => this.#turn())
  }

  /** No further turn, until somebody looks again. */
  stop(): void {
    this.#cancel?.()
    this.#cancel = undefined
    this.#due = Number.POSITIVE_INFINITY
  }

  #turn(): void {
    this.#cancel = undefined
    this.#due = Number.POSITIVE_INFINITY
    this.#earliest = this.#clock.board() + turnMillis
    this.#stepped.step(turnInstructions)
    this.look()
  }
}
