/** The one place where a board's agent meets the time and the chance of its process. */
import { Effect, Clock as EffectClock, Random } from "effect"
import type { Clock } from "./Clock.ts"

/** The clock of this process, from now on. Callbacks run on the event loop, one after another. */
export const realClock: Effect.Effect<Clock> = Effect.gen(function* () {
  const clock = yield* EffectClock.Clock
  const random = yield* Random.Random
  const bootNanos = clock.monotonicTimeNanosUnsafe()
  return {
    wall: () => clock.currentTimeMillisUnsafe(),
    board: () => Number(clock.monotonicTimeNanosUnsafe() - bootNanos) / 1e6,
    random: () => random.nextDoubleUnsafe(),
    schedule: (delayMillis, run) => {
      const timer = setTimeout(run, delayMillis)
      return () => clearTimeout(timer)
    }
  }
})
