import { connect, createServer, type Socket } from "node:net"
import { PgClient } from "@effect/sql-pg"
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { Context, Effect, Exit, Layer, Redacted, Scope } from "effect"
import type { Host } from "../../../src/actors/Host.ts"
import type { Claimed, Committed, Outage } from "../../../src/actors/Store.ts"
import { ProcessHost } from "../../../src/runtime/ProcessHost.ts"
import { PgStore } from "../../../src/runtime/storage/PgStore.ts"
import { callsOf, requestOf, rowOf, type StoreUnderTest, storeConformance } from "../../conformance/store.ts"
import { Postgres } from "../../support/Postgres.ts"
import { TestDatabase } from "./TestDatabase.ts"

const layer = TestDatabase.layer.pipe(
  // The server looks for deadlocks after this long; the default is a second.
  Layer.provideMerge(Postgres.layer({ settings: ["deadlock_timeout=300ms"] })),
  Layer.merge(ProcessHost.layer)
)
type Services = Layer.Success<typeof layer>

const scope = Scope.makeUnsafe()
let services: Context.Context<Services>
let host: Host
const run = <A, E>(effect: Effect.Effect<A, E, Services>): Promise<A> => Effect.runPromiseWith(services)(effect)
const newStore = (answerMillis?: number): PgStore =>
  new PgStore({
    url: Context.get(services, TestDatabase).url,
    host,
    ...(answerMillis === undefined ? {} : { answerMillis })
  })
const stores: Array<PgStore> = []

beforeAll(async () => {
  services = await Effect.runPromise(Layer.buildWithScope(layer, scope))
  host = Context.get(services, ProcessHost)
}, 60_000)

afterAll(async () => {
  for (const store of stores) store.close()
  await Effect.runPromise(Scope.close(scope, Exit.void))
})

const sql = <Row extends object>(text: string, parameters: ReadonlyArray<unknown> = []): Promise<ReadonlyArray<Row>> =>
  run(Effect.flatMap(PgClient.PgClient, (client) => client.unsafe<Row>(text, parameters)))

const underTest = (answerMillis?: number): StoreUnderTest => {
  const store = newStore(answerMillis)
  stores.push(store)
  return {
    store,
    answer: (start) => new Promise((resolve) => start(resolve)),
    journal: () => sql("select kind, id, version::float8, body from journal order by txid, position"),
    deadLetters: () =>
      sql(`select kind, id, letter, message, payload, cause, trace_id as "traceId" from dead_letter order by number`),
    row: async ({ kind, id }) =>
      (
        await sql<{ version: number; owner: string }>(
          "select version::float8, owner from actor where kind = $1 and id = $2",
          [kind, id]
        )
      )[0],
    release: async ({ kind, id }) => {
      await sql("update quarantine set released_at = now() where kind = $1 and id = $2", [kind, id])
    }
  }
}

storeConformance("PgStore", async () => underTest())

const written: Committed = { _tag: "Written", fenced: new Set() }

/** A transaction of somebody else, held open between steps. */
const transaction = async () => {
  const held = Scope.makeUnsafe()
  const connection = await run(Effect.flatMap(PgClient.PgClient, (client) => Scope.provide(client.reserve, held)))
  const step = (text: string): Promise<unknown> => Effect.runPromise(connection.executeUnprepared(text, [], undefined))
  await step("begin")
  return {
    step,
    end: async (how: "commit" | "rollback") => {
      await step(how)
      await Effect.runPromise(Scope.close(held, Exit.void))
    }
  }
}

/** Until a statement of the store stands in front of somebody's lock. */
const waitsForLock = async (name: string): Promise<void> => {
  const text =
    "select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock' and application_name like $1"
  while ((await sql(text, [`holon ${name}%`])).length === 0);
}

