import { PgClient } from "@effect/sql-pg"
import { assert, layer } from "@effect/vitest"
import { Effect, Fiber, Layer, Stream } from "effect"
import { JournalHint } from "../../../src/events/JournalHint.ts"
import { beginning, type JournalEntry, type JournalPosition, JournalReader } from "../../../src/events/JournalReader.ts"
import { runtimeAsker } from "../../../src/protocol/Asker.ts"
import { encodeEmission, journalBody } from "../../../src/protocol/JournalBody.ts"
import { layerPgJournal } from "../../../src/runtime/storage/PgJournal.ts"
import { Postgres } from "../../support/Postgres.ts"
import { TestDatabase } from "./TestDatabase.ts"

const bodyOf = (seq: number): Uint8Array =>
  journalBody(seq, [
    encodeEmission({
      at: 1000,
      asker: runtimeAsker,
      requestId: "",
      events: [{ type: "twin.changed", data: seq }],
      samples: []
    })
  ])

const put = (id: string, version: number, body: Uint8Array = bodyOf(version)) =>
  Effect.flatMap(
    PgClient.PgClient,
    (sql) =>
      sql`insert into journal (lasting, kind, id, version, at, body) values (true, 'device', ${id}, ${version}, 1000, ${body})`
  )

/** A transaction that has drawn its position and its transaction id and is not yet committed. */
const heldOpen = (id: string, version: number) =>
  Effect.gen(function* () {
    const sql = yield* PgClient.PgClient
    const connection = yield* sql.reserve
    const step = (text: string, parameters: ReadonlyArray<unknown> = []) =>
      connection.executeUnprepared(text, parameters, undefined)
    yield* step("begin")
    yield* step(
      "insert into journal (lasting, kind, id, version, at, body) values (true, 'device', $1, $2, 1000, $3)",
      [id, version, bodyOf(version)]
    )
    return step("commit")
  })

const versionsOf = (entries: ReadonlyArray<JournalEntry>) => entries.map(({ version }) => version)

const isAfter = (a: JournalPosition, b: JournalPosition): boolean =>
  a.transaction > b.transaction || (a.transaction === b.transaction && a.position > b.position)

