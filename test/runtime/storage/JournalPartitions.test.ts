import { PgClient } from "@effect/sql-pg"
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { dropPartitions, makePartitions } from "../../../src/runtime/storage/JournalPartitions.ts"
import { migrate } from "../../../src/runtime/storage/Migrations.ts"
import { Postgres } from "../../support/Postgres.ts"

layer(Postgres.layer(), { timeout: "60 seconds", excludeTestServices: true })("journal partitions", (it) => {
  const fresh = <A, E>(effect: Effect.Effect<A, E, PgClient.PgClient>) =>
    Effect.provide(Effect.andThen(migrate(), effect), Postgres.client())

  const days = Effect.gen(function* () {
    const sql = yield* PgClient.PgClient
    const rows = yield* sql<{ readonly name: string }>`select inhrelid::regclass::text as name from pg_inherits
      where inhparent = 'journal'::regclass order by 1`
    return rows.map(({ name }) => name)
  })

  /** A day long gone with one row in it. */
  const oldDay = Effect.gen(function* () {
    const sql = yield* PgClient.PgClient
    yield* sql`create table journal_20200101 partition of journal for values from ('2020-01-01 00:00+00') to ('2020-01-02 00:00+00')`
    yield* sql`insert into journal (time, kind, id, version, at, body) values ('2020-01-01 12:00+00', 'device', 'old', 1, 1, ''::bytea)`
  })

  it.effect("makes yesterday, today and a week ahead, and the second time nothing", () =>
    fresh(
      Effect.gen(function* () {
        const sql = yield* PgClient.PgClient
        const made = yield* makePartitions
        assert.strictEqual(made.length, 9)
        assert.deepStrictEqual(yield* makePartitions, [])
        const bounds = yield* sql`select 1 where
          to_char(now() at time zone 'UTC' - interval '1 day', 'YYYY-MM-DD') = ${made[0]}
          and to_char(now() at time zone 'UTC' + interval '7 days', 'YYYY-MM-DD') = ${made[8]}`
        assert.strictEqual(bounds.length, 1)
        yield* sql`insert into journal (kind, id, version, at, body) values ('device', 'a', 1, 1, ''::bytea)`
        yield* sql`insert into journal (time, kind, id, version, at, body) values (now() + interval '7 days', 'device', 'a', 2, 1, ''::bytea)`
        const rows = yield* sql<{ readonly position: number }>`select position::float8 from journal order by position`
        assert.deepStrictEqual(rows, [{ position: 1 }, { position: 2 }])
      })
    )
  )

  it.effect("makes them once when nodes start together", () =>
    fresh(
      Effect.gen(function* () {
        const made = yield* Effect.all([makePartitions, makePartitions, makePartitions], { concurrency: "unbounded" })
        assert.strictEqual(made.flat().length, 9)
      })
    )
  )

  it.effect("drops the days that are old enough and no other", () =>
    fresh(
      Effect.gen(function* () {
        yield* makePartitions
        const before = yield* days
        yield* oldDay
        assert.deepStrictEqual(yield* dropPartitions(30), ["2020-01-01"])
        assert.deepStrictEqual(yield* days, before)
        assert.deepStrictEqual(yield* dropPartitions(30), [])
      })
    )
  )

  it.effect("waits for nobody who holds the journal, and drops the day later", () =>
    fresh(
      Effect.gen(function* () {
        const sql = yield* PgClient.PgClient
        yield* makePartitions
        yield* oldDay
        const reader = Effect.gen(function* () {
          const connection = yield* sql.reserve
          yield* connection.executeUnprepared("begin isolation level repeatable read", [], undefined)
          yield* connection.executeUnprepared("select count(*) from journal", [], undefined)
          const refusal = yield* Effect.flip(dropPartitions(30))
          yield* connection.executeUnprepared("commit", [], undefined)
          return refusal
        })
        const refusal = yield* Effect.scoped(reader)
        assert.strictEqual(refusal.reason._tag, "LockTimeoutError")
        assert.deepStrictEqual(yield* dropPartitions(30), ["2020-01-01"])
        assert.isFalse((yield* days).includes("journal_20200101"))
      })
    )
  )
})
