/** What a node wants to know of its database before it trusts it. */

import { PgClient, PgConnection } from "@effect/sql-pg"
import { Effect, Schema } from "effect"
import type { SqlError } from "effect/sql"

/** Between this node and PostgreSQL stands a proxy that lends sessions by the transaction; locks would be lost. Permanent. */
export class PoolingProxy extends Schema.TaggedError<PoolingProxy>()("PoolingProxy", {}) {
  override get message() {
    return "the database url leads to a proxy that pools transactions; give Holon a direct connection or session pooling"
  }
}

/**
 * What an acknowledgement is worth: `fsync` survives a power cut of the database machine, `asynchronous` may lose the
 * last moments in a crash of PostgreSQL, `memory` in a crash of its machine.
 */
export type Durability = "fsync" | "asynchronous" | "memory"

/** Reads it from a session of the pool that commits. */
export const durability: Effect.Effect<Durability, SqlError.SqlError, PgClient.PgClient> = Effect.gen(function* () {
  const sql = yield* PgClient.PgClient
  const rows = yield* sql<{ readonly fsync: string; readonly commit: string }>`
    select current_setting('fsync') as fsync, current_setting('synchronous_commit') as commit`
  if (rows[0]?.fsync !== "on") return "memory"
  return rows[0].commit === "off" ? "asynchronous" : "fsync"
})

const Backends = Schema.Array(Schema.Struct({ pid: Schema.Int, mark: Schema.NullOr(Schema.String) }))
const decodeBackends = Schema.decodeUnknownEffect(Backends)
const markSql = "select pg_backend_pid() as pid, set_config('holon.session', $1, false) as mark"
const readSql = "select pg_backend_pid() as pid, current_setting('holon.session', true) as mark"

/**
 * Fails with {@link PoolingProxy} when a session does not keep its backend. A quiet proxy lends the same backend again
 * and again, so a second connection takes what the first one has just given back and holds it in a transaction.
 */
export const refuseProxy: Effect.Effect<void, SqlError.SqlError | PoolingProxy, PgClient.PgClient> = Effect.scoped(
  Effect.gen(function* () {
    const { config } = yield* PgClient.PgClient
    const first = yield* PgConnection.make({ ...config, multiplex: false, prepare: false })
    const second = yield* PgConnection.make({ ...config, multiplex: false, prepare: false })
    const ask = (connection: PgConnection.PgConnection, query: string, params: ReadonlyArray<unknown> = []) =>
      connection.query(query, params).pipe(
        Effect.flatMap(({ rows }) => Effect.orDie(decodeBackends(rows))),
        Effect.map(([row]) => row)
      )
    const marked = yield* ask(first, markSql, ["first"])
    yield* second.query("begin")
    const other = yield* ask(second, readSql)
    const again = yield* ask(first, readSql).pipe(Effect.timeoutOption("2 seconds"))
    yield* second.query("rollback")
    const kept = again._tag === "Some" && again.value?.pid === marked?.pid && again.value?.mark === "first"
    if (!kept || other?.pid === marked?.pid) return yield* new PoolingProxy()
  })
)