layer(Postgres.layer(), { timeout: "60 seconds", excludeTestServices: true })("PgJournal", (it) => {
  const fresh = <A, E>(
    effect: Effect.Effect<A, E, JournalReader | JournalHint | PgClient.PgClient>
  ): Effect.Effect<A, unknown, Postgres> =>
    Effect.provide(
      effect,
      layerPgJournal.pipe(Layer.provideMerge(JournalHint.layer), Layer.provideMerge(TestDatabase.layer))
    )

  it.effect("keeps the order when transaction ids grow by a digit", () =>
    fresh(
      Effect.gen(function* () {
        const { read } = yield* JournalReader
        const sql = yield* PgClient.PgClient
        const [now] = yield* sql<{ readonly id: number }>`select pg_current_xact_id()::text::float8 as id`
        // A function that writes in its own subtransaction draws one id each: cheap enough for the next power of ten.
        const power = 10 ** Math.ceil(Math.log10((now?.id ?? 1) + 10))
        yield* sql`create table drawn (n integer)`
        const burn = power - (now?.id ?? 1) - 6
        yield* sql.unsafe(`do $$ begin for n in 1..${burn} loop
          begin insert into drawn values (n); exception when others then null; end; end loop; end $$`)
        for (let version = 1; version <= 12; version++) yield* put("a", version)
        const entries = yield* read(beginning, 100)
        const ids = entries.map(({ at }) => String(at.transaction).length)
        assert.isAbove(Math.max(...ids), Math.min(...ids))
        assert.deepStrictEqual(
          versionsOf(entries),
          Array.from({ length: 12 }, (_, index) => index + 1)
        )
      })
    )
  )

  it.effect("reads each commit once, in order, in pages, with what it emitted", () =>
    fresh(
      Effect.gen(function* () {
        const { read } = yield* JournalReader
        for (let version = 1; version <= 5; version++) yield* put("a", version)
        const first = yield* read(beginning, 3)
        const second = yield* read(first.at(-1)?.at ?? beginning, 3)
        assert.deepStrictEqual(
          [versionsOf(first), versionsOf(second)],
          [
            [1, 2, 3],
            [4, 5]
          ]
        )
        assert.deepStrictEqual(yield* read(second.at(-1)?.at ?? beginning, 3), [])
        const [entry] = first
        assert.deepStrictEqual(
          {
            kind: entry?.kind,
            id: entry?.id,
            at: entry?.committedAt,
            type: entry?.records[0]?.type,
            data: entry?.records[0]?.data
          },
          { kind: "device", id: "a", at: 1000, type: "twin.changed", data: 1 }
        )
      })
    )
  )

  it.effect("finds where a time stands, the last commits, and those that hold an event", () =>
    fresh(
      Effect.gen(function* () {
        const { read, since, last, end } = yield* JournalReader
        const sql = yield* PgClient.PgClient
        yield* put("a", 1)
        yield* sql`insert into journal (lasting, kind, id, version, at, body) values (false, 'device', 'a', 2, 1000, ${bodyOf(2)})`
        const [now] = yield* sql<{
          readonly ms: number
        }>`select extract(epoch from clock_timestamp())::float8 * 1000 as ms`
        yield* put("a", 3)
        const after = (position: JournalPosition, part?: "all" | "events") =>
          Effect.map(read(position, 100, part), versionsOf)
        assert.deepStrictEqual(yield* after(beginning, "events"), [1, 3])
        assert.deepStrictEqual(yield* after(yield* since(now?.ms ?? 0)), [3])
        assert.deepStrictEqual(yield* after(yield* since(0)), [1, 2, 3])
        assert.deepStrictEqual(yield* after(yield* last(2)), [2, 3])
        assert.deepStrictEqual(yield* after(yield* last(2, "events"), "events"), [1, 3])
        assert.deepStrictEqual(yield* after(yield* last(100)), [1, 2, 3])
        assert.deepStrictEqual(yield* after(yield* since((now?.ms ?? 0) + 3_600_000)), [])
        assert.deepStrictEqual(yield* after(yield* end), [])
      })
    )
  )

  it.effect("loses no commit that ends late, which a reader by position alone would", () =>
    fresh(
      Effect.gen(function* () {
        const sql = yield* PgClient.PgClient
        const { read } = yield* JournalReader
        const byPosition = (after: number) =>
          sql<{ readonly position: number; readonly version: number }>`
            select position::float8, version::float8 from journal where position > ${after} order by position`
        yield* Effect.scoped(
          Effect.gen(function* () {
            const commit = yield* heldOpen("slow", 1)
            yield* put("quick", 2)
            const naive = yield* byPosition(0)
            const early = yield* read(beginning, 10)
            yield* commit
            const naiveAfter = yield* byPosition(naive.at(-1)?.position ?? 0)
            const after = yield* read(early.at(-1)?.at ?? beginning, 10)
            assert.deepStrictEqual(
              [...naive, ...naiveAfter].map(({ version }) => version),
              [2]
            )
            assert.deepStrictEqual(versionsOf([...early, ...after]), [1, 2])
          })
        )
      })
    )
  )

  it.effect("does not pass a transaction that began first and wrote last", () =>
    fresh(
      Effect.gen(function* () {
        const { read } = yield* JournalReader
        yield* Effect.scoped(
          Effect.gen(function* () {
            const sql = yield* PgClient.PgClient
            const first = yield* sql.reserve
            const step = (text: string, parameters: ReadonlyArray<unknown> = []) =>
              first.executeUnprepared(text, parameters, undefined)
            yield* step("begin")
            yield* step("select pg_current_xact_id()")
            yield* put("second", 2)
            yield* step(
              "insert into journal (lasting, kind, id, version, at, body) values (true, 'device', 'first', 1, 1000, $1)",
              [bodyOf(1)]
            )
            yield* step("commit")
          })
        )
        const one = yield* read(beginning, 1)
        const rest = yield* read(one.at(-1)?.at ?? beginning, 10)
        assert.deepStrictEqual(versionsOf([...one, ...rest]), [1, 2])
      })
    )
  )

  it.effect("gives one order to two writers, whenever it looks", () =>
    fresh(
      Effect.gen(function* () {
        const { read } = yield* JournalReader
        const writer = (id: string) =>
          Effect.forEach(
            Array.from({ length: 50 }, (_, index) => index + 1),
            (version) => put(id, version),
            { discard: true }
          )
        const writers = yield* Effect.forkChild(Effect.all([writer("a"), writer("b")], { concurrency: 2 }))
        const seen: Array<JournalEntry> = []
        while (seen.length < 100) seen.push(...(yield* read(seen.at(-1)?.at ?? beginning, 7)))
        yield* Fiber.join(writers)
        assert.deepStrictEqual(seen, [...(yield* read(beginning, 1000))])
        for (const id of ["a", "b"])
          assert.deepStrictEqual(
            versionsOf(seen.filter((entry) => entry.id === id)),
            Array.from({ length: 50 }, (_, index) => index + 1)
          )
        for (const [index, entry] of seen.entries())
          if (index > 0) assert.isTrue(isAfter(entry.at, seen[index - 1]?.at ?? beginning))
      })
    )
  )

  it.effect("follows from now on without what was before, and misses no commit that was under way", () =>
    fresh(
      Effect.gen(function* () {
        const reader = yield* JournalReader
        const hint = yield* JournalHint
        yield* put("old", 1)
        yield* Effect.scoped(
          Effect.gen(function* () {
            const commit = yield* heldOpen("under way", 2)
            const from = yield* reader.end
            const following = yield* Effect.forkChild(reader.follow(from).pipe(Stream.take(2), Stream.runCollect))
            yield* put("new", 3)
            yield* commit
            hint.journalled()
            assert.deepStrictEqual(versionsOf(yield* Fiber.join(following)), [2, 3])
          })
        )
      })
    )
  )

  it.effect("passes a row it cannot read on as such, and reads the next", () =>
    fresh(
      Effect.gen(function* () {
        const { read } = yield* JournalReader
        yield* put("a", 1, new Uint8Array([0xff]))
        yield* put("a", 2)
        const [bad, good] = yield* read(beginning, 10)
        assert.deepStrictEqual([bad?.version, bad?.records.length, typeof bad?.unreadable], [1, 0, "string"])
        assert.deepStrictEqual([good?.version, good?.records.length, good?.unreadable], [2, 1, undefined])
      })
    )
  )
})
