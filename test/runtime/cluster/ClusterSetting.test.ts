import { PgClient } from "@effect/sql-pg"
import { assert, layer } from "@effect/vitest"
import { Effect, Layer } from "effect"
import {
  FormatUnknown,
  followFormats,
  joinFormats,
  PlacementChanged,
  settle
} from "../../../src/runtime/cluster/ClusterSetting.ts"
import { encodeVocabulary } from "../../../src/runtime/cluster/MemberVocabularies.ts"
import { createTables } from "../../../src/runtime/cluster/NodeTable.ts"
import { Postgres } from "../../support/Postgres.ts"

const database = Layer.effectDiscard(createTables).pipe(Layer.provideMerge(Postgres.client()))
const placement = { shardsPerGroup: 64, groups: ["default", "vsm"], lockPrefix: "holon" }

/** What a release knows that reads and writes these formats of `tank`. */
const tank = (lowest: number, highest: number) => ({ tank: { lowest, highest, messages: [] } })

/** Members as if they had stored their rows, each with the highest format of `tank` it reads. */
const members = (...highest: ReadonlyArray<number>) =>
  Effect.gen(function* () {
    const sql = yield* PgClient.PgClient
    yield* sql`delete from cluster_node`
    for (const [index, format] of highest.entries()) {
      yield* sql`insert into cluster_node (address, node, incarnation, healthy, ready, backend_pid, session,
          last_heartbeat, beats, relay_host, relay_port, vocabulary, started_at)
        values (${`h:${index}`}, 'n', 'i', true, true, 1, 's', now(), array[now()], 'h', 1,
          ${encodeVocabulary(tank(1, format))}, now())`
    }
  })

layer(Postgres.layer(), { timeout: "30 seconds" })("ClusterSetting", (it) => {
  it.effect("lets nodes that agree in, however many start at once", () =>
    Effect.gen(function* () {
      yield* Effect.all(
        Array.from({ length: 5 }, () => Effect.andThen(createTables, settle(placement))),
        { concurrency: "unbounded", discard: true }
      )
      const sql = yield* PgClient.PgClient
      assert.deepStrictEqual(yield* sql`select name, value from cluster_setting order by name`, [
        { name: "groups", value: "default,vsm" },
        { name: "lockPrefix", value: "holon" },
        { name: "shardsPerGroup", value: "64" }
      ])
    }).pipe(Effect.provide(Postgres.client()))
  )

  it.effect("refuses a node that would place actors elsewhere", () =>
    Effect.gen(function* () {
      yield* settle(placement)
      const errors = yield* Effect.forEach(
        [
          { ...placement, shardsPerGroup: 300 },
          { ...placement, groups: ["vsm", "default"] },
          { ...placement, lockPrefix: "other" }
        ],
        (other) => Effect.flip(settle(other))
      )
      assert.deepStrictEqual(errors, [
        new PlacementChanged({ setting: "shardsPerGroup", stored: "64", configured: "300" }),
        new PlacementChanged({ setting: "groups", stored: "default,vsm", configured: "vsm,default" }),
        new PlacementChanged({ setting: "lockPrefix", stored: "holon", configured: "other" })
      ])
      yield* settle(placement)
    }).pipe(Effect.provide(database))
  )

  it.effect("raises the row format of a kind when every member can read it, and never lowers it", () =>
    Effect.gen(function* () {
      const inForce = (lowest: number, highest: number) =>
        Effect.map(joinFormats(tank(lowest, highest)), (formats) => formats.get("tank"))
      yield* members(1)
      assert.strictEqual(yield* inForce(1, 1), 1)
      yield* members(1, 2)
      assert.strictEqual(yield* inForce(1, 2), 1)
      assert.deepStrictEqual(
        yield* Effect.flip(inForce(2, 2)),
        new FormatUnknown({ kind: "tank", inForce: 1, lowest: 2, highest: 2 })
      )
      yield* members(2, 3)
      assert.strictEqual((yield* followFormats(tank(1, 3))).get("tank"), 2)
      yield* members(2, 1)
      assert.deepStrictEqual(
        yield* Effect.flip(inForce(1, 1)),
        new FormatUnknown({ kind: "tank", inForce: 2, lowest: 1, highest: 1 })
      )
    }).pipe(Effect.provide(database))
  )

  it.effect("takes over the table of nodes of a release that did not say what it knows", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      yield* sql`alter table cluster_node drop column vocabulary,
        add column format_lowest integer not null default 1, add column format_highest integer not null default 1`
      yield* sql`alter table cluster_node alter column format_lowest drop default, alter column format_highest drop default`
      yield* createTables
      yield* members(1)
      assert.strictEqual((yield* joinFormats({ pump: { lowest: 1, highest: 4, messages: [] } })).get("pump"), 4)
    }).pipe(Effect.provide(database))
  )
})
