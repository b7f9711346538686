/**
 * Sums up the samples of the journal per actor and minute, so that they outlive the journal's day. One node of the cluster is
 * at it at a time; the sums and how far it has read are written in one transaction: each sample counts once.
 */
import { PgClient } from "@effect/sql-pg"
import { Effect, Schedule } from "effect"
import type { SqlError } from "effect/sql/SqlError"
import { decodeJournalBody, type JournalRecord } from "../../protocol/JournalBody.ts"
import { SampleMinute, SampleMinuteMalformed } from "../../protocol/SampleMinute.ts"
import { minuteDays } from "./JournalPartitions.ts"

const advisoryLock = 7_455_968
const reader = "sample minutes"

/** Rows of the journal for one transaction. */
const batch = 1000
/** Between two of them: it must not compete with what is going on now. */
const pace = "100 millis"
const idlePoll = "10 seconds"
const minuteMillis = 60_000
/** An hour is the most that a board's clock may be ahead. */
const aheadMillis = 60 * minuteMillis

interface Row {
  readonly txid: string
  readonly position: number
  readonly kind: string
  readonly id: string
  /** When it was journalled by the clock of the database, ms. */
  readonly time: number
  readonly isRipe: boolean
  readonly body: Uint8Array
}

interface Sum {
  readonly kind: string
  readonly id: string
  readonly minute: number
  readonly records: Array<JournalRecord>
}

/** A row that this node cannot read is left out: it must not hold up all others for ever. */
const samplesOf = (body: Uint8Array): ReadonlyArray<JournalRecord> => {
  try {
    return decodeJournalBody(body).filter(({ isSample }) => isSample)
  } catch {
    return []
  }
}

const minuteOf = (at: number): number => Math.floor(at / minuteMillis) * minuteMillis

const dayOf = (minute: number): string => new Date(minute).toISOString().slice(0, 10).replaceAll("-", "")

/** The minute of a sample: when it was measured, or else when it was journalled; `undefined` when neither has a place. */
const placeOf = (at: number, time: number, days: ReadonlySet<string>): number | undefined => {
  const isCredible = at >= 0 && at <= time + aheadMillis
  const measured = minuteOf(isCredible ? at : time)
  if (days.has(dayOf(measured))) return measured
  const journalled = minuteOf(time)
  return days.has(dayOf(journalled)) ? journalled : undefined
}

const sumsOf = (rows: ReadonlyArray<Row>, days: ReadonlySet<string>): ReadonlyArray<Sum> => {
  const sums = new Map<string, Sum>()
  for (const { kind, id, time, body } of rows) {
    for (const record of samplesOf(body)) {
      const minute = placeOf(record.at, time, days)
      if (minute === undefined) continue
      const key = `${minute} ${kind}/${id}`
      const sum = sums.get(key) ?? { kind, id, minute, records: [] }
      sums.set(key, sum)
      sum.records.push(record)
    }
  }
  return [...sums.values()]
}

/** Rows behind the position that are a minute old: then most minutes are written once, whole. */
const readRows = Effect.gen(function* () {
  const sql = yield* PgClient.PgClient
  const [stored] = yield* sql<{ readonly txid: string; readonly position: number }>`
    select txid::text, position::float8 from journal_reader where name = ${reader}`
  const { txid, position } = stored ?? { txid: "0", position: 0 }
  const rows = yield* sql<Row>`
    select j.txid::text, j.position::float8, j.kind, j.id, j.body,
      (extract(epoch from j.time) * 1000)::float8 as time, j.time < now() - interval '1 minute' as "isRipe"
    from journal j
    where (j.txid, j.position) > (${txid}::xid8, ${position}::bigint)
      and j.txid < pg_snapshot_xmin(pg_current_snapshot())
    order by j.txid, j.position limit ${batch}`
  const unripe = rows.findIndex(({ isRipe }) => !isRipe)
  return unripe < 0 ? rows : rows.slice(0, unripe)
})

/** The sum with more samples in it; one that a newer node wrote stays as it is. */
const grown = (stored: Uint8Array | null, records: ReadonlyArray<JournalRecord>): Uint8Array => {
  try {
    const sum = stored === null ? new SampleMinute() : new SampleMinute(stored)
    for (const { type, data } of records) sum.add(type, data)
    return sum.encode()
  } catch (error) {
    if (stored !== null && error instanceof SampleMinuteMalformed) return stored
    throw error
  }
}

const write = Effect.fnUntraced(function* (sums: ReadonlyArray<Sum>) {
  const sql = yield* PgClient.PgClient
  const kinds = sums.map(({ kind }) => kind)
  const ids = sums.map(({ id }) => id)
  const minutes = sums.map(({ minute }) => minute)
  const stored = yield* sql<{ readonly body: Uint8Array | null }>`
    select m.body from unnest(${kinds}::text[], ${ids}::text[], ${minutes}::float8[])
      with ordinality as w(kind, id, minute, row)
    left join sample_minute m on m.kind = w.kind and m.id = w.id and m.minute = to_timestamp(w.minute / 1000)
    order by w.row`
  const bodies = sums.map(({ records }, index) => grown(stored[index]?.body ?? null, records))
  yield* sql`insert into sample_minute (kind, id, minute, body)
    select w.kind, w.id, to_timestamp(w.minute / 1000), w.body
    from unnest(${kinds}::text[], ${ids}::text[], ${minutes}::float8[], ${bodies}::bytea[]) as w(kind, id, minute, body)
    on conflict (kind, id, minute) do update set body = excluded.body`
})

/** One transaction of it. Answers how many rows of the journal it read; none while another node is at it. */
export const sumSamples: Effect.Effect<number, SqlError, PgClient.PgClient> = Effect.gen(function* () {
  const sql = yield* PgClient.PgClient
  const days = yield* minuteDays
  return yield* sql.withTransaction(
    Effect.gen(function* () {
      const [lock] = yield* sql<{ readonly isOurs: boolean }>`
        select pg_try_advisory_xact_lock(${advisoryLock}) as "isOurs"`
      if (lock?.isOurs !== true) return 0
      const rows = yield* readRows
      const last = rows.at(-1)
      if (last === undefined) return 0
      const sums = sumsOf(rows, days)
      if (sums.length > 0) yield* write(sums)
      yield* sql`insert into journal_reader (name, txid, position)
        values (${reader}, ${last.txid}::xid8, ${last.position})
        on conflict (name) do update set txid = excluded.txid, position = excluded.position`
      return rows.length
    })
  )
}).pipe(Effect.withTracerEnabled(false))

/** Goes on for as long as it runs. A failure is logged and tried again. */
export const keepSampleMinutes: Effect.Effect<void, never, PgClient.PgClient> = sumSamples.pipe(
  Effect.repeat({ while: (count) => count === batch, schedule: Schedule.spaced(pace) }),
  Effect.catchTag("SqlError", (error) => Effect.logWarning("samples are not summed up", error)),
  Effect.repeat(Schedule.spaced(idlePoll)),
  Effect.asVoid
)
