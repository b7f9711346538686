/** What a VSM costs: from the message that spawns it until it is active, one after another and many at once. fsync is on. */
import { PgClient } from "@effect/sql-pg"
import { Effect, Layer, ManagedRuntime, Redacted, Schedule } from "effect"
import * as Actors from "../../src/actors/Actors.ts"
import { vsm } from "../../src/actors/vsm/Vsm.ts"
import type { Asker } from "../../src/protocol/Asker.ts"
import { Recursion } from "../../src/protocol/vsm/Recursion.ts"
import { Vsm } from "../../src/protocol/vsm/Vsm.ts"
import { rootId, VsmId } from "../../src/protocol/vsm/VsmId.ts"
import { makePartitions } from "../../src/runtime/storage/JournalPartitions.ts"
import { migrate } from "../../src/runtime/storage/Migrations.ts"
import { PgStore } from "../../src/runtime/storage/PgStore.ts"
import { algedonic } from "../../src/systems/policy/algedonic/Channel.ts"
import { recursion } from "../../src/systems/policy/recursion/Recursion.ts"
import { startPostgres } from "../support/Postgres.ts"
import { layer, untilServing } from "./LoneNode.ts"
import { type BenchOptions, figure, percentile } from "./Rounds.ts"

const operator: Asker = { kind: "user", id: "bench", role: "operator" }
/** Below one parent there may be 32. */
const childrenEach = 20
/** Two hundred that look without a pause would leave no time to spawn. */
const lookEvery = Schedule.spaced("10 millis")
const goals = { p95Millis: 1000 }

export const vsms = async ({ isQuick }: BenchOptions): Promise<void> => {
  const parents = isQuick ? 2 : 10
  const postgres = await startPostgres()
  const url = Redacted.make(postgres.url)
  const client = PgClient.layer({ url, connectTimeout: "30 seconds" })
  const node = layer([vsm, recursion, algedonic], (host) => new PgStore({ url, host }))
  const runtime = ManagedRuntime.make(Actors.layer.pipe(Layer.provideMerge(node), Layer.provideMerge(client)))
  await runtime.runPromise(Effect.andThen(migrate(), makePartitions))
  await runtime.runPromise(untilServing)
  const actors = await runtime.runPromise(Actors.Actors)
  const by = { asker: operator }

  /** Ms until the child says that it is active. */
  const spawned = (parent: VsmId, child: VsmId): Effect.Effect<number, unknown> =>
    Effect.gen(function* () {
      const startedAt = performance.now()
      yield* actors.ask(Vsm, parent, "Spawn", { child, budget: { spawn: parent === rootId ? childrenEach : 0 } }, by)
      const look = Effect.orElseSucceed(actors.ask(Vsm, child, "Describe", {}, by), () => undefined)
      yield* look.pipe(Effect.repeat({ until: (found) => found?.status === "active", schedule: lookEvery }))
      return performance.now() - startedAt
    })

  const times = await runtime.runPromise(
    Effect.gen(function* () {
      yield* actors.ask(Vsm, rootId, "Found", {}, { asker: { ...operator, role: "internal" } })
      yield* actors.ask(Recursion, rootId, "SetBounds", { perMinute: 1000, burst: 1000 }, by)
      const tops = Array.from({ length: parents }, (_, at) => VsmId.make(`top-${at}`))
      const alone = yield* Effect.forEach(tops, (top) => spawned(rootId, top))
      const children = tops.flatMap((top) =>
        Array.from({ length: childrenEach }, (_, at) => [top, VsmId.make(`${top}-${at}`)] as const)
      )
      const together = yield* Effect.forEach(children, ([top, child]) => spawned(top, child), {
        concurrency: "unbounded"
      })
      return { alone, together }
    })
  )
  console.log(`\nspawning VSMs: ${times.alone.length} one after another, then ${times.together.length} at once`)
  figure("one at a time, until it is active", "ms", times.alone)
  figure("95th percentile of these", "ms", [percentile(times.alone, 0.95)], { atMost: goals.p95Millis })
  figure("all at once, each until it is active", "ms", times.together)
  await runtime.dispose()
  await postgres.stop()
}
