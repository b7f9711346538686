import { PgClient } from "@effect/sql-pg"
import { assert, layer } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { readmitAnewSql } from "../../../src/runtime/cluster/Heartbeat.ts"
import { createTables, NodeTable } from "../../../src/runtime/cluster/NodeTable.ts"
import { Standing } from "../../../src/runtime/cluster/Standing.ts"
import { Postgres } from "../../support/Postgres.ts"

const database = Layer.effectDiscard(createTables).pipe(Layer.provideMerge(Postgres.client(3)))
const tables = Layer.mergeAll(NodeTable.layer, Standing.layer).pipe(Layer.provideMerge(database))

const addressOf = (name: string): string => `127.0.0.1:${name}`
const nodeOf = (name: string): string => `n-${name}`

/** Members that are healthy and think of each other as `doubts` says: observer, then node, then doubt. */
const members = (
  names: ReadonlyArray<string>,
  doubts: Readonly<Record<string, Readonly<Record<string, string>>>> = {}
) =>
  Effect.gen(function* () {
    const sql = yield* PgClient.PgClient
    yield* sql`delete from cluster_node`
    yield* sql`delete from cluster_judgement`
    for (const name of names) {
      const views = Object.fromEntries(Object.entries(doubts[name] ?? {}).map(([node, doubt]) => [nodeOf(node), doubt]))
      yield* sql`insert into cluster_node (address, node, incarnation, healthy, ready, backend_pid, session, last_heartbeat,
        beats, relay_host, relay_port, started_at, vitals) values (${addressOf(name)}, ${nodeOf(name)}, '1', true, true, 0, '',
        now(), array[now()], '', 0, now(), ${JSON.stringify({ doubts: views })}::text::jsonb)`
    }
  })

/** What an observer thinks from now on. */
const think = (name: string, doubts: Readonly<Record<string, string>>) =>
  Effect.gen(function* () {
    const sql = yield* PgClient.PgClient
    const views = Object.fromEntries(Object.entries(doubts).map(([node, doubt]) => [nodeOf(node), doubt]))
    yield* sql`update cluster_node set vitals = ${JSON.stringify({ doubts: views })}::text::jsonb where address = ${addressOf(name)}`
  })

/** As if a node had stood as it does for so long. */
const wait = (name: string, seconds: number) =>
  Effect.gen(function* () {
    const sql = yield* PgClient.PgClient
    yield* sql`update cluster_node set standing_since = standing_since - make_interval(secs => ${seconds}::int)
      where address = ${addressOf(name)}`
  })

const standings = Effect.gen(function* () {
  const rows = yield* Effect.flatMap(NodeTable, (table) => table.read)
  return Object.fromEntries(rows.map(({ address, standing, serves }) => [address.slice(10), `${standing} ${serves}`]))
})

const zombie = { c: "zombie" }
const why = ["latency", "stall"]

