/** Days of the journal: made a week ahead, dropped when they are old enough. */
import { PgClient, PgConnection } from "@effect/sql-pg"
import { Effect, Schedule } from "effect"
import type { SqlError } from "effect/sql/SqlError"

/** A commit into a day without a partition fails, so a node has a week to notice that it cannot make one. */
const daysAhead = 7

/** Others may hold a lock on the journal for long (a dump); work on partitions gives up then and tries again later. */
const lockTimeout = "2s"

const advisoryLock = 7_455_967

const nameOf = (day: string): string => `journal_${day.replaceAll("-", "")}`

/** The day of a partition's name; `undefined` for a table of another name. */
const dayOf = (name: string): string | undefined => {
  const [, year, month, day] = /^journal_(\d{4})(\d{2})(\d{2})$/.exec(name) ?? []
  return year === undefined || month === undefined || day === undefined ? undefined : `${year}-${month}-${day}`
}

const partitions = Effect.gen(function* () {
  const sql = yield* PgClient.PgClient
  const rows = yield* sql<{ readonly name: string; readonly pending: boolean }>`
    select c.relname as name, i.inhdetachpending as pending
    from pg_inherits i join pg_class c on c.oid = i.inhrelid
    where i.inhparent = 'journal'::regclass order by c.relname`
  return rows.flatMap(({ name, pending }) => {
    const day = dayOf(name)
    return day === undefined ? [] : [{ name, day, pending }]
  })
})

/** Makes the partitions of yesterday (clocks of a failed-over database may step back), today and the week ahead, in UTC. */
export const makePartitions: Effect.Effect<ReadonlyArray<string>, SqlError, PgClient.PgClient> = Effect.gen(
  function* () {
    const sql = yield* PgClient.PgClient
    return yield* sql.withTransaction(
      Effect.gen(function* () {
        yield* sql`select pg_advisory_xact_lock(${advisoryLock})`
        yield* sql`select set_config('lock_timeout', ${lockTimeout}, true)`
        const present = new Set((yield* partitions).map(({ day }) => day))
        const wanted = yield* sql<{ readonly day: string; readonly next: string }>`
        select to_char(d, 'YYYY-MM-DD') as day, to_char(d + interval '1 day', 'YYYY-MM-DD') as next
        from generate_series(
          date_trunc('day', now() at time zone 'UTC') - interval '1 day',
          date_trunc('day', now() at time zone 'UTC') + ${daysAhead} * interval '1 day', interval '1 day') as d`
        const missing = wanted.filter(({ day }) => !present.has(day))
        for (const { day, next } of missing) {
          // Made beside and then attached: `create table … partition of` would lock commits out.
          const name = nameOf(day)
          yield* sql.unsafe(`create table ${name} (like journal including defaults including indexes)`)
          yield* sql.unsafe(
            `alter table journal attach partition ${name} for values from ('${day} 00:00+00') to ('${next} 00:00+00')`
          )
        }
        return missing.map(({ day }) => day)
      })
    )
  }
)

/**
 * Drops the days whose last instant is more than `days` ago: their events are gone for good. Readers and commits go on
 * meanwhile. Answers the days dropped; none when another node is at it.
 */
export const dropPartitions = (days: number): Effect.Effect<ReadonlyArray<string>, SqlError, PgClient.PgClient> =>
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
      const [oldest] = yield* run("select to_char(now() at time zone 'UTC' - $1 * interval '1 day', 'YYYY-MM-DD')", [
        days
      ])
      const bound = String(oldest?.[0])
      const dropped: Array<string> = []
      for (const { name, day, pending } of yield* partitions) {
        if (day >= bound) continue
        // A detach that was cut short is only to be finished.
        yield* run(`alter table journal detach partition ${name} ${pending ? "finalize" : "concurrently"}`)
        yield* run(`drop table ${name}`)
        dropped.push(day)
      }
      return dropped
    })
  )

/** Keeps the partitions in order for as long as it runs: at once, then every hour. A failure is logged and tried again. */
export const keepPartitions = (days: number): Effect.Effect<void, never, PgClient.PgClient> =>
  Effect.andThen(makePartitions, dropPartitions(days)).pipe(
    Effect.catchTag("SqlError", (error) => Effect.logWarning("the partitions of the journal are not in order", error)),
    Effect.repeat(Schedule.spaced("1 hour")),
    Effect.asVoid
  )
