import { PgClient } from "@effect/sql-pg"
import { assert, layer } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { Postgres } from "./Postgres.ts"

layer(Postgres.layer(), { timeout: "30 seconds" })("Postgres", (it) => {
  const ask = Effect.gen(function* () {
    const sql = yield* PgClient.PgClient
    return yield* sql<{ readonly name: string; readonly fsync: string }>`
      select current_database() as name, current_setting('fsync') as fsync`
  })

  it.effect("gives each client a database of its own, durable", () =>
    Effect.gen(function* () {
      const rows = yield* Effect.all([
        ask.pipe(Effect.provide(Postgres.client())),
        ask.pipe(Effect.provide(Postgres.client()))
      ])
      assert.deepStrictEqual(rows.flat(), [
        { name: "test_1", fsync: "on" },
        { name: "test_2", fsync: "on" }
      ])
    })
  )

  it.effect("answers nothing while it is frozen and goes on after", () =>
    Effect.gen(function* () {
      const server = yield* Postgres
      const order: Array<string> = []
      yield* Effect.gen(function* () {
        const sql = yield* PgClient.PgClient
        yield* sql`select 1`
        server.freeze()
        const answer = yield* Effect.forkChild(
          Effect.andThen(
            sql`select 1`,
            Effect.sync(() => order.push("answer"))
          ),
          { startImmediately: true }
        )
        // A round trip through the kernel to somewhere else: the frozen server had its chance.
        yield* Effect.promise(() => fetch("http://127.0.0.1:1/").catch(() => undefined))
        order.push("thaw")
        server.thaw()
        yield* Fiber.join(answer)
      }).pipe(Effect.provide(Postgres.client()))
      assert.deepStrictEqual(order, ["thaw", "answer"])
    })
  )
})
