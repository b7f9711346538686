/**
 * Keeps the table that devices are searched in, at most once a second a device. The journal says which devices have changed;
 * what they are now is read from their own rows, as patches alone do not say it (a late report changes only a part).
 *
 * One node of the cluster is at it at a time. That only saves work: rows only go forward, and how far the journal was read is
 * written when the rows of it are there, so that two nodes at once do the same and nothing else.
 */
import { randomBytes } from "node:crypto"
import { PgClient } from "@effect/sql-pg"
import { Clock, Effect, Schedule } from "effect"
import type { SqlError } from "effect/sql/SqlError"
import type { Kind } from "../../actors/Registry.ts"
import { Device } from "../../protocol/Device.ts"
import { uuidV7 } from "../../protocol/Ids.ts"
import { bringForward, rowFormat } from "./DeviceRows.ts"

const pace = "1 second"
/** How long a node may say nothing until another one takes over. */
const keptFor = "15 seconds"
/** Commits of the journal that are read at a time. */
const notices = 20_000
/** Devices between two words that this node is still at it. */
const page = 1000

interface Progress {
  readonly format: number
  /** Steps when it is begun anew: nothing that belongs to the time before counts then. */
  readonly epoch: number
  /** Behind which row of the journal. */
  readonly txid: string
  readonly position: number
  /** The last id that was read while it is built; null once it is whole. */
  readonly walked: string | null
  /** It was kept by nobody for a while. */
  readonly wasLeft: boolean
  /** The database was restored: transactions count from below where the journal was read. */
  readonly isAhead: boolean
}

/** What became of one round. */
export interface Round {
  /** Another node is at it, or it is kept by a newer release. */
  readonly isOurs: boolean
  /** Devices whose rows were brought forward. */
  readonly written: number
  /** Devices whose rows could not be read; they are found as they were before, if they are. */
  readonly left: number
}

const none: Round = { isOurs: false, written: 0, left: 0 }

const columns = `p.format, p.epoch, p.txid::text, p.position::float8, p.walked,
  p.read_to < now() - interval '10 seconds' as "wasLeft",
  p.txid > pg_snapshot_xmin(pg_current_snapshot()) as "isAhead"`

/** Below the oldest open transaction all is decided: whatever commits later is found behind it. */
const horizon = "pg_snapshot_xmin(pg_current_snapshot())"

const claim = Effect.fnUntraced(function* (sql: PgClient.PgClient, keeper: string) {
  const [progress] = yield* sql<Progress>`
    insert into device_search_progress as p (format, epoch, txid, position, read_to, walked, keeper, kept_until)
    values (${rowFormat}, 1, ${sql.literal(horizon)}, 0, now(), '', ${keeper}, now() + ${keptFor}::interval)
    on conflict (is_only) do update set keeper = excluded.keeper, kept_until = excluded.kept_until
    where p.format <= excluded.format and (p.keeper = excluded.keeper or p.kept_until < now())
    returning ${sql.literal(columns)}`
  return progress
})

/** Whether commits were dropped from the journal that nobody has read. */
const hasGap = Effect.fnUntraced(function* (sql: PgClient.PgClient) {
  const [found] = yield* sql<{ readonly hasGap: boolean }>`
    select exists (
      select from device_search_progress p, (
        select min(right(c.relname, 10)) as begin from pg_inherits i join pg_class c on c.oid = i.inhrelid
        where i.inhparent = 'journal_samples'::regclass and c.relname ~ '^journal_samples_[0-9]{10}$') oldest
      where p.read_to < to_timestamp(oldest.begin || '+00', 'YYYYMMDDHH24TZH')) as "hasGap"`
  return found?.hasGap === true
})

/** All rows are looked at again. What is found until then stays as it is said to be, unless nothing of it can be relied on. */
const beginAnew = Effect.fnUntraced(function* (sql: PgClient.PgClient, { epoch, format, isAhead }: Progress) {
  const [begun] = yield* sql<Progress>`
    update device_search_progress p set format = ${rowFormat}, epoch = p.epoch + 1, txid = ${sql.literal(horizon)},
      position = 0, read_to = now(), walked = '', as_of = case when ${format < rowFormat || isAhead} then null else p.as_of end
    where p.epoch = ${epoch} returning ${sql.literal(columns)}`
  return begun
})

/** Says that this node is still at it, and how far it has walked. Answers whether it still may. */
const stay = (sql: PgClient.PgClient, { epoch }: Progress, keeper: string, walked: string | null) =>
  Effect.map(
    sql`update device_search_progress set kept_until = now() + ${keptFor}::interval, walked = ${walked}
      where epoch = ${epoch} and keeper = ${keeper} returning true`,
    (rows) => rows.length === 1
  )

interface Notices {
  readonly count: number
  readonly ids: ReadonlyArray<string> | null
  readonly txid: string
  readonly position: number
  /** Whatever was committed before is in what was read: the first commit that was not began then, at the earliest. */
  readonly readTo: string
}

