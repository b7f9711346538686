/** The board's own log: what a person would want to know when something went wrong, the newest lines of it. */
import type { ServiceClock } from "../../provisioning/EventHub.ts"

/** Lines that are kept. */
const linesMax = 512

/** How much a line matters. */
export type LogLevel = "info" | "warn" | "error"

/** A line. */
export interface LogLine {
  readonly seq: number
  /** Seconds since 1970; none on a board without wall clock. */
  readonly ts: number | null
  readonly level: LogLevel
  readonly msg: string
  readonly pid: number | null
  /** The tag of the session it is about. */
  readonly session: string | null
}

/** The log of one board. */
export class BoardLog {
  readonly #clock: ServiceClock
  #lines: Array<LogLine> = []
  #seq = 0

  constructor(clock: ServiceClock) {
    this.#clock = clock
  }

  say(level: LogLevel, msg: string, about: { readonly pid?: number | null; readonly session?: string } = {}): void {
    this.#seq += 1
    const wall = this.#clock.wall?.()
    const ts = wall === undefined ? null : wall / 1000
    this.#lines.push({ seq: this.#seq, ts, level, msg, pid: about.pid ?? null, session: about.session ?? null })
    if (this.#lines.length > linesMax) this.#lines = this.#lines.slice(-linesMax)
  }

  /** The newest lines, the oldest of them first. */
  newest(limit: number, session: string | undefined): ReadonlyArray<LogLine> {
    const lines = session === undefined ? this.#lines : this.#lines.filter((line) => line.session === session)
    return limit === 0 ? [] : lines.slice(-limit)
  }
}
