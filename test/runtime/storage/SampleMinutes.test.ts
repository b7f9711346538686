import { PgClient } from "@effect/sql-pg"
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { runtimeAsker } from "../../../src/protocol/Asker.ts"
import { encodeEmission, type Fact, journalBody } from "../../../src/protocol/JournalBody.ts"
import { decodeSampleMinute } from "../../../src/protocol/SampleMinute.ts"
import { sumSamples } from "../../../src/runtime/storage/SampleMinutes.ts"
import { Postgres } from "../../support/Postgres.ts"
import { TestDatabase } from "./TestDatabase.ts"

const minute = 60_000

/** Now by the database, at the begin of a minute. */
const thisMinute = Effect.gen(function* () {
  const sql = yield* PgClient.PgClient
  const [row] = yield* sql<{ readonly now: number }>`select (extract(epoch from now()) * 1000)::float8 as now`
  return Math.floor((row?.now ?? 0) / minute) * minute
})

const temperature = (temp: unknown, at?: number): Fact => ({
  type: "board.telemetry",
  data: { temp },
  ...(at !== undefined && { at })
})

/** A journal row of `age` ms ago. */
const put = Effect.fnUntraced(function* (id: string, at: number, age: number, ...samples: ReadonlyArray<Fact>) {
  const sql = yield* PgClient.PgClient
  const events = [{ type: "twin.changed", data: { temp: 1000 } }]
  const body = journalBody(1, [encodeEmission({ at, asker: runtimeAsker, requestId: "", events, samples })])
  yield* sql`insert into journal (lasting, time, kind, id, version, at, body)
    values (true, now() - ${age} * interval '1 millisecond', 'device', ${id}, 1, ${at}, ${body})`
})

interface Stored {
  readonly id: string
  readonly minute: number
  readonly body: Uint8Array
}

/** Minutes as stored: device, minute, and of the temperature count, low, high and mean. */
const stored = Effect.gen(function* () {
  const sql = yield* PgClient.PgClient
  const rows = yield* sql<Stored>`
    select id, (extract(epoch from minute) * 1000)::float8 as minute, body from sample_minute order by id, minute`
  return rows.map(({ id, minute: begin, body }) => {
    const [sum] = decodeSampleMinute(body)
    return sum === undefined ? [id, begin] : [id, begin, sum.count, sum.low, sum.high, sum.total / sum.count]
  })
})

layer(Postgres.layer(), { timeout: "60 seconds", excludeTestServices: true })("sample minutes", (it) => {
  const fresh = <A, E>(effect: Effect.Effect<A, E, PgClient.PgClient | TestDatabase>) =>
    Effect.provide(effect, TestDatabase.layer)

  it.effect("hold the samples of one device and one minute, and no event", () =>
    fresh(
      Effect.gen(function* () {
        const now = yield* thisMinute
        const [before, then] = [now - 3 * minute, now - 2 * minute]
        yield* put("a", before, 3 * minute, temperature(10), temperature(20))
        yield* put("a", before + 1000, 3 * minute, temperature(60))
        yield* put("a", then, 2 * minute, temperature(5))
        yield* put("b", before, 3 * minute, temperature(7), temperature("hot"))
        yield* put("c", before, 3 * minute)
        assert.strictEqual(yield* sumSamples, 5)
        assert.deepStrictEqual(yield* stored, [
          ["a", before, 3, 10, 60, 30],
          ["a", then, 1, 5, 5, 5],
          ["b", before, 1, 7, 7, 7]
        ])
      })
    )
  )

  it.effect("count each sample once, in whatever portions they come", () =>
    fresh(
      Effect.gen(function* () {
        const then = (yield* thisMinute) - 3 * minute
        yield* put("a", then, 3 * minute, temperature(1))
        yield* sumSamples
        yield* put("a", then, 2 * minute, temperature(3))
        assert.strictEqual(yield* sumSamples, 1)
        assert.strictEqual(yield* sumSamples, 0)
        assert.deepStrictEqual(yield* stored, [["a", then, 2, 1, 3, 2]])
        // Nodes of a cluster do it at the same time.
        for (let value = 0; value < 50; value++) yield* put("b", then, 2 * minute, temperature(value))
        yield* Effect.all([sumSamples, sumSamples, sumSamples], { concurrency: "unbounded" })
        assert.deepStrictEqual(yield* stored, [
          ["a", then, 2, 1, 3, 2],
          ["b", then, 50, 0, 49, 24.5]
        ])
      })
    )
  )

  it.effect("wait until their minute is over, and let nothing pass that stands behind a younger one", () =>
    fresh(
      Effect.gen(function* () {
        const now = yield* thisMinute
        yield* put("a", now, 0, temperature(1))
        yield* put("b", now, 3 * minute, temperature(2))
        assert.strictEqual(yield* sumSamples, 0)
        assert.deepStrictEqual(yield* stored, [])
        const sql = yield* PgClient.PgClient
        yield* sql`update journal set time = time - interval '2 minutes' where id = 'a'`
        assert.strictEqual(yield* sumSamples, 2)
      })
    )
  )

  it.effect("take a sample that a board measured long before it reported it, and mistrust a clock that is ahead", () =>
    fresh(
      Effect.gen(function* () {
        const now = yield* thisMinute
        const then = now - 3 * minute
        yield* put("a", then, 3 * minute, temperature(1, then - 10 * minute))
        yield* put("b", then, now - then, temperature(2, now + 3 * 60 * minute))
        yield* put("c", then, now - then, temperature(3, now - 400 * 24 * 60 * minute))
        yield* sumSamples
        const places = (yield* stored).map(([id, begin]) => [id, begin])
        const [arrived] = places.filter(([id]) => id === "c").map(([, begin]) => Number(begin))
        assert.deepStrictEqual(places, [
          ["a", then - 10 * minute],
          ["b", arrived],
          ["c", arrived]
        ])
        assert.isAtMost(Math.abs((arrived ?? 0) - then), minute)
      })
    )
  )

  it.effect("are not held up by a row that nobody can read, nor by a minute that a newer node wrote", () =>
    fresh(
      Effect.gen(function* () {
        const sql = yield* PgClient.PgClient
        const then = (yield* thisMinute) - 3 * minute
        yield* sql`insert into journal (lasting, time, kind, id, version, at, body)
          values (true, now() - interval '3 minutes', 'device', 'a', 1, 1, '\\xff'::bytea)`
        yield* sql`insert into sample_minute (kind, id, minute, body)
          values ('device', 'b', to_timestamp(${then / 1000}::float8), '\\x8102'::bytea)`
        yield* put("b", then, 3 * minute, temperature(1))
        yield* put("c", then, 3 * minute, temperature(1))
        assert.strictEqual(yield* sumSamples, 3)
        const rows = yield* sql<{
          readonly id: string
          readonly body: Uint8Array
        }>`select id, body from sample_minute order by id`
        assert.deepStrictEqual(
          rows.map(({ id, body }) => [id, body.length > 2]),
          [
            ["b", false],
            ["c", true]
          ]
        )
      })
    )
  )
})