describe("PgStore", () => {
  let around: StoreUnderTest
  let calls: ReturnType<typeof callsOf>
  beforeAll(() => {
    around = underTest()
    calls = callsOf(around)
  })

  it("loads head and parts of one moment when a commit ends under a waiting claim", async () => {
    await calls.claim("a", requestOf("torn"))
    await calls.commit("a", rowOf("torn", 1, { head: new Uint8Array([1]), put: [["p", new Uint8Array([1])]] }))
    const other = await transaction()
    await other.step(`update actor set version = version + 1, head = '\\x02' where id = 'torn'`)
    await other.step(`update actor_part set value = '\\x02' where id = 'torn'`)
    const claim = calls.claim("b", requestOf("torn"))
    await waitsForLock("claims")
    await other.end("commit")
    const [claimed] = await claim
    if (claimed?._tag !== "Row") throw new Error(claimed?._tag)
    assert.deepStrictEqual(
      { head: claimed.head, part: claimed.parts.get("p") },
      { head: new Uint8Array([2]), part: new Uint8Array([2]) }
    )
    assert.strictEqual(claimed.version, (await around.row({ kind: "device", id: "torn" }))?.version)
  })

  it("takes and loads an actor of ten thousand parts, as the rollout over ten thousand boards", async () => {
    const parts = Array.from({ length: 10_000 }, (_, at) => [`board/${at}`, new Uint8Array([at & 255])] as const)
    await calls.claim("a", requestOf("large"))
    assert.deepStrictEqual(await calls.commit("a", rowOf("large", 1, { put: parts })), written)
    const [claimed] = await calls.claim("b", requestOf("large"))
    assert.strictEqual(claimed?._tag === "Row" ? claimed.parts.size : claimed?._tag, parts.length)
  })

  it("sees the quarantine that is written under a waiting claim", async () => {
    await calls.claim("a", requestOf("caught"))
    const other = await transaction()
    await other.step(`update actor set version = version + 1 where id = 'caught'`)
    await other.step(
      `insert into quarantine (kind, id, shard, since, cause, attempts) values ('device', 'caught', 1, 5, 'x', 1)`
    )
    const claim = calls.claim("b", requestOf("caught"))
    await waitsForLock("claims")
    await other.end("commit")
    assert.deepStrictEqual(await claim, [{ _tag: "Quarantined", since: 5, cause: "x" }])
  })

  it("gives one of two nodes version 1 and the other version 2 when both create", async () => {
    const other = await transaction()
    await other.step(
      `insert into actor (kind, id, shard, version, owner, format, takeover) values ('device', 'both', 1, 1, 'a', 0, false)`
    )
    const claim = calls.claim("b", requestOf("both"))
    await waitsForLock("claims")
    await other.end("commit")
    const [claimed] = await claim
    assert.strictEqual(claimed?._tag === "Row" ? claimed.version : claimed?._tag, 2)
  })

  it("gives claims of the same rows by two nodes, in whatever order they ask, a version each", async () => {
    const ids = Array.from({ length: 200 }, (_, index) => `many-${index}`)
    const forth = ids.map((id) => requestOf(id))
    const back = forth.toReversed()
    const second = callsOf(underTest())
    const rounds = await Promise.all([
      calls.claim("a", ...forth),
      second.claim("b", ...back),
      calls.claim("a", ...back)
    ])
    const versions = new Set<string>()
    for (const [round, order] of [
      [rounds[0], forth],
      [rounds[1], back],
      [rounds[2], back]
    ] as const) {
      for (const [index, claimed] of round.entries())
        versions.add(`${order[index]?.id} ${claimed._tag === "Row" ? claimed.version : claimed._tag}`)
    }
    assert.strictEqual(versions.size, 3 * ids.length)
  })

  it("answers an id that no database holds as absent, and the others of the batch", async () => {
    const claimed = await calls.claim(
      "a",
      requestOf("nul\u0000"),
      requestOf("storable"),
      requestOf("\ud800"),
      requestOf("x".repeat(9000))
    )
    assert.deepStrictEqual(
      claimed.map(({ _tag }) => _tag),
      ["Absent", "Row", "Absent", "Absent"]
    )
  })

  it("says that it refused data, and has written nothing of the batch", async () => {
    await calls.claim("a", requestOf("good"), requestOf("nul"))
    const outcome = await calls.commit(
      "a",
      rowOf("good", 1),
      rowOf("nul", 1, { put: [["a\u0000b", new Uint8Array()]] })
    )
    assert.strictEqual(outcome._tag, "Refused")
    assert.strictEqual((await around.row({ kind: "device", id: "good" }))?.version, 1)
    const twice: ReadonlyArray<readonly [string, Uint8Array]> = [
      ["k", new Uint8Array()],
      ["k", new Uint8Array()]
    ]
    assert.strictEqual((await calls.commit("a", rowOf("nul", 1, { put: twice })))._tag, "Refused")
    assert.strictEqual((await calls.commit("a", rowOf("good", 1)))._tag, "Written")
  })

  it("says that a deadlock rolled the commit back, which may be repeated as it is", async () => {
    await calls.claim("a", requestOf("dead-1"), requestOf("dead-2"))
    const other = await transaction()
    await other.step("set local deadlock_timeout = '1min'")
    await other.step("update actor set owner = owner where id = 'dead-2'")
    const commit = calls.commit("a", rowOf("dead-1", 1), rowOf("dead-2", 1))
    await waitsForLock("lane 0")
    await Promise.all([other.step("update actor set owner = owner where id = 'dead-1'"), commit])
    assert.deepStrictEqual(await commit, { _tag: "RolledBack" })
    await other.end("rollback")
    const again = await calls.commit("a", rowOf("dead-1", 1), rowOf("dead-2", 1))
    assert.deepStrictEqual(again, written)
  })

  it("gives a commit up that waits for a lock too long, and goes on", async () => {
    const brief = callsOf(underTest(500))
    await brief.claim("a", requestOf("locked"))
    const other = await transaction()
    await other.step("update actor set owner = owner where id = 'locked'")
    const outcome = await brief.commit("a", rowOf("locked", 1))
    assert.match(outcome._tag === "Outage" ? String(outcome.cause) : outcome._tag, /statement timeout/)
    await other.end("rollback")
    assert.strictEqual((await around.row({ kind: "device", id: "locked" }))?.version, 1)
    assert.deepStrictEqual(await brief.commit("a", rowOf("locked", 1)), written)
  })

  it("does not hold claims and the other lane up behind a commit that waits", async () => {
    await calls.claim("a", requestOf("slow"), requestOf("quick"))
    const other = await transaction()
    await other.step("update actor set owner = owner where id = 'slow'")
    const commit = calls.commit("a", rowOf("slow", 1))
    await waitsForLock("lane 0")
    const quick = await around.answer<Committed>((done) => around.store.commit(1, "a", [rowOf("quick", 1)], done))
    assert.strictEqual(quick._tag, "Written")
    assert.strictEqual((await calls.claim("b", requestOf("quick")))[0]?._tag, "Row")
    await calls.due([1], 0, true)
    await other.end("rollback")
    assert.strictEqual((await commit)._tag, "Written")
  })

  it("loses one statement of a connection that was ended, and connects again", async () => {
    await calls.claim("a", requestOf("cut"))
    await sql("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'holon lane 0'")
    while ((await sql("select 1 from pg_stat_activity where application_name = 'holon lane 0'")).length > 0);
    const first = await calls.commit("a", rowOf("cut", 1))
    const second = first._tag === "Written" ? first : await calls.commit("a", rowOf("cut", 1))
    assert.deepStrictEqual(second, written)
  })

  it("answers every call as an outage while the database is frozen, and works again after", async () => {
    const server = Context.get(services, Postgres)
    const brief = underTest(500)
    const { claim, commit, told } = callsOf(brief)
    await claim("a", requestOf("frozen"))
    await commit("a", rowOf("frozen", 1))
    server.freeze()
    const outcomes = await Promise.all([
      commit("a", rowOf("frozen", 2)),
      brief.answer<ReadonlyArray<Claimed> | Outage>((done) => brief.store.claim([requestOf("frozen")], "a", done)),
      told({ kind: "device", id: "frozen" }, 1)
    ])
    assert.deepStrictEqual(
      outcomes.map((outcome) => typeof outcome === "object" && outcome !== null && "_tag" in outcome && outcome._tag),
      ["Outage", "Outage", "Outage"]
    )
    // A second call finds the connection gone and the server silent: it is bounded too.
    assert.strictEqual((await commit("a", rowOf("frozen", 2)))._tag, "Outage")
    server.thaw()
    // What was sent before the freeze may still take effect; the claim fences it.
    const [claimed] = await claim("a", requestOf("frozen"))
    if (claimed?._tag !== "Row") throw new Error(claimed?._tag)
    const outcome = await commit("a", rowOf("frozen", claimed.version))
    assert.strictEqual(outcome._tag, "Written")
  })

  it("leaves a connection that nobody answers on for a new one", async () => {
    const { port } = Context.get(services, Postgres)
    const sockets = new Set<Socket>()
    const proxy = createServer((socket) => {
      const upstream = connect(port, "127.0.0.1")
      for (const end of [socket, upstream]) {
        sockets.add(end)
        end.on("error", () => {})
      }
      socket.pipe(upstream).pipe(socket)
    })
    await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve))
    const address = proxy.address()
    if (address === null || typeof address === "string") throw new Error("no port")
    const url = new URL(Redacted.value(Context.get(services, TestDatabase).url))
    url.port = String(address.port)
    const store = new PgStore({ url: Redacted.make(url.href), host, answerMillis: 500 })
    stores.push(store)
    const { claim, commit } = callsOf({ ...around, store })
    await claim("a", requestOf("hung"))
    await commit("a", rowOf("hung", 1))
    // A router on the way has forgotten the connection: neither data nor an end comes through any more.
    for (const socket of sockets) socket.unpipe().pause()
    assert.strictEqual((await commit("a", rowOf("hung", 2)))._tag, "Outage")
    assert.deepStrictEqual(await commit("a", rowOf("hung", 2)), written)
    // A reset that comes long after harms nobody.
    for (const socket of sockets) socket.resetAndDestroy()
    assert.strictEqual((await calls.claim("b", requestOf("hung")))[0]?._tag, "Row")
    proxy.close()
  })

  it("answers calls after its end as an outage, after they have returned", async () => {
    const closed = newStore()
    closed.close()
    let hasReturned = false
    const outcome = await new Promise<Committed>((resolve) => {
      closed.commit(0, "a", [rowOf("x", 1)], (committed) => {
        assert.isTrue(hasReturned)
        resolve(committed)
      })
      hasReturned = true
    })
    assert.strictEqual(outcome._tag, "Outage")
  })
})
