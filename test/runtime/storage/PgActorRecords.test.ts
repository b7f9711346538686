import { PgClient } from "@effect/sql-pg"
import { assert, layer } from "@effect/vitest"
import { Effect, Layer, Option } from "effect"
import { ActorRecords } from "../../../src/actors/ActorRecords.ts"
import { layerPgActorRecords } from "../../../src/runtime/storage/PgActorRecords.ts"
import { Postgres } from "../../support/Postgres.ts"
import { TestDatabase } from "./TestDatabase.ts"

layer(Postgres.layer(), { timeout: "60 seconds", excludeTestServices: true })("PgActorRecords", (it) => {
  const fresh = <A, E>(
    effect: Effect.Effect<A, E, ActorRecords | PgClient.PgClient>
  ): Effect.Effect<A, unknown, Postgres> =>
    Effect.provide(effect, layerPgActorRecords.pipe(Layer.provideMerge(TestDatabase.layer)))

  const stored = (...ids: ReadonlyArray<string>) =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      for (const id of ids)
        yield* sql`insert into actor (kind, id, shard, version, owner, format, wake_at, takeover, head)
          values ('device', ${id}, 3, 7, 'node-a', 2, 1790000000123, true, '\x01'::bytea)`
    })
  const device = (id: string) => ({ kind: "device", id })

  it.effect("reads an actor with its parts and leaves its version alone", () =>
    fresh(
      Effect.gen(function* () {
        const records = yield* ActorRecords
        const sql = yield* PgClient.PgClient
        yield* stored("a")
        yield* sql`insert into actor_part (kind, id, key, value) values ('device', 'a', 'desired', '\x02'::bytea)`
        const expected = Option.some({
          ...device("a"),
          shard: 3,
          version: 7,
          owner: "node-a",
          format: 2,
          head: new Uint8Array([1]),
          parts: new Map([["desired", new Uint8Array([2])]]),
          wakeAt: 1_790_000_000_123,
          quarantine: undefined
        })
        assert.deepStrictEqual(yield* records.read(device("a")), expected)
        assert.deepStrictEqual(yield* records.read(device("a")), expected)
        assert.deepStrictEqual(yield* records.read(device("b")), Option.none())
      })
    )
  )

  it.effect("pages through a kind by id, bytewise, while actors come", () =>
    fresh(
      Effect.gen(function* () {
        const records = yield* ActorRecords
        yield* stored("b", "B", "a-1", "a", "é", "z")
        const first = yield* records.list("device", { limit: 3 })
        assert.deepStrictEqual(
          first.map(({ id }) => id),
          ["B", "a", "a-1"]
        )
        yield* stored("A", "c")
        const second = yield* records.list("device", { after: "a-1", limit: 10 })
        assert.deepStrictEqual(
          second.map(({ id }) => id),
          ["b", "c", "z", "é"]
        )
        assert.deepStrictEqual(yield* records.list("robot", { limit: 10 }), [])
      })
    )
  )

  it.effect("lists dead letters and marks each retried by one operator only", () =>
    fresh(
      Effect.gen(function* () {
        const records = yield* ActorRecords
        const sql = yield* PgClient.PgClient
        for (const letter of ["q-1", "q-2"])
          yield* sql`insert into dead_letter (kind, id, at, letter, message, payload, cause, trace_id)
            values ('device', 'a', 1790000000123, ${letter}, 'SetDesired', '\x05'::bytea, 'TypeError', 't-1')`
        const [first, second] = yield* records.deadLetters({ limit: 10 })
        assert.deepStrictEqual(first, {
          ...device("a"),
          number: 1,
          at: 1_790_000_000_123,
          letter: "q-1",
          message: "SetDesired",
          payload: new Uint8Array([5]),
          cause: "TypeError",
          traceId: "t-1",
          isRetried: false
        })
        assert.deepStrictEqual(
          yield* records.deadLetters({ after: 1, limit: 10 }),
          second === undefined ? [] : [second]
        )
        assert.deepStrictEqual([yield* records.markRetried(1), yield* records.markRetried(1)], [true, false])
        assert.strictEqual(Option.getOrThrow(yield* records.deadLetter(1)).isRetried, true)
        assert.deepStrictEqual([yield* records.deleteDeadLetter(2), yield* records.deleteDeadLetter(2)], [true, false])
        assert.deepStrictEqual(yield* records.deadLetter(2), Option.none())
      })
    )
  )

  it.effect("lists what is quarantined and releases it once", () =>
    fresh(
      Effect.gen(function* () {
        const records = yield* ActorRecords
        const sql = yield* PgClient.PgClient
        yield* stored("a", "b")
        for (const id of ["b", "a"])
          yield* sql`insert into quarantine (kind, id, shard, since, cause, attempts)
            values ('device', ${id}, 3, 1790000000123, 'TypeError', 5)`
        const entry = { since: 1_790_000_000_123, cause: "TypeError", attempts: 5, told: false }
        const both = [
          { ...device("a"), ...entry },
          { ...device("b"), ...entry }
        ]
        assert.deepStrictEqual(yield* records.quarantined({ limit: 10 }), both)
        assert.deepStrictEqual(yield* records.quarantined({ after: device("a"), limit: 10 }), both.slice(1))
        assert.deepStrictEqual(Option.getOrThrow(yield* records.read(device("a"))).quarantine, entry)
        assert.deepStrictEqual(yield* records.release(device("a")), Option.some(3))
        assert.deepStrictEqual(yield* records.release(device("a")), Option.none())
        assert.strictEqual(Option.getOrThrow(yield* records.read(device("a"))).quarantine, undefined)
        assert.deepStrictEqual(yield* records.quarantined({ limit: 10 }), both.slice(1))
      })
    )
  )

  it.effect("counts what operators watch", () =>
    fresh(
      Effect.gen(function* () {
        const records = yield* ActorRecords
        const sql = yield* PgClient.PgClient
        yield* stored("a", "b")
        yield* sql`analyze actor`
        yield* sql`insert into quarantine (kind, id, shard, since, cause, attempts) values ('device', 'a', 3, 1, 'x', 5)`
        const { eventBytes, sampleBytes, ...counts } = yield* records.counts
        assert.deepStrictEqual(counts, { actors: 2, quarantined: 1, deadLetters: 0 })
        assert.isAbove(eventBytes, 0)
        assert.isAbove(sampleBytes, 0)
      })
    )
  )
})
