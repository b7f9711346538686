import { PgClient } from "@effect/sql-pg"
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { type Migration, migrate, migrations, SchemaTooNew } from "../../../src/runtime/storage/Migrations.ts"
import { Postgres } from "../../support/Postgres.ts"

const names = migrations.map(({ name }) => name)
const known = migrations.at(-1)?.number ?? 0
const later: Migration = {
  number: known + 1,
  name: "later",
  statements: ["create table later (n integer)"]
}

layer(Postgres.layer(), { timeout: "60 seconds", excludeTestServices: true })("migrate", (it) => {
  const fresh = <A, E>(effect: Effect.Effect<A, E, PgClient.PgClient>) => Effect.provide(effect, Postgres.client())

  it.effect("applies each step once, in order", () =>
    fresh(
      Effect.gen(function* () {
        assert.deepStrictEqual(yield* migrate(), names)
        assert.deepStrictEqual(yield* migrate(), [])
        assert.deepStrictEqual(yield* migrate([...migrations, later]), ["later"])
      })
    )
  )

  it.effect("lets three nodes start at once", () =>
    fresh(
      Effect.gen(function* () {
        const applied = yield* Effect.all([migrate(), migrate(), migrate()], { concurrency: "unbounded" })
        assert.deepStrictEqual(applied.flat(), names)
      })
    )
  )

  it.effect("refuses a database that a newer node has migrated", () =>
    fresh(
      Effect.gen(function* () {
        yield* migrate([...migrations, later])
        const refusal = yield* Effect.flip(migrate())
        assert.deepStrictEqual(refusal, new SchemaTooNew({ found: later.number, known }))
        assert.include(refusal.message, "the database was migrated by a newer release")
      })
    )
  )

  it.effect("leaves nothing of a step that fails", () =>
    fresh(
      Effect.gen(function* () {
        const sql = yield* PgClient.PgClient
        const broken: Migration = { ...later, statements: [...later.statements, "create table later (n integer)"] }
        yield* Effect.flip(migrate([...migrations, broken]))
        const tables = yield* sql<{ readonly later: unknown; readonly actor: unknown }>`
          select to_regclass('later')::text as later, to_regclass('actor')::text as actor`
        assert.deepStrictEqual(tables, [{ later: null, actor: null }])
        assert.deepStrictEqual(yield* migrate(), names)
      })
    )
  )

  it("numbers its steps from one on, without a gap", () => {
    assert.deepStrictEqual(
      migrations.map(({ number }) => number),
      migrations.map((_, index) => index + 1)
    )
  })
})
