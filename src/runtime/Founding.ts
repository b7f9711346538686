/** Brings the root VSM and the guard of the recursion into being, and tells the guard how busy this node is. */

import { availableParallelism, totalmem } from "node:os"
import { monitorEventLoopDelay } from "node:perf_hooks"
import { Clock, Effect, Layer, Schedule } from "effect"
import { Actors } from "../actors/Actors.ts"
import { NodePorts } from "../actors/NodePorts.ts"
import { runtimeAsker } from "../protocol/Asker.ts"
import { boundsDefault, Recursion } from "../protocol/vsm/Recursion.ts"
import { Vsm } from "../protocol/vsm/Vsm.ts"
import { rootId } from "../protocol/vsm/VsmId.ts"
import type { TreeLimits } from "./TreeLimits.ts"

const reportEvery = "5 seconds"
const retry = Schedule.spaced("1 second")
const by = { asker: runtimeAsker }

/** Ms of processor time that this process has used. */
const usedMillis = (): number => {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}

/** Bytes that this process may use at most: a container may have less than its machine. */
const memoryBytes = (): number => {
  const constrained = process.constrainedMemory()
  return constrained > 0 && constrained < totalmem() ? constrained : totalmem()
}

/** Until the scope ends, says every few seconds what share of the machine is in use. A report that is lost is followed by the next. */
const reporting = Effect.gen(function* () {
  const actors = yield* Actors
  const { node } = yield* NodePorts
  const delay = yield* Effect.acquireRelease(
    Effect.sync(() => {
      const monitor = monitorEventLoopDelay({ resolution: 20 })
      monitor.enable()
      return monitor
    }),
    (monitor) => Effect.sync(() => monitor.disable())
  )
  let last = { at: yield* Clock.currentTimeMillis, used: usedMillis() }
  const report = Effect.gen(function* () {
    const now = { at: yield* Clock.currentTimeMillis, used: usedMillis() }
    const passed = Math.max(1, now.at - last.at) * availableParallelism()
    const load = {
      node,
      cpu: Math.min(1, Math.max(0, (now.used - last.used) / passed)),
      memory: Math.min(1, Math.max(0, 1 - process.availableMemory() / memoryBytes())),
      // Half of the measurements lie above: one long turn in five seconds is no busy node.
      lagMillis: Math.max(0, delay.percentile(50) / 1e6 - 20)
    }
    last = now
    delay.reset()
    yield* Effect.ignore(actors.ask(Recursion, rootId, "ReportLoad", load, by))
  })
  yield* Effect.repeat(report, Schedule.spaced(reportEvery))
})

/** Tries until the root and the guard are there and know what the config says; what it does not change is not touched. */
export const layer = ({ bounds, budget }: TreeLimits): Layer.Layer<never, never, Actors | NodePorts> =>
  Layer.effectDiscard(
    Effect.gen(function* () {
      const actors = yield* Actors
      const configured = { bounds: { ...boundsDefault, ...bounds } }
      yield* Effect.forkScoped(Effect.retry(actors.ask(Vsm, rootId, "Found", { budget }, by), retry))
      yield* Effect.forkScoped(Effect.retry(actors.ask(Recursion, rootId, "Configure", configured, by), retry))
      yield* Effect.forkScoped(Effect.scoped(reporting))
    })
  )
