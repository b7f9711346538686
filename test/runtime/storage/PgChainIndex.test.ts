import { PgClient } from "@effect/sql-pg"
import { assert, layer } from "@effect/vitest"
import { Effect, Layer } from "effect"
import type { Claimed, CommitRow, Committed, Outage } from "../../../src/actors/Store.ts"
import { ChainIndex } from "../../../src/events/ChainIndex.ts"
import { TraceNotFound, traceEventsMax, traceOf } from "../../../src/events/Trace.ts"
import { type Asker, runtimeAsker } from "../../../src/protocol/Asker.ts"
import { eventIdOf } from "../../../src/protocol/Event.ts"
import { uuidV7 } from "../../../src/protocol/Ids.ts"
import { encodeEmission, journalBody } from "../../../src/protocol/JournalBody.ts"
import { ProcessHost } from "../../../src/runtime/ProcessHost.ts"
import { makePartitions } from "../../../src/runtime/storage/JournalPartitions.ts"
import { migrate, migrations } from "../../../src/runtime/storage/Migrations.ts"
import { journalChains } from "../../../src/runtime/storage/migrations/0008_journal_chains.ts"
import { layerPgChainIndex } from "../../../src/runtime/storage/PgChainIndex.ts"
import { PgStore } from "../../../src/runtime/storage/PgStore.ts"
import { requestOf, rowOf } from "../../conformance/store.ts"
import { Postgres } from "../../support/Postgres.ts"
import { TestDatabase } from "./TestDatabase.ts"

/** What one commit says, and in whose chain. */
const said = (type: string, root?: string): Pick<CommitRow, "journal" | "roots"> => {
  const asker: Asker = root === undefined ? runtimeAsker : { ...runtimeAsker, root }
  const events = [{ type, data: 1 }]
  return {
    journal: journalBody(1, [encodeEmission({ at: 1000, asker, requestId: "", events, samples: [] })]),
    ...(root !== undefined && { roots: [root] })
  }
}

const measured: Pick<CommitRow, "journal"> = {
  journal: journalBody(1, [
    encodeEmission({
      at: 1000,
      asker: runtimeAsker,
      requestId: "",
      events: [],
      samples: [{ type: "board.telemetry", data: { temp: 61 } }]
    })
  ])
}

