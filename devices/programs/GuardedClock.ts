/** A clock whose callbacks cannot take the process down: a bug of what runs programs must not end every board beside it. */
import type { Clock } from "../agent/Clock.ts"

/** The same clock; what a callback throws is reported, and nothing of it happens again by itself. */
export const guardedClock = (clock: Clock, report: (what: string, cause: unknown) => void): Clock => ({
  wall: clock.wall,
  board: clock.board,
  random: clock.random,
  schedule: (delayMillis, run) =>
    clock.schedule(delayMillis, () => {
      try {
        run()
      } catch (cause) {
        report("what runs the programs failed", cause)
      }
    })
})