const readNotices = (sql: PgClient.PgClient, { txid, position }: Pick<Progress, "txid" | "position">) =>
  Effect.flatMap(
    sql<Notices>`
      with news as materialized (
        select j.txid, j.position, j.kind, j.id from journal j
        where (j.txid, j.position) > (${txid}::xid8, ${position}::bigint) and j.txid < ${sql.literal(horizon)}
        order by j.txid, j.position limit ${notices}),
      place as materialized (
        select txid, position from (
          select txid, position from news union all select ${txid}::xid8, ${position}::bigint) each
        order by txid desc, position desc limit 1)
      select (select count(*)::float8 from news) as count,
        (select array_agg(distinct id) from news where kind = ${Device.kind}) as ids,
        place.txid::text, place.position::float8,
        coalesce((
          select j.time from journal j
          where (j.txid, j.position) > ((select txid from place), (select position from place))
          order by j.txid, j.position limit 1), statement_timestamp())::text as "readTo"
      from place`,
    ([found]) =>
      found === undefined ? Effect.die("a union with a row of its own answered none") : Effect.succeed(found)
  )

const finish = (
  sql: PgClient.PgClient,
  { epoch }: Progress,
  keeper: string,
  { txid, position, readTo }: Notices
) => sql`
  update device_search_progress p set txid = ${txid}::xid8, position = ${position},
    read_to = greatest(p.read_to, ${readTo}::timestamptz), kept_until = now() + ${keptFor}::interval,
    as_of = case when p.walked is null then greatest(p.as_of, ${readTo}::timestamptz) else p.as_of end
  where p.epoch = ${epoch} and p.keeper = ${keeper}`

/** Brings pages of devices forward until there are no more; nothing when another node has taken over. */
const bringPages = Effect.fnUntraced(function* (
  type: Kind,
  next: Effect.Effect<ReadonlyArray<string>, SqlError>,
  stays: (last: string) => Effect.Effect<boolean, SqlError>
) {
  let written = 0
  let left = 0
  for (;;) {
    const ids = yield* next
    const last = ids.at(-1)
    if (last === undefined) return { isOurs: true, written, left } satisfies Round
    const brought = yield* bringForward(type, ids)
    written += brought.written
    left += brought.left
    if (!(yield* stays(last))) return undefined
  }
})

/** Looks at every device there is. */
const walk = (sql: PgClient.PgClient, type: Kind, progress: Progress, keeper: string) => {
  let walked = progress.walked ?? ""
  const next = Effect.map(
    Effect.suspend(
      () => sql<{ readonly id: string }>`
        select id from actor where kind = ${Device.kind} and id > ${walked} order by id limit ${page}`
    ),
    (rows) => rows.map(({ id }) => id)
  )
  return bringPages(type, next, (last) => {
    walked = last
    return stay(sql, progress, keeper, last)
  })
}

/** Looks at those that the journal names. It is read to its end first, so that each is looked at once. */
const follow = Effect.fnUntraced(function* (sql: PgClient.PgClient, type: Kind, progress: Progress, keeper: string) {
  const changed = new Set<string>()
  let read = yield* readNotices(sql, progress)
  for (const id of read.ids ?? []) changed.add(id)
  while (read.count === notices) {
    read = yield* readNotices(sql, read)
    for (const id of read.ids ?? []) changed.add(id)
  }
  const ids = [...changed]
  const next = Effect.sync(() => ids.splice(0, page))
  const brought = yield* bringPages(type, next, () => stay(sql, progress, keeper, null))
  if (brought !== undefined) yield* finish(sql, progress, keeper, read)
  return brought
})

/** One round of `keeper`: all that has happened since the last one, and all there is when there was none. */
export const keepOnce = (type: Kind, keeper: string): Effect.Effect<Round, SqlError, PgClient.PgClient> =>
  Effect.gen(function* () {
    const sql = yield* PgClient.PgClient
    let progress = yield* claim(sql, keeper)
    if (progress === undefined) return none
    const isUnusable = progress.format < rowFormat || progress.isAhead
    if (isUnusable || (progress.wasLeft && (yield* hasGap(sql)))) progress = yield* beginAnew(sql, progress)
    if (progress === undefined) return none
    let walked: Round | undefined = { isOurs: true, written: 0, left: 0 }
    if (progress.walked !== null) {
      walked = yield* walk(sql, type, progress, keeper)
      if (walked === undefined || !(yield* stay(sql, progress, keeper, null))) return none
    }
    const followed = yield* follow(sql, type, progress, keeper)
    if (followed === undefined) return none
    return { isOurs: true, written: walked.written + followed.written, left: walked.left + followed.left }
  }).pipe(Effect.withTracerEnabled(false))

/** A node that stops must not wait for a database that does not answer: then the others wait a little longer. */
const releaseMax = "1 second"

const release = (keeper: string) =>
  Effect.flatMap(
    PgClient.PgClient,
    (sql) => sql`update device_search_progress set kept_until = now() where keeper = ${keeper}`
  ).pipe(Effect.interruptible, Effect.timeoutOption(releaseMax), Effect.ignore)

const outagePause = "4 seconds"

/** Goes on for as long as it runs; then another node goes on at once. A failure is logged and tried again. */
export const keepDeviceSearch = (type: Kind): Effect.Effect<void, never, PgClient.PgClient> =>
  Effect.flatMap(Clock.currentTimeMillis, (now) => {
    const keeper = uuidV7(now, randomBytes)
    return keepOnce(type, keeper).pipe(
      Effect.tap(({ left }) =>
        left === 0
          ? Effect.void
          : Effect.logWarning(`${left} devices cannot be searched: this node cannot read their rows`)
      ),
      Effect.catchTag("SqlError", (error) =>
        Effect.andThen(Effect.logWarning("the search of devices does not go forward", error), Effect.sleep(outagePause))
      ),
      Effect.repeat(Schedule.spaced(pace)),
      Effect.asVoid,
      Effect.ensuring(release(keeper))
    )
  })
