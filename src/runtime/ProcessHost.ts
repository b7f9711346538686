/** The one place where the actor layer's time and chance are the process's own. */
import { Context, Effect, Layer } from "effect"
import type { Host } from "../actors/Host.ts"

/** Time, chance and turns of this process. */
export class ProcessHost extends Context.Service<ProcessHost, Host>()("holon/runtime/ProcessHost") {
  static readonly layer = Layer.effect(
    ProcessHost,
    Effect.gen(function* () {
      const runFork = Effect.runForkWith(yield* Effect.context())
      const report: Host["report"] = (what, cause) => {
        runFork(cause === undefined ? Effect.logWarning(what) : Effect.logError(what, cause))
      }
      const guarded = (run: () => void) => () => {
        try {
          run()
        } catch (cause) {
          report("a callback of the actor layer failed", cause)
        }
      }
      return ProcessHost.of({
        now: Date.now,
        monotonic: () => performance.now(),
        random: Math.random,
        schedule: (delayMillis, run) => {
          const timer = setTimeout(guarded(run), delayMillis)
          return () => clearTimeout(timer)
        },
        defer: (run) => {
          setImmediate(guarded(run))
        },
        report
      })
    })
  )
}
