/** Nodes of two releases in one cluster: whole nodes over one PostgreSQL, each with the kinds of its release. */
import { PgClient } from "@effect/sql-pg"
import { assert, layer } from "@effect/vitest"
import { Context, Effect, Exit, Layer, Redacted, References, Schema, Scope } from "effect"
import { Actors } from "../../../src/actors/Actors.ts"
import type { AnyBehaviour } from "../../../src/actors/Behaviour.ts"
import { Engine } from "../../../src/actors/Engine.ts"
import * as Registry from "../../../src/actors/Registry.ts"
import type { Asker } from "../../../src/protocol/Asker.ts"
import { Unavailable } from "../../../src/protocol/Errors.ts"
import { ClusterConfig, portsOf } from "../../../src/runtime/Config.ts"
import { FormatUnknown } from "../../../src/runtime/cluster/ClusterSetting.ts"
import * as Node from "../../../src/runtime/Node.ts"
import { PostgresUrl } from "../../../src/runtime/storage/PostgresUrl.ts"
import { Postgres } from "../../support/Postgres.ts"
import { ask, freePorts, tempFolder, until } from "../../support/RunningNode.ts"
import { oldTank, pump, tank } from "../../support/Tank.ts"

const operator: Asker = { kind: "user", id: "ada", role: "operator" }

/** A node of a release; ends with the scope, or by `stop`. */
const start = (database: string, behaviours: ReadonlyArray<AnyBehaviour>) =>
  Effect.gen(function* () {
    const scope = yield* Scope.fork(yield* Effect.scope)
    const data = yield* tempFolder
    const config = { ...(yield* Schema.decodeUnknownEffect(ClusterConfig)(freePorts)), data }
    const node = Node.layer({ config, ports: portsOf(config, 0), registry: Registry.make(behaviours) })
    const built = yield* Layer.build(node.pipe(Layer.provide(PostgresUrl.layer(Redacted.make(database))))).pipe(
      Scope.provide(scope)
    )
    const actors = Context.get(built, Actors)
    const { http } = Context.get(built, Node.Listening)
    const engine = Context.get(built, Engine)
    return {
      sql: Context.get(built, PgClient.PgClient),
      send: (kind: string, id: string, message: string, payload: unknown) =>
        actors.send({ kind, id }, message, payload, { asker: operator }),
      post: (path: string, body: unknown) =>
        ask(`http://127.0.0.1:${http}${path}`, {
          method: "POST",
          headers: { "content-type": "application/json" },
          body: JSON.stringify(body)
        }),
      shards: () => engine.shards().length,
      stop: Scope.close(scope, Exit.void)
    }
  }).pipe(Effect.provideService(References.MinimumLogLevel, "Error"))

const tanks = Array.from({ length: 20 }, (_, index) => `tank-${index}`)

layer(Postgres.layer(), { timeout: "60 seconds", excludeTestServices: true })("nodes of two releases", (it) => {
  it.effect(
    "offer what both know, write what both read, and move on when the older one has gone",
    () =>
      Effect.gen(function* () {
        const server = yield* Postgres
        const database = yield* Effect.promise(() => server.createDatabase())
        const older = yield* start(database, [oldTank])
        yield* Effect.forEach(tanks, (id) => older.send("tank", id, "Fill", { litres: 1.5 }))
        const newer = yield* start(database, [tank, pump])
        yield* until(
          Effect.sync(() => [older.shards(), newer.shards()]),
          ([first = 0, second = 0]) => first > 0 && second > 0 && first + second === 30
        )

        // Each has some of the actors: what one writes the other reads.
        for (const id of tanks) assert.strictEqual(yield* newer.send("tank", id, "Fill", { litres: 1 }), 2.5)
        for (const id of tanks) assert.strictEqual(yield* older.send("tank", id, "Level", {}), 2.5)
        assert.deepStrictEqual(yield* newer.sql`select distinct format from actor`, [{ format: 1 }])

        const refusal = yield* Effect.flip(newer.send("tank", "tank-1", "Drain", {}))
        assert.instanceOf(refusal, Unavailable)
        assert.match(
          refusal.message,
          /^message Drain of tank is offered once every node knows it; the one at 127\.0\.0\.1:\d+ does not$/
        )
        assert.instanceOf(yield* Effect.flip(newer.send("pump", "p", "Start", {})), Unavailable)
        const answer = yield* newer.post("/api/tank/tank-1/Drain", {})
        assert.strictEqual(answer.status, 503)
        assert.include(answer.text, refusal.message)

        yield* older.stop
        yield* until(Effect.result(newer.send("tank", "tank-1", "Drain", {})), (drained) => drained._tag === "Success")
        assert.strictEqual(yield* newer.send("pump", "p", "Start", {}), null)
        yield* until(
          newer
            .send("tank", "tank-2", "Fill", { litres: 0 })
            .pipe(Effect.andThen(newer.sql`select format from actor where id = 'tank-2'`)),
          ([row]) => row?.format === 2
        )
        for (const id of tanks.slice(2)) assert.strictEqual(yield* newer.send("tank", id, "Level", {}), 2.5)

        assert.deepStrictEqual(
          yield* Effect.flip(start(database, [oldTank])),
          new FormatUnknown({ kind: "tank", inForce: 2, lowest: 1, highest: 1 })
        )
      }),
    60_000
  )
})
