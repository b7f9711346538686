/** Doing once what many have asked for. */
import type { Clock } from "./Clock.ts"

/** What to call whenever it is wanted: `run` follows so many milliseconds after the first call, once for all until then. */
export const together = (clock: Pick<Clock, "schedule">, delayMillis: number, run: () => void): (() => void) => {
  let isDue = false
  return () => {
    if (isDue) return
    isDue = true
    clock.schedule(delayMillis, () => {
      isDue = false
      run()
    })
  }
}

/** What programs switch is reported together when it happens within this long, ms: they could do so all the time. */
export const switchedMillis = 100