layer(Postgres.layer(), { timeout: "60 seconds", excludeTestServices: true })("the index of chains", (it) => {
  const world = Effect.gen(function* () {
    const store = new PgStore({ url: (yield* TestDatabase).url, host: yield* ProcessHost })
    yield* Effect.addFinalizer(() => Effect.sync(() => store.close()))
    const sql = yield* PgClient.PgClient
    const claim = (...ids: ReadonlyArray<string>) =>
      Effect.callback<ReadonlyArray<Claimed> | Outage>((resume) =>
        store.claim(
          ids.map((id) => requestOf(id)),
          "a",
          (claimed) => resume(Effect.succeed(claimed))
        )
      )
    const commit = (...rows: ReadonlyArray<CommitRow>) =>
      Effect.callback<Committed>((resume) => store.commit(0, "a", rows, (outcome) => resume(Effect.succeed(outcome))))
    const indexed = Effect.map(
      sql<{ readonly count: number }>`select count(*)::int4 as count from journal_chain`,
      ([row]) => row?.count
    )
    return { sql, claim, commit, indexed, index: yield* ChainIndex, now: Math.floor(yield* Effect.sync(Date.now)) }
  })
  const fresh = <A, E>(effect: Effect.Effect<A, E, Effect.Services<typeof world>>) =>
    Effect.provide(
      Effect.scoped(effect),
      Layer.merge(layerPgChainIndex, ProcessHost.layer).pipe(Layer.provideMerge(TestDatabase.layer))
    )
  const typesOf = (index: ChainIndex["Service"], id: string) =>
    Effect.map(traceOf(index, id), ({ events }) => events.map(({ event }) => event.type))

  it.effect("finds a chain by its root and by each event of it, and writes nothing for what begins none", () =>
    fresh(
      Effect.gen(function* () {
        const { claim, commit, indexed, index, now } = yield* world
        yield* claim("a", "b", "c")
        yield* commit(rowOf("a", 1, { ...measured, at: now }))
        assert.strictEqual(yield* indexed, 0)
        const root = eventIdOf({ kind: "device", id: "a", version: 2, committedAt: now }, 0)
        yield* commit(
          rowOf("a", 2, { ...said("a.other"), at: now + 1 }),
          rowOf("b", 1, { ...said("b.matched", root), at: now + 1 })
        )
        yield* commit(rowOf("c", 1, { ...said("c.told", root), at: now + 2 }))
        assert.strictEqual(yield* indexed, 2)
        const whole = ["board.telemetry", "b.matched", "c.told"]
        const ends = eventIdOf({ kind: "device", id: "c", version: 2, committedAt: now + 2 }, 0)
        for (const id of [root, ends]) assert.deepStrictEqual(yield* typesOf(index, id), whole)
        const alone = eventIdOf({ kind: "device", id: "a", version: 3, committedAt: now + 1 }, 0)
        assert.deepStrictEqual(yield* typesOf(index, alone), ["a.other"])
      })
    )
  )

  it.effect("finds the chain of a request, which is no event", () =>
    fresh(
      Effect.gen(function* () {
        const { claim, commit, index, now } = yield* world
        yield* claim("a")
        const request = uuidV7(now, (count) => new Uint8Array(count).fill(3))
        yield* commit(rowOf("a", 1, { ...said("a.changed", request), at: now }))
        assert.deepStrictEqual(yield* typesOf(index, request), ["a.changed"])
        const unknown = uuidV7(now, (count) => new Uint8Array(count).fill(4))
        assert.deepStrictEqual(yield* Effect.flip(traceOf(index, unknown)), new TraceNotFound({ id: unknown }))
        assert.deepStrictEqual(yield* Effect.flip(traceOf(index, "x")), new TraceNotFound({ id: "x" }))
      })
    )
  )

  it.effect("writes nothing of a row that was fenced", () =>
    fresh(
      Effect.gen(function* () {
        const { claim, commit, indexed, now } = yield* world
        yield* claim("a", "b")
        const outcome = yield* commit(
          rowOf("a", 9, { ...said("a.changed", "r"), at: now }),
          rowOf("b", 1, { ...said("b.changed", "r"), at: now })
        )
        assert.deepStrictEqual(outcome, { _tag: "Written", fenced: new Set([0]) })
        assert.strictEqual(yield* indexed, 1)
      })
    )
  )

  it.effect("finds an event whose node's clock was ahead of the database", () =>
    fresh(
      Effect.gen(function* () {
        const { claim, commit, index, now } = yield* world
        yield* claim("a")
        yield* commit(rowOf("a", 1, { ...said("a.changed"), at: now + 30_000 }))
        const id = eventIdOf({ kind: "device", id: "a", version: 2, committedAt: now + 30_000 }, 0)
        assert.deepStrictEqual(yield* typesOf(index, id), ["a.changed"])
      })
    )
  )

  it.effect("finds an event among a hundred thousand others, reading few of them", () =>
    fresh(
      Effect.gen(function* () {
        const { sql, claim, commit, index, now } = yield* world
        yield* claim("a")
        const body = new Uint8Array(100)
        const filled = (
          from: number,
          to: number
        ) => sql`insert into journal (lasting, txid, kind, id, version, at, body)
          select n % 10 = 0, (n + 1000000)::text::xid8, 'device', 'd' || (n % 1000), n, ${now}::bigint + n, ${body}
          from generate_series(${from}::int4, ${to}::int4) as n`
        yield* filled(-60_000, -1)
        yield* commit(rowOf("a", 1, { ...said("a.changed"), at: now }))
        yield* sql`update journal set txid = 1000000::text::xid8, time = now() where id = 'a'`
        yield* sql`update journal set time = now() + version * interval '1 ms' where version < 0`
        yield* filled(1, 40_000)
        yield* sql`update journal set time = now() + version * interval '1 ms' where id <> 'a' and version > 0`
        const read = Effect.map(
          sql<{ readonly rows: number }>`select sum(idx_tup_fetch + seq_tup_read)::float8 as rows
            from pg_stat_xact_user_tables where relname like 'journal_events%' or relname like 'journal_samples%'`,
          ([row]) => row?.rows ?? 0
        )
        const id = eventIdOf({ kind: "device", id: "a", version: 2, committedAt: now }, 0)
        const looked = yield* sql.withTransaction(
          Effect.gen(function* () {
            const before = yield* read
            assert.deepStrictEqual(yield* typesOf(index, id), ["a.changed"])
            return (yield* read) - before
          })
        )
        assert.isAbove(looked, 100)
        assert.isBelow(looked, 10_000)
      })
    )
  )

  it.effect("is made beside the journal of an installation that has one, of which it shows what is asked for", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      yield* migrate(migrations.filter(({ number }) => number < journalChains.number))
      yield* sql`create table journal_events_2020010100 partition of journal_events
        for values from ('2020-01-01 00:00+00') to ('2020-01-02 00:00+00')`
      yield* sql`insert into journal (lasting, time, kind, id, version, at, body)
        values (true, '2020-01-01 01:00+00', 'device', 'old', 2, 1577840400000, ${said("old.changed", "r").journal})`
      yield* migrate()
      const made = yield* makePartitions
      assert.isTrue(made.some((name) => name.startsWith("journal_chain_")))
      yield* sql`insert into journal_chain (root, time, txid, position) values ('s', now(), '1', 1)`
      const index = yield* ChainIndex
      assert.deepStrictEqual(yield* Effect.flip(traceOf(index, "r")), new TraceNotFound({ id: "r" }))
      const id = eventIdOf({ kind: "device", id: "old", version: 2, committedAt: 1_577_840_400_000 }, 0)
      assert.deepStrictEqual(yield* typesOf(index, id), ["old.changed"])
    }).pipe(Effect.provide(Layer.provideMerge(layerPgChainIndex, Postgres.client())))
  )

  it.effect("says that there is more when a chain is longer than a trace may be", () =>
    fresh(
      Effect.gen(function* () {
        const { claim, commit, index, now } = yield* world
        yield* claim("a")
        for (let version = 1; version <= traceEventsMax + 1; version++)
          yield* commit(rowOf("a", version, { ...said("a.changed", "r"), at: now + version }))
        const { events, isCut } = yield* traceOf(index, "r")
        assert.deepStrictEqual([events.length, isCut], [traceEventsMax, true])
      })
    )
  )
})
