import { networkInterfaces } from "node:os"
import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Layer, Redacted, References, Schema } from "effect"
import { startSimulatedBoards } from "../../devices/simulated/SimulatedBoards.ts"
import { ClusterConfig, portsOf } from "../../src/runtime/Config.ts"
import { Membership } from "../../src/runtime/cluster/ClusterLayer.ts"
import * as Node from "../../src/runtime/Node.ts"
import { PostgresUrl } from "../../src/runtime/storage/PostgresUrl.ts"
import { certificateFor } from "../support/Authority.ts"
import { Postgres } from "../support/Postgres.ts"
import { freePorts, tempFolder, until } from "../support/RunningNode.ts"

const boards = 8

/** An address of this machine that others reach. */
const outward = Object.values(networkInterfaces())
  .flatMap((addresses) => addresses ?? [])
  .find(({ family, internal }) => family === "IPv4" && !internal)?.address

describe("nodes that meet where other machines could reach them", () => {
  it.live.runIf(outward !== undefined)(
    "show each other certificates of their authority, and serve each other's boards",
    () =>
      Effect.gen(function* () {
        const host = outward ?? ""
        const postgres = yield* Postgres
        const url = yield* Effect.promise(() => postgres.createDatabase())
        const tls = yield* certificateFor(host)
        const start = Effect.gen(function* () {
          const input = { ...freePorts, peers: { host, runnerPort: 0, relayPort: 0, tls } }
          const config = { ...(yield* Schema.decodeUnknownEffect(ClusterConfig)(input)), data: yield* tempFolder }
          return yield* Layer.build(
            Node.layer({ config, ports: portsOf(config, 0) }).pipe(Layer.provide(PostgresUrl.layer(Redacted.make(url))))
          )
        })
        const first = yield* start
        const second = yield* start
        const { nodes } = Context.get(first, Membership)
        const members = yield* until(
          nodes,
          (all) => all.length === 2 && all.every(({ ready, shards }) => ready && shards > 0)
        )
        for (const { address } of members) assert.isTrue(address.startsWith(`${host}:`), address)
        let up = 0
        for (const built of [first, second]) {
          yield* startSimulatedBoards({
            url: `mqtt://127.0.0.1:${Context.get(built, Node.Listening).mqtt}`,
            prefix: `board-${built === first ? "a" : "b"}-`,
            count: boards,
            spreadMillis: 0,
            observe: (_id, { state }) => {
              if (state === "up") up++
            }
          })
        }
        yield* until(
          Effect.sync(() => up),
          (count) => count === 2 * boards
        )
      }).pipe(
        Effect.scoped,
        Effect.provideService(References.MinimumLogLevel, "Error"),
        Effect.provide(Postgres.layer())
      ),
    60_000
  )
})
