/** Partitions of the journal, of the index of its chains and of what its samples are summed up in: made days ahead, dropped when they are old enough or too many. */
import { PgClient, PgConnection } from "@effect/sql-pg"
import { Effect, Schedule } from "effect"
import type { SqlError } from "effect/sql/SqlError"

/** A commit into a time without a partition fails, so a node has a week to notice that it cannot make one. */
const daysAhead = 7
/** What a node waits for at its start, in a new database: most of the week is made behind its back. */
const daysAheadAtStart = 1

/** Others may hold a lock on the journal for long (a dump); work on partitions gives up then and tries again later. */
const lockTimeout = "2s"

const advisoryLock = 7_455_967

interface Family {
  readonly parent: "journal_events" | "journal_samples" | "journal_chain" | "sample_minute"
  /** Table that partitions are like. */
  readonly like: "journal" | "journal_chain" | "sample_minute"
  /** Length of one partition; it divides a day. */
  readonly hours: number
}

const events: Family = { parent: "journal_events", like: "journal", hours: 24 }
const samples: Family = { parent: "journal_samples", like: "journal", hours: 6 }
const chains: Family = { parent: "journal_chain", like: "journal_chain", hours: 24 }
const minutes: Family = { parent: "sample_minute", like: "sample_minute", hours: 24 }

/** How long the journal is kept. What is dropped is gone for good. */
export interface Retention {
  /** Days for which commits with events, and the sums of samples, are kept. */
  readonly eventDays: number
  /** Hours for which commits with nothing but samples are kept; a day when absent. */
  readonly sampleHours?: number
  /** The oldest of them go earlier when all take more than this, the partition in use left out; 10 GiB when absent. */
  readonly sampleBytesMax?: number
}

const sampleHours = 24
const sampleBytesMax = 10 * 2 ** 30

/** Name of a partition's begin, in UTC; names sort by time. */
const stamp = "YYYYMMDDHH24"

interface Partition {
  readonly name: string
  readonly begin: string
  readonly pending: boolean
  readonly bytes: number
}

const partitionsOf = (family: Family): Effect.Effect<ReadonlyArray<Partition>, SqlError, PgClient.PgClient> =>
  Effect.flatMap(
    PgClient.PgClient,
    (sql) => sql<Partition>`
      select c.relname as name, right(c.relname, 10) as begin, i.inhdetachpending as pending,
        pg_total_relation_size(c.oid)::float8 as bytes
      from pg_inherits i join pg_class c on c.oid = i.inhrelid
      where i.inhparent = ${family.parent}::regclass and c.relname ~ ${`^${family.parent}_[0-9]{10}$`}
      order by c.relname`
  )

const makeFamily = Effect.fnUntraced(function* (family: Family, daysAhead: number) {
  const sql = yield* PgClient.PgClient
  const present = new Set((yield* partitionsOf(family)).map(({ begin }) => begin))
  const wanted = yield* sql<{ readonly begin: string; readonly from: string; readonly to: string }>`
    select to_char(t, ${stamp}) as begin, t::text as from, (t + ${family.hours} * interval '1 hour')::text as to
    from generate_series(
      date_bin(${family.hours} * interval '1 hour', now() at time zone 'UTC', timestamp '2000-01-01')
        - ${family.hours} * interval '1 hour',
      now() at time zone 'UTC' + ${daysAhead} * interval '1 day',
      ${family.hours} * interval '1 hour') as t`
  const missing = wanted.filter(({ begin }) => !present.has(begin))
  for (const { begin, from, to } of missing) {
    // Made beside and then attached: `create table … partition of` would lock commits out.
    const name = `${family.parent}_${begin}`
    yield* sql.unsafe(`create table ${name} (like ${family.like} including defaults including indexes)`)
    yield* sql.unsafe(
      `alter table ${family.parent} attach partition ${name} for values from ('${from}+00') to ('${to}+00')`
    )
  }
  return missing.map(({ begin }) => `${family.parent}_${begin}`)
})

