/**
 * What a VSM costs: from the message that spawns it until it is active, one after another and many at once; its memory; and what a
 * storm of boards that attach for the first time costs the root. fsync is on.
 */
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import { PgClient } from "@effect/sql-pg"
import { Effect, Layer, ManagedRuntime, Redacted, Schedule } from "effect"
import * as Actors from "../../src/actors/Actors.ts"
import { device } from "../../src/actors/device/Device.ts"
import { vsm } from "../../src/actors/vsm/Vsm.ts"
import { type Asker, runtimeAsker } from "../../src/protocol/Asker.ts"
import { Device } from "../../src/protocol/Device.ts"
import { DeviceId } from "../../src/protocol/Ids.ts"
import { Coordinator } from "../../src/protocol/vsm/Coordinator.ts"
import { Recursion } from "../../src/protocol/vsm/Recursion.ts"
import { Vsm } from "../../src/protocol/vsm/Vsm.ts"
import { rootId, VsmId } from "../../src/protocol/vsm/VsmId.ts"
import { makePartitions } from "../../src/runtime/storage/JournalPartitions.ts"
import { migrate } from "../../src/runtime/storage/Migrations.ts"
import { PgStore } from "../../src/runtime/storage/PgStore.ts"
import { coordinator } from "../../src/systems/coordination/Coordinator.ts"
import { algedonic } from "../../src/systems/policy/algedonic/Channel.ts"
import { recursion } from "../../src/systems/policy/recursion/Recursion.ts"
import { hello } from "../actors/device/Bench.ts"
import { startPostgres } from "../support/Postgres.ts"
import { layer, untilServing } from "./LoneNode.ts"
import { type BenchOptions, figure, percentile } from "./Rounds.ts"

const operator: Asker = { kind: "user", id: "bench", role: "operator" }
/** Below one parent there may be 32. */
const childrenEach = 20
/** Two hundred that look without a pause would leave no time to spawn. */
const lookEvery = Schedule.spaced("10 millis")
const goals = { p95Millis: 1000 }
/** Boards that attach at a time: each listener takes some hundred a second. */
const attachesAtOnce = 500

setFlagsFromString("--expose-gc")
const collect: unknown = runInNewContext("gc")
/** Bytes that are in use. */
const heapBytes = (): number => {
  if (typeof collect === "function") collect()
  return process.memoryUsage().heapUsed
}

export const vsms = async ({ isQuick }: BenchOptions): Promise<void> => {
  const parents = isQuick ? 2 : 10
  const boards = isQuick ? 2000 : 50_000
  const postgres = await startPostgres()
  const url = Redacted.make(postgres.url)
  const client = PgClient.layer({ url, connectTimeout: "30 seconds" })
  const kinds = [vsm, recursion, algedonic, coordinator, device]
  const begin = () =>
    ManagedRuntime.make(
      Actors.layer.pipe(
        Layer.provideMerge(layer(kinds, (host) => new PgStore({ url, host }))),
        Layer.provideMerge(client)
      )
    )
  const runtime = begin()
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
      const bytes = heapBytes()
      const tops = Array.from({ length: parents }, (_, at) => VsmId.make(`top-${at}`))
      const alone = yield* Effect.forEach(tops, (top) => spawned(rootId, top))
      const children = tops.flatMap((top) =>
        Array.from({ length: childrenEach }, (_, at) => [top, VsmId.make(`${top}-${at}`)] as const)
      )
      const together = yield* Effect.forEach(children, ([top, child]) => spawned(top, child), {
        concurrency: "unbounded"
      })
      return { alone, together, tops, children, bytes }
    })
  )
  console.log(`\nspawning VSMs: ${times.alone.length} one after another, then ${times.together.length} at once`)
  figure("one at a time, until it is active", "ms", times.alone)
  figure("95th percentile of these", "ms", [percentile(times.alone, 0.95)], { atMost: goals.p95Millis })
  figure("all at once, each until it is active", "ms", times.together)
  const all = [...times.tops, ...times.children.map(([, child]) => child)]
  const withChannels = heapBytes()
  figure("memory of a VSM and its channel", "bytes", [(withChannels - times.bytes) / all.length])
  const claims = [{ resource: "device/press-1", mode: "read" }] as const
  await runtime.runPromise(
    Effect.forEach(all, (id) => actors.ask(Coordinator, id, "Claim", { claims, holdMillis: 60_000 }, by), {
      concurrency: "unbounded"
    })
  )
  figure("  with a coordinator that has granted a claim", "bytes", [(heapBytes() - times.bytes) / all.length])

  // Each registers with the root, in the commit of its first attach.
  const rootOf = (asked: typeof actors) => asked.ask(Vsm, rootId, "Describe", {}, by)
  const attach = (board: number) => {
    const id = `board-${board}`
    return actors.ask(Device, id, "Attach", hello, { asker: { kind: "device", id, role: "board" } })
  }
  const startedAt = performance.now()
  await runtime.runPromise(
    Effect.forEach(Array.from({ length: boards }), (_, board) => attach(board), {
      concurrency: attachesAtOnce,
      discard: true
    })
  )
  const attachedAt = performance.now()
  await runtime.runPromise(
    rootOf(actors).pipe(Effect.repeat({ until: ({ units }) => units === boards, schedule: lookEvery }))
  )
  console.log(`\n${boards} boards attach for the first time, ${attachesAtOnce} at once`)
  figure("attached", "a second", [(boards * 1000) / (attachedAt - startedAt)])
  figure("behind the last of them the root has them all after", "ms", [performance.now() - attachedAt])
  const renamed = Array.from({ length: 20 }, (_, at) => at)
  const commits: Array<number> = []
  for (const at of renamed) {
    const from = performance.now()
    const unit = DeviceId.make(`board-${at}`)
    await runtime.runPromise(actors.ask(Vsm, rootId, "RegisterUnit", { unit, fence: 100 }, { asker: runtimeAsker }))
    commits.push(performance.now() - from)
  }
  figure("then one more word of a device, with its commit", "ms", commits)
  await runtime.dispose()

  const next = begin()
  await next.runPromise(untilServing)
  const later = await next.runPromise(Actors.Actors)
  const wokenAt = performance.now()
  await next.runPromise(rootOf(later))
  figure("the next node wakes the root", "ms", [performance.now() - wokenAt])
  await next.dispose()
  await postgres.stop()
}
