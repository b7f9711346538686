/**
 * What the dispatcher adds to an ask: the same change of the same devices, asked for directly and as an op, and what each step of
 * an op takes of it. A whole node, fsync on; its boards are away, so that nothing but the cluster is measured.
 */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect, Layer, ManagedRuntime, Redacted, References, Schedule, Schema } from "effect"
import { Actors } from "../../src/actors/Actors.ts"
import { runtimeAsker } from "../../src/protocol/Asker.ts"
import { Device } from "../../src/protocol/Device.ts"
import { Dispatcher } from "../../src/protocol/vsm/Dispatcher.ts"
import { type OpView, pipeline } from "../../src/protocol/vsm/Op.ts"
import { rootId } from "../../src/protocol/vsm/VsmId.ts"
import { ClusterConfig, portsOf } from "../../src/runtime/Config.ts"
import * as Node from "../../src/runtime/Node.ts"
import { PostgresUrl } from "../../src/runtime/storage/PostgresUrl.ts"
import { hello } from "../actors/device/Bench.ts"
import { startPostgres } from "../support/Postgres.ts"
import { freePorts } from "../support/RunningNode.ts"
import { type BenchOptions, compare, figure, percentile } from "./Rounds.ts"

const by = { asker: runtimeAsker }
/** Each is changed by one op at a time: two that move the same would wait for each other. */
const everybody = Array.from({ length: 128 }, (_, at) => `heater-${at + 1}`)
const ids = everybody.slice(0, 32)
/** An op is looked at so often: a watch would add its own pause of 50 ms. */
const look = Schedule.spaced("1 millis")
const goals = { latency: 4, throughput: 4 }

/** A device whose board was there once: it is the unit of a VSM, and takes what is desired for later. */
const found = (actors: Actors["Service"], id: string) =>
  Effect.gen(function* () {
    const board = { asker: { kind: "device", id, role: "board" } } as const
    yield* actors.ask(Device, id, "Attach", { ...hello, profile: "sim-heater" }, board)
    yield* actors.ask(Device, id, "Lost", { node: hello.node, connection: hello.connection, reason: 4 }, board)
  })

let value = 0
const nextValue = (): number => {
  value = (value + 1) % 100
  return value
}

const bare = (actors: Actors["Service"], id: string) =>
  actors.ask(Device, id, "SetDesired", { patch: { target: nextValue() } }, by)

const order = (actors: Actors["Service"], id: string) => {
  const targets = { of: [{ id }], except: [] }
  const args = { field: "target", value: nextValue() }
  return actors.ask(Dispatcher, rootId, "DispatchIntent", { capability: "device.field.set@1", targets, args }, by)
}

const dispatched = (actors: Actors["Service"], id: string) =>
  Effect.gen(function* () {
    const { op } = yield* order(actors, id)
    const status = actors.ask(Dispatcher, rootId, "OpStatus", { op }, by)
    return yield* Effect.repeat(status, { until: ({ state }) => state === "ended", schedule: look })
  })

/** Ms of one change while they are made one after another. */
const alone = (change: (id: string) => Effect.Effect<unknown, unknown>) =>
  Effect.gen(function* () {
    const startedAt = performance.now()
    yield* Effect.forEach(ids, change, { discard: true })
    return (performance.now() - startedAt) / ids.length
  })

/** Ms of one change while many are made at once. */
const together = (begin: (id: string) => Effect.Effect<unknown, unknown>, ended: Effect.Effect<unknown, unknown>) =>
  Effect.gen(function* () {
    const startedAt = performance.now()
    yield* Effect.forEach(everybody, begin, { concurrency: "unbounded", discard: true })
    yield* ended
    return (performance.now() - startedAt) / everybody.length
  })

/** Until no op is under way: to ask for each of them would cost more than they do. */
const allEnded = (actors: Actors["Service"]) =>
  Effect.repeat(actors.ask(Dispatcher, rootId, "ListOps", { limit: 500 }, by), {
    until: ({ ops }) => ops.every(({ state }) => state === "ended"),
    schedule: Schedule.spaced("5 millis")
  })

const showSteps = (views: ReadonlyArray<OpView>): void => {
  const medians = pipeline.flatMap((step) => {
    const times = views.map(({ took }) => took[step] ?? 0)
    return times.every((time) => time === 0) ? [] : [[step, percentile(times, 0.5)] as const]
  })
  const total = medians.reduce((sum, [, millis]) => sum + millis, 0)
  console.log(`\nsteps of an op, one at a time, median of ${views.length}`)
  for (const [step, millis] of medians)
    console.log(
      `  ${step.padEnd(12)} ${millis.toFixed(3).padStart(9)} ms ${((100 * millis) / total).toFixed(1).padStart(6)} %`
    )
}

export const dispatch = async ({ isQuick }: BenchOptions): Promise<void> => {
  const data = mkdtempSync(join(tmpdir(), "holon-bench-"))
  const postgres = await startPostgres()
  const config = { ...Schema.decodeUnknownSync(ClusterConfig)(freePorts), data }
  const node = Node.layer({ config, ports: portsOf(config, 0) }).pipe(
    Layer.provide(PostgresUrl.layer(Redacted.make(postgres.url))),
    Layer.provide(Layer.succeed(References.MinimumLogLevel, "Error"))
  )
  const runtime = ManagedRuntime.make(node)
  const actors = await runtime.runPromise(Actors)
  await runtime.runPromise(Effect.forEach(everybody, (id) => found(actors, id), { concurrency: 8, discard: true }))
  // The words of the fleet follow its devices within a second or two.
  await runtime.runPromise(
    Effect.forEach(
      everybody,
      (id) =>
        Effect.repeat(dispatched(actors, id), {
          until: ({ outcome }) => outcome === "done",
          schedule: Schedule.spaced("200 millis")
        }),
      { concurrency: 32 }
    )
  )
  const rounds = isQuick ? 2 : 5
  const run = (round: Effect.Effect<number, unknown>) => () => runtime.runPromise(round)
  await compare(
    "one change of a device at a time, until it is durable",
    [
      { name: "asked for directly", unit: "ms", run: run(alone((id) => bare(actors, id))) },
      {
        name: "as an op, until it has ended",
        unit: "ms",
        goal: { atMost: goals.latency },
        run: run(alone((id) => dispatched(actors, id)))
      }
    ],
    rounds
  )
  await compare(
    `${everybody.length} devices changed at once, per change`,
    [
      { name: "asked for directly", unit: "ms", run: run(together((id) => bare(actors, id), Effect.void)) },
      {
        name: "as ops, until all have ended",
        unit: "ms",
        goal: { atMost: goals.throughput },
        run: run(together((id) => order(actors, id), allEnded(actors)))
      }
    ],
    rounds
  )
  const views = await runtime.runPromise(Effect.forEach(ids, (id) => dispatched(actors, id)))
  showSteps(views)
  figure("ops that ended well", "of 1", [views.filter(({ outcome }) => outcome === "done").length / views.length], {
    atLeast: 1
  })
  await runtime.dispose()
  await postgres.stop()
  rmSync(data, { recursive: true, force: true })
}