const make = (daysAhead: number): Effect.Effect<ReadonlyArray<string>, SqlError, PgClient.PgClient> =>
  Effect.gen(function* () {
    const sql = yield* PgClient.PgClient
    return yield* sql.withTransaction(
      Effect.gen(function* () {
        yield* sql`select pg_advisory_xact_lock(${advisoryLock})`
        yield* sql`select set_config('lock_timeout', ${lockTimeout}, true)`
        const made = []
        for (const family of [events, samples, chains, minutes]) made.push(...(yield* makeFamily(family, daysAhead)))
        return made
      })
    )
  })

/**
 * Makes the partitions of now, of the day ahead, and the one before (the clock of another database server may be
 * behind), in UTC. Nothing can be journalled before. Answers the names of those that were missing.
 */
export const makePartitions = make(daysAheadAtStart)

/** As {@link makePartitions}, for the week ahead. */
export const makePartitionsAhead = make(daysAhead)

/** The days that have a partition for minutes, as `20261121`. */
export const minuteDays: Effect.Effect<ReadonlySet<string>, SqlError, PgClient.PgClient> = Effect.map(
  partitionsOf(minutes),
  (partitions) => new Set(partitions.filter(({ pending }) => !pending).map(({ begin }) => begin.slice(0, 8)))
)

/** Begin of the youngest partition of a family that has ended `hours` ago. */
const boundOf = (family: Family, hours: number) =>
  Effect.gen(function* () {
    const sql = yield* PgClient.PgClient
    const rows = yield* sql<{ readonly bound: string }>`
      select to_char(now() at time zone 'UTC' - ${hours + family.hours} * interval '1 hour', ${stamp}) as bound`
    return rows[0]?.bound ?? ""
  })

const expiredOf = Effect.fnUntraced(function* (family: Family, hours: number, bytesMax: number) {
  const partitions = yield* partitionsOf(family)
  const bound = yield* boundOf(family, hours)
  const ended = yield* boundOf(family, 0)
  let bytes = 0
  for (const partition of partitions) bytes += partition.bytes
  const expired: Array<Partition> = []
  for (const partition of partitions) {
    const isOver = bytes > bytesMax && partition.begin <= ended
    if (partition.begin > bound && !isOver) break
    expired.push(partition)
    bytes -= partition.bytes
  }
  return expired.map((partition) => ({ ...partition, parent: family.parent }))
})

/**
 * Drops what need not be kept. Readers and commits go on meanwhile. Answers the names of what was dropped; none when
 * another node is at it.
 */
export const dropPartitions = (
  retention: Retention
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
      const expired = [
        ...(yield* expiredOf(events, retention.eventDays * 24, Number.POSITIVE_INFINITY)),
        ...(yield* expiredOf(chains, retention.eventDays * 24, Number.POSITIVE_INFINITY)),
        ...(yield* expiredOf(minutes, retention.eventDays * 24, Number.POSITIVE_INFINITY)),
        ...(yield* expiredOf(samples, retention.sampleHours ?? sampleHours, retention.sampleBytesMax ?? sampleBytesMax))
      ]
      for (const { parent, name, pending } of expired) {
        // A detach that was cut short is only to be finished.
        yield* run(`alter table ${parent} detach partition ${name} ${pending ? "finalize" : "concurrently"}`)
        yield* run(`drop table ${name}`)
      }
      return expired.map(({ name }) => name)
    })
  )

/** Keeps the partitions in order for as long as it runs: at once, then every hour. A failure is logged and tried again. */
export const keepPartitions = (retention: Retention): Effect.Effect<void, never, PgClient.PgClient> =>
  Effect.andThen(makePartitionsAhead, dropPartitions(retention)).pipe(
    Effect.catchTag("SqlError", (error) => Effect.logWarning("the partitions of the journal are not in order", error)),
    Effect.repeat(Schedule.spaced("1 hour")),
    Effect.asVoid
  )
