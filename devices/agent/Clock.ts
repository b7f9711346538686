/** Time and chance as a board's agent sees them. Production plugs in the process, a simulator one queue of events. */

/** The board's own clock. All callbacks of one board run one after another, never inside each other. */
export interface Clock {
  /** Milliseconds since 1970 in UTC, or none where the board keeps no wall clock. May step. */
  readonly wall: () => number | undefined
  /** Milliseconds since the board started. Never steps back. */
  readonly board: () => number
  /** Uniform in [0, 1). */
  readonly random: () => number
  /** Runs once, `delayMillis` from now. The answer cancels it; calling it again does nothing. */
  readonly schedule: (delayMillis: number, run: () => void) => () => void
}
