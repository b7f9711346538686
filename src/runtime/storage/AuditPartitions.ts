/** Months of audit records: made ahead, and taken out of the table when they are old. The chain goes on without them. */
import { PgClient, PgConnection } from "@effect/sql-pg"
import { Effect, Schedule } from "effect"
import type { SqlError } from "effect/sql/SqlError"
import { auditDays } from "../../systems/audit/Retention.ts"

const advisoryLock = 7_455_971
const lockTimeout = "2s"
/** Months ahead: a record of a time without a partition cannot be chained. */
const monthsAhead = 2

interface Month {
  readonly name: string
  readonly from: string
  readonly to: string
}

/** Makes the months of now and the next ones, and the one before. Answers the names of those that were missing. */
export const makeAuditPartitions: Effect.Effect<ReadonlyArray<string>, SqlError, PgClient.PgClient> = Effect.gen(
  function* () {
    const sql = yield* PgClient.PgClient
    return yield* sql.withTransaction(
      Effect.gen(function* () {
        yield* sql`select pg_advisory_xact_lock(${advisoryLock})`
        yield* sql`select set_config('lock_timeout', ${lockTimeout}, true)`
        const missing = yield* sql<Month>`
          select 'audit_events_' || to_char(month, 'YYYYMM') as name, month::text as from, (month + interval '1 month')::text as to
          from generate_series(date_trunc('month', now() at time zone 'UTC') - interval '1 month',
            date_trunc('month', now() at time zone 'UTC') + ${monthsAhead} * interval '1 month', interval '1 month') as month
          where to_regclass('audit_events_' || to_char(month, 'YYYYMM')) is null`
        for (const { name, from, to } of missing)
          yield* sql.unsafe(
            `create table ${name} partition of audit_events for values from ('${from}+00') to ('${to}+00')`
          )
        return missing.map(({ name }) => name)
      })
    )
  }
)

/**
 * Takes months that ended long enough ago out of the table: `audit_events_202611` then stands as a table of its own, to be
 * copied and dropped. The heads of their segments stay. Answers their names; none when another node is at it.
 */
export const archiveAuditPartitions = (
  days = auditDays
): Effect.Effect<ReadonlyArray<string>, SqlError, PgClient.PgClient> =>
  Effect.scoped(
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      // `detach … concurrently` runs in no transaction, so it gets a connection and not a place in a pool.
      const connection = yield* PgConnection.make({
        ...sql.config,
        startupParameters: { ...sql.config.startupParameters, lock_timeout: lockTimeout }
      })
      const run = (text: string, parameters: ReadonlyArray<unknown> = []) =>
        connection.queryValues(text, parameters, false)
      const [isOurs] = yield* run("select pg_try_advisory_lock($1)", [advisoryLock])
      if (isOurs?.[0] !== true) return []
      const old = yield* sql<{ readonly name: string; readonly isPending: boolean }>`
        select c.relname as name, i.inhdetachpending as "isPending"
        from pg_inherits i join pg_class c on c.oid = i.inhrelid
        where i.inhparent = 'audit_events'::regclass and c.relname ~ '^audit_events_[0-9]{6}$'
          and to_date(right(c.relname, 6), 'YYYYMM') + interval '1 month' < now() at time zone 'UTC' - ${days} * interval '1 day'
        order by c.relname`
      const archived: Array<string> = []
      for (const { name, isPending } of old) {
        // The head of a segment says how old its records are: one that was sealed long after them keeps them here.
        const [young] = yield* sql.unsafe(
          `select 1 from (select vsm_id, max(seq) as seq from ${name} group by vsm_id) e
            left join audit_segments s on s.vsm_id = e.vsm_id and e.seq between s.first_seq and s.last_seq
            where s.hlc_ms is null or s.hlc_ms >= (extract(epoch from now()) * 1000)::bigint - $1::bigint limit 1`,
          [days * 86_400_000]
        )
        if (young !== undefined) break
        yield* run(`alter table audit_events detach partition ${name} ${isPending ? "finalize" : "concurrently"}`)
        archived.push(name)
      }
      return archived
    })
  )

/** Keeps the months in order for as long as it runs: at once, then every hour. A failure is logged and tried again. */
export const keepAuditPartitions: Effect.Effect<void, never, PgClient.PgClient> = Effect.andThen(
  makeAuditPartitions,
  archiveAuditPartitions()
).pipe(
  Effect.catchTag("SqlError", (error) => Effect.logWarning("the months of the audit are not in order", error)),
  Effect.repeat(Schedule.spaced("1 hour")),
  Effect.asVoid
)