layer(Postgres.layer(), { timeout: "30 seconds", excludeTestServices: true })("the standing of nodes", (it) => {
  it.effect("a zombie goes out of service only when most who observe it say so", () =>
    Effect.gen(function* () {
      const standing = yield* Standing
      yield* members(["a", "b", "c"], { a: zombie, b: { c: "suspect" } })
      yield* standing.condemn(nodeOf("c"), why)
      assert.strictEqual((yield* standings).c, "serving true")
      yield* think("b", zombie)
      yield* standing.condemn(nodeOf("c"), why)
      assert.deepStrictEqual(yield* standings, { a: "serving true", b: "serving true", c: "quarantined false" })
      const [told] = yield* standing.untold
      assert.deepInclude(told, { node: nodeOf("c"), address: addressOf("c"), standing: "quarantined", why, by: "" })
      if (told !== undefined) yield* standing.told(told)
      assert.deepStrictEqual(yield* standing.untold, [])
    }).pipe(Effect.provide(tables))
  )

  it.effect("one that is out has no word, and neither has one that is silent", () =>
    Effect.gen(function* () {
      const standing = yield* Standing
      const sql = yield* PgClient.PgClient
      yield* members(["a", "b", "c", "d", "e"], { a: zombie, b: zombie, d: {}, e: {} })
      yield* standing.condemn(nodeOf("c"), why)
      assert.strictEqual((yield* standings).c, "serving true", "two of four")
      yield* sql`update cluster_node set healthy = false where address = ${addressOf("d")}`
      yield* standing.condemn(nodeOf("c"), why)
      assert.strictEqual((yield* standings).c, "quarantined false", "two of three")
    }).pipe(Effect.provide(tables))
  )

  it.effect(
    "never more go than leave more than half of all in service: the next one is called a zombie and serves on",
    () =>
      Effect.gen(function* () {
        const standing = yield* Standing
        const all = { c: "zombie", d: "zombie" }
        yield* members(["a", "b", "c", "d"], { a: all, b: all, c: { d: "zombie" }, d: { c: "zombie" } })
        yield* Effect.all([standing.condemn(nodeOf("c"), why), standing.condemn(nodeOf("d"), why)], { concurrency: 2 })
        const found = yield* standings
        assert.sameMembers([found.c, found.d], ["quarantined false", "zombie true"])
        yield* members(["a", "b"], { a: { b: "zombie" } })
        yield* standing.condemn(nodeOf("b"), why)
        assert.strictEqual((yield* standings).b, "zombie true")
        yield* think("a", {})
        yield* wait("b", 11)
        yield* standing.review
        assert.strictEqual((yield* standings).b, "serving true")
      }).pipe(Effect.provide(tables))
  )

  it.effect("one that starts again serves, and that is told", () =>
    Effect.gen(function* () {
      const standing = yield* Standing
      const sql = yield* PgClient.PgClient
      yield* members(["a", "b", "c"], { a: zombie, b: zombie })
      yield* standing.condemn(nodeOf("c"), why)
      const restart = sql.unsafe(readmitAnewSql, [addressOf("c"), "2", "n-c-2"])
      yield* restart
      assert.lengthOf(yield* standing.untold, 1, "its forerunner may still live")
      yield* sql`update cluster_node set last_heartbeat = now() - interval '1 minute' where address = ${addressOf("c")}`
      yield* restart
      const told = (yield* standing.untold).at(-1)
      assert.deepInclude(told, { node: "n-c-2", address: addressOf("c"), standing: "serving", by: "" })
      yield* sql.unsafe(readmitAnewSql, [addressOf("c"), "1", "n-c"])
      yield* sql.unsafe(readmitAnewSql, [addressOf("a"), "2", "n-a-2"])
      assert.lengthOf(yield* standing.untold, 2, "nothing of one that goes on, nor of one that was in service")
    }).pipe(Effect.provide(tables))
  )

  it.effect("one that nobody doubts comes back over a minute of probation, and goes back over one doubt", () =>
    Effect.gen(function* () {
      const standing = yield* Standing
      yield* members(["a", "b", "c"], { a: zombie, b: zombie })
      yield* standing.condemn(nodeOf("c"), why)
      yield* wait("c", 60)
      yield* think("a", {})
      yield* standing.review
      assert.strictEqual((yield* standings).c, "quarantined false", "one still doubts it")
      yield* think("b", {})
      yield* standing.review
      assert.strictEqual((yield* standings).c, "probation false")
      yield* think("b", { c: "suspect" })
      yield* standing.review
      assert.strictEqual((yield* standings).c, "quarantined false")
      yield* think("b", {})
      yield* wait("c", 11)
      yield* standing.review
      yield* wait("c", 59)
      yield* standing.review
      assert.strictEqual((yield* standings).c, "probation false")
      yield* wait("c", 2)
      yield* standing.review
      assert.strictEqual((yield* standings).c, "serving true")
    }).pipe(Effect.provide(tables))
  )

  it.effect("one that is out serves all the same when nobody else is left", () =>
    Effect.gen(function* () {
      const standing = yield* Standing
      const sql = yield* PgClient.PgClient
      yield* members(["a", "b", "c"], { a: zombie, b: zombie })
      yield* standing.condemn(nodeOf("c"), why)
      yield* sql`update cluster_node set healthy = false where address in (${addressOf("a")}, ${addressOf("b")})`
      assert.strictEqual((yield* standings).c, "quarantined true")
    }).pipe(Effect.provide(tables))
  )

  it.effect("a person takes nodes out, below more than half only when he says so, and never the last", () =>
    Effect.gen(function* () {
      const standing = yield* Standing
      yield* members(["a", "b", "c"])
      const exclude = (name: string, isBelowQuorum = false) =>
        standing.exclude({ address: addressOf(name), reason: "new disk", by: "user/ada", isBelowQuorum })
      yield* exclude("c")
      assert.strictEqual((yield* standings).c, "excluded false")
      assert.deepInclude((yield* standing.untold)[0], { why: ["new disk"], by: "user/ada" })
      assert.include((yield* Effect.flip(exclude("c"))).message, "excluded")
      assert.include((yield* Effect.flip(exclude("b"))).message, "2 are more than half")
      yield* exclude("b", true)
      assert.include((yield* Effect.flip(exclude("a", true))).message, "no other node")
      yield* wait("c", 1000)
      yield* standing.review
      assert.strictEqual((yield* standings).c, "excluded false", "nobody else brings it back")
      yield* standing.readmit(addressOf("c"), "user/ada")
      assert.strictEqual((yield* standings).c, "serving true")
      const told = (yield* standing.untold).map(({ address, standing: stands, by }) => [address.slice(10), stands, by])
      assert.deepStrictEqual(told, [
        ["c", "excluded", "user/ada"],
        ["b", "excluded", "user/ada"],
        ["c", "serving", "user/ada"]
      ])
      assert.strictEqual((yield* Effect.flip(standing.readmit(addressOf("c"), "user/ada")))._tag, "InvalidTransition")
      assert.strictEqual((yield* Effect.flip(standing.readmit("nowhere", "user/ada")))._tag, "NotFound")
      assert.strictEqual((yield* Effect.flip(exclude("nowhere")))._tag, "NotFound")
      const sql = yield* PgClient.PgClient
      yield* sql`update cluster_node set vitals = null where address = ${addressOf("c")}`
      assert.include((yield* Effect.flip(exclude("c", true))).message, "stop it instead")
    }).pipe(Effect.provide(tables))
  )
})
