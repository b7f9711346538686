import * as Tls from "node:tls"
import { PgClient } from "@effect/sql-pg"
import { assert, layer } from "@effect/vitest"
import { Effect, Layer, ManagedRuntime, Queue, Redacted, Schedule, Schema } from "effect"
import { Entity, Sharding } from "effect/cluster"
import { Rpc } from "effect/rpc"
import * as ClusterLayer from "../../../src/runtime/cluster/ClusterLayer.ts"
import { PlacementChanged } from "../../../src/runtime/cluster/ClusterSetting.ts"
import { Lease } from "../../../src/runtime/cluster/Lease.ts"
import { RelaySocket } from "../../../src/runtime/cluster/RelaySocket.ts"
import type { TlsIdentity } from "../../../src/runtime/cluster/TlsIdentity.ts"
import { certificateFor, readFiles } from "../../support/Authority.ts"
import { freePort } from "../../support/Ports.ts"
import { Postgres } from "../../support/Postgres.ts"

const Who = Rpc.make("Who", { success: Schema.String })
const Probe = Entity.make("Probe", [Who])

const runtimeOf = (url: string, options: ClusterLayer.ClusterOptions) =>
  Effect.acquireRelease(
    Effect.sync(() =>
      ManagedRuntime.make(
        Layer.effectDiscard(
          Effect.gen(function* () {
            const sharding = yield* Sharding.Sharding
            const { node } = yield* Lease
            yield* sharding.registerEntity(Probe, Effect.succeed(Probe.of({ Who: () => Effect.succeed(node) })))
          })
        ).pipe(
          Layer.provideMerge(ClusterLayer.layer(options)),
          Layer.provideMerge(PgClient.layer({ url: Redacted.make(url), maxConnections: 2 }))
        )
      )
    ),
    (runtime) => runtime.disposeEffect
  )

const options = Effect.gen(function* () {
  const [port, relayPort] = yield* Effect.all([Effect.promise(freePort), Effect.promise(freePort)])
  return { host: "127.0.0.1", port, relayPort, shardsPerGroup: 16 }
})

/** An authority and one certificate of it for this machine. */
const makeIdentity = Effect.map(certificateFor("127.0.0.1"), (files): TlsIdentity => readFiles(files))

/** What a TLS client without a certificate is told: a byte, or the end. */
const knock = (port: number, ca: string) =>
  Effect.callback<"answered" | "refused">((resume) => {
    const socket = Tls.connect({ host: "127.0.0.1", port, ca }, () => socket.write("holon-relay 1 n-a n-b\n"))
    socket.once("data", () => resume(Effect.succeed("answered")))
    socket.once("error", () => resume(Effect.succeed("refused")))
    socket.once("close", () => resume(Effect.succeed("refused")))
    return Effect.sync(() => socket.destroy())
  })

layer(Postgres.layer(), { timeout: "40 seconds", excludeTestServices: true })("ClusterLayer", (it) => {
  const database = Effect.flatMap(Postgres, (server) => Effect.promise(() => server.createDatabase()))

  it.effect("joins two nodes over TLS and lets nobody else in", () =>
    Effect.gen(function* () {
      const url = yield* database
      const tls = yield* makeIdentity
      const [first, second] = [yield* options, yield* options]
      const one = yield* runtimeOf(url, { ...first, tls })
      const two = yield* runtimeOf(url, { ...second, tls })
      const run = <A, E>(
        effect: Effect.Effect<A, E, RelaySocket | Lease | ClusterLayer.Membership | Sharding.Sharding>
      ) => Effect.promise(() => one.runPromise(effect))
      const names = [
        yield* Effect.promise(() => one.runPromise(Effect.map(Lease, ({ node }) => node))),
        yield* Effect.promise(() => two.runPromise(Effect.map(Lease, ({ node }) => node)))
      ]

      const nodes = yield* run(
        Effect.flatMap(ClusterLayer.Membership, (membership) => membership.nodes).pipe(
          Effect.repeat({
            until: (all) =>
              all.every(({ shards }) => shards > 0) &&
              all.length === 2 &&
              all.reduce((sum, { shards }) => sum + shards, 0) === 16,
            schedule: Schedule.spaced(50)
          })
        )
      )
      assert.sameMembers(
        nodes.map(({ node }) => node),
        names
      )
      assert.isTrue(nodes.every(({ healthy, heartbeatAgeMillis }) => healthy && heartbeatAgeMillis < 1500))

      const answers = yield* run(
        Effect.gen(function* () {
          const sharding = yield* Sharding.Sharding
          const client = yield* sharding.makeClient(Probe)
          return yield* Effect.forEach(
            Array.from({ length: 40 }, (_, n) => `p-${n}`),
            (id) => client(id).Who()
          )
        })
      )
      assert.sameMembers([...new Set(answers)], names)

      const received = yield* Queue.unbounded<string>()
      yield* Effect.promise(() =>
        two.runPromise(
          Effect.map(RelaySocket, ({ transport }) =>
            transport.onBatch((_from, bytes) => Queue.offerUnsafe(received, Buffer.from(bytes).toString()))
          )
        )
      )
      yield* run(Effect.map(RelaySocket, ({ transport }) => transport.send(names[1] ?? "", Buffer.from("over TLS"))))
      assert.strictEqual(yield* Queue.take(received), "over TLS")

      assert.strictEqual(yield* knock(first.relayPort, tls.ca), "refused")
      assert.strictEqual(yield* knock(first.port, tls.ca), "refused")
    })
  )

  it.effect("refuses to start where it would be open to strangers, or unlike its cluster, or on a port in use", () =>
    Effect.gen(function* () {
      const url = yield* database
      const first = yield* options
      const start = (of: ClusterLayer.ClusterOptions) =>
        Effect.flatMap(runtimeOf(url, of), (runtime) =>
          Effect.promise(() => runtime.runPromise(Effect.succeed("started")).catch((error: unknown) => error))
        )
      const open = yield* start({ ...first, host: "0.0.0.0" })
      assert.deepStrictEqual(open, new ClusterLayer.UnprotectedAddress({ host: "0.0.0.0" }))

      assert.strictEqual(yield* start(first), "started")
      const second = yield* options
      assert.deepStrictEqual(
        yield* start({ ...second, shardsPerGroup: 17 }),
        new PlacementChanged({ setting: "shardsPerGroup", stored: "16", configured: "17" })
      )
      const taken = yield* start({ ...second, relayPort: first.relayPort })
      assert.propertyVal(taken, "role", "relay")
      const occupied = yield* start({ ...second, port: first.relayPort })
      assert.propertyVal(occupied, "role", "runner")
    })
  )
})
