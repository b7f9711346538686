import { PgClient } from "@effect/sql-pg"
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { dropPartitions, makePartitions, makePartitionsAhead } from "../../../src/runtime/storage/JournalPartitions.ts"
import { migrate } from "../../../src/runtime/storage/Migrations.ts"
import { Postgres } from "../../support/Postgres.ts"

layer(Postgres.layer(), { timeout: "60 seconds", excludeTestServices: true })("journal partitions", (it) => {
  const fresh = <A, E>(effect: Effect.Effect<A, E, PgClient.PgClient>) =>
    Effect.provide(Effect.andThen(migrate(), effect), Postgres.client())

  const names = Effect.gen(function* () {
    const sql = yield* PgClient.PgClient
    const rows = yield* sql<{ readonly name: string }>`
      select relid::regclass::text as name from pg_partition_tree('journal') where isleaf order by 1`
    return rows.map(({ name }) => name)
  })

  const put = (lasting: boolean, time: string, size = 1) =>
    Effect.flatMap(
      PgClient.PgClient,
      (sql) => sql`insert into journal (lasting, time, kind, id, version, at, body)
        values (${lasting}, now() + ${time}::interval, 'device', 'a', 1, 1, ${new Uint8Array(size)})`
    )

  /** A partition of long ago with one row in it. */
  const old = (parent: "journal_events" | "journal_samples") =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const name = `${parent}_2020010100`
      yield* sql.unsafe(
        `create table ${name} partition of ${parent} for values from ('2020-01-01 00:00+00') to ('2020-01-01 06:00+00')`
      )
      yield* sql`insert into journal (lasting, time, kind, id, version, at, body)
        values (${parent === "journal_events"}, '2020-01-01 01:00+00', 'device', 'old', 1, 1, ''::bytea)`
      return name
    })

  it.effect("makes the one before, that of now and a week ahead, and the second time nothing", () =>
    fresh(
      Effect.gen(function* () {
        const sql = yield* PgClient.PgClient
        const atStart = yield* makePartitions
        assert.strictEqual(atStart.length, 3 + 6 + 3 + 3)
        const made = yield* makePartitionsAhead
        assert.strictEqual(made.length, 6 + 24 + 6 + 6)
        assert.deepStrictEqual(yield* makePartitionsAhead, [])
        for (const time of ["-1 day", "0", "7 days"]) yield* put(true, time)
        for (const time of ["-6 hours", "0", "7 days"]) yield* put(false, time)
        assert.isDefined(yield* Effect.flip(put(true, "9 days")))
        const rows = yield* sql<{ readonly position: number }>`select position::float8 from journal order by position`
        assert.deepStrictEqual(
          rows.map(({ position }) => position),
          [1, 2, 3, 4, 5, 6]
        )
      })
    )
  )

  it.effect("makes them once when nodes start together", () =>
    fresh(
      Effect.gen(function* () {
        const made = yield* Effect.all([makePartitionsAhead, makePartitionsAhead, makePartitionsAhead], {
          concurrency: "unbounded"
        })
        assert.strictEqual(made.flat().length, 12 + 36 + 9)
      })
    )
  )

  it.effect("drops what is old enough and nothing else", () =>
    fresh(
      Effect.gen(function* () {
        yield* makePartitionsAhead
        const before = yield* names
        const aged = [yield* old("journal_events"), yield* old("journal_samples")]
        assert.deepStrictEqual(yield* dropPartitions({ eventDays: 30 }), aged)
        assert.deepStrictEqual(yield* names, before)
        assert.deepStrictEqual(yield* dropPartitions({ eventDays: 30 }), [])
        assert.strictEqual((yield* dropPartitions({ eventDays: 30, sampleHours: 0 })).length, 1)
        // Of the samples, those of now stay, and all events do.
        yield* put(false, "0")
        yield* put(true, "-1 day")
        assert.isDefined(yield* Effect.flip(put(false, "-6 hours")))
      })
    )
  )

  it.effect("drops the oldest samples when they take too much, but never those of now", () =>
    fresh(
      Effect.gen(function* () {
        const sql = yield* PgClient.PgClient
        yield* makePartitionsAhead
        yield* put(false, "-6 hours", 2 ** 20)
        const full = yield* sql<{ readonly bytes: number }>`
          select sum(pg_total_relation_size(relid))::float8 as bytes from pg_partition_tree('journal_samples')`
        const bytes = full[0]?.bytes ?? 0
        assert.deepStrictEqual(yield* dropPartitions({ eventDays: 30, sampleBytesMax: bytes }), [])
        const dropped = yield* dropPartitions({ eventDays: 30, sampleBytesMax: bytes - 1 })
        assert.strictEqual(dropped.length, 1)
        yield* dropPartitions({ eventDays: 30, sampleBytesMax: 0 })
        yield* put(false, "0")
      })
    )
  )

  it.effect("waits for nobody who holds the journal, and drops it later", () =>
    fresh(
      Effect.gen(function* () {
        const sql = yield* PgClient.PgClient
        yield* makePartitionsAhead
        const name = yield* old("journal_events")
        const reader = Effect.gen(function* () {
          const connection = yield* sql.reserve
          yield* connection.executeUnprepared("begin isolation level repeatable read", [], undefined)
          yield* connection.executeUnprepared("select count(*) from journal", [], undefined)
          const refusal = yield* Effect.flip(dropPartitions({ eventDays: 30 }))
          yield* connection.executeUnprepared("commit", [], undefined)
          return refusal
        })
        const refusal = yield* Effect.scoped(reader)
        assert.strictEqual(refusal.reason._tag, "LockTimeoutError")
        assert.deepStrictEqual(yield* dropPartitions({ eventDays: 30 }), [name])
        assert.isFalse((yield* names).includes(name))
      })
    )
  )
})
