/** The clock of a board's programs: running, stopped, or slowed to so many turns a second. */
import type { Stepped } from "../../programs/Turns.ts"
import type { Executive } from "../executive/Executive.ts"
import type { StepReply } from "../executive/ExecutiveTypes.ts"

/** Turns that were not taken in time are made up for at most this long, s. */
const burstSeconds = 0.1

/** How the clock stands. */
export interface RunStatus {
  readonly isRunning: boolean
  /** Turns a second; 0 for as many as there are. */
  readonly rateHertz: number
  /** Why programs that could run do not run now. */
  readonly throttledBy: "stopped" | "rate" | undefined
  /** Time between the last two turns the clock gave, ms; none before the second. */
  readonly lastWaitMillis: number | undefined
  /** Turns given by the clock, and one by one by clients. */
  readonly autoSteps: number
  readonly manualSteps: number
}

/** Stands between the turns of a board and its executive. */
export class RunControl implements Stepped {
  readonly #executive: Executive
  #isRunning = true
  #rateHertz = 0
  /** Turns that may be taken at once under a rate. */
  #credit = 0
  #creditedMillis = 0
  #steppedMillis: number | undefined
  #lastWaitMillis: number | undefined
  #autoSteps = 0
  #manualSteps = 0

  constructor(executive: Executive) {
    this.#executive = executive
  }

  get status(): RunStatus {
    return {
      isRunning: this.#isRunning,
      rateHertz: this.#rateHertz,
      throttledBy: this.#throttledBy,
      lastWaitMillis: this.#lastWaitMillis,
      autoSteps: this.#autoSteps,
      manualSteps: this.#manualSteps
    }
  }

  start(): void {
    this.#isRunning = true
    this.#creditedMillis = this.#executive.now()
    this.#credit = 0
  }

  stop(): void {
    this.#isRunning = false
  }

  /** So many turns a second from now on; 0 for as many as there are. */
  setRate(hertz: number): void {
    this.#rateHertz = hertz
    this.#credit = 0
    this.#creditedMillis = this.#executive.now()
  }

  /** Gives turns now, whether the clock runs or not: all to one program if it is named. */
  stepOnce(turns: number, only: number | undefined): StepReply {
    const reply = this.#executive.step(turns, only)
    this.#manualSteps += reply.executed
    return reply
  }

  /** The most instructions one turn may have now. */
  get longestTurn(): number {
    return this.#executive.tasks().reduce((longest, { quantum }) => Math.max(longest, quantum), 1)
  }

  step(instructions: number): void {
    if (!this.#isRunning) return
    // However long turns are, everything else on this board waits for no more than so many instructions.
    const turns = Math.max(1, Math.floor(instructions / this.longestTurn))
    const now = this.#executive.now()
    this.#earn(now)
    const { executed } = this.#executive.step(this.#rateHertz === 0 ? turns : Math.min(turns, Math.floor(this.#credit)))
    this.#credit -= executed
    this.#autoSteps += executed
    if (executed === 0) return
    if (this.#steppedMillis !== undefined) this.#lastWaitMillis = now - this.#steppedMillis
    this.#steppedMillis = now
  }

  nextDue(): number | undefined {
    if (!this.#isRunning) return undefined
    const due = this.#executive.nextDue()
    const now = this.#executive.now()
    if (due === undefined || due > now || this.#rateHertz === 0) return due
    this.#earn(now)
    return this.#credit >= 1 ? due : now + (1000 * (1 - this.#credit)) / this.#rateHertz
  }

  get #throttledBy(): RunStatus["throttledBy"] {
    const due = this.#executive.nextDue()
    if (due === undefined || due > this.#executive.now()) return undefined
    if (!this.#isRunning) return "stopped"
    return this.#rateHertz === 0 ? undefined : "rate"
  }

  #earn(now: number): void {
    if (this.#rateHertz === 0) return
    const earned = ((now - this.#creditedMillis) * this.#rateHertz) / 1000
    this.#credit = Math.min(Math.max(1, burstSeconds * this.#rateHertz), this.#credit + earned)
    this.#creditedMillis = now
  }
}
