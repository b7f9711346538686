/** Brings rows of devices into the table they are searched in. Whoever does it, and however often: a row only goes forward. */
import { PgClient } from "@effect/sql-pg"
import { Clock, Effect, Schema } from "effect"
import type { SqlError } from "effect/sql/SqlError"
import type { Kind } from "../../actors/Registry.ts"
import { lookAt } from "../../actors/StoredState.ts"
import { runtimeAsker } from "../../protocol/Asker.ts"
import { Device, DeviceStatus, TwinView } from "../../protocol/Device.ts"

/** The form of a row. A node that writes another form makes all rows anew. */
export const rowFormat = 2

/** Decoding a row takes some ten microseconds, during which the node does nothing else. */
const chunk = 100
/** Of the time since a chunk began, this share is left to others before the next one: commits come first. */
const restShare = 3

interface StoredRow {
  readonly id: string
  readonly version: number
  readonly format: number
  readonly head: Uint8Array | null
  readonly keys: ReadonlyArray<string> | null
  readonly values: ReadonlyArray<Uint8Array> | null
}

interface SearchRow {
  readonly id: string
  readonly version: number
  /** Empty for none: a list of nulls alone has no type. */
  readonly zone: string
  readonly profile: string
  readonly state: string
  readonly status: string
  readonly desired: string
  readonly reported: string
}

const isStatus = Schema.is(DeviceStatus)
const isTwin = Schema.is(TwinView)

/** Nothing for a row that this node cannot read. */
const searchRowOf = (type: Kind, row: StoredRow, now: number): SearchRow | undefined => {
  const { id, version } = row
  const parts = new Map(
    (row.keys ?? []).flatMap((key, index) => {
      const value = row.values?.[index]
      return value === undefined ? [] : [[key, value] as const]
    })
  )
  try {
    const answer = lookAt(type, { kind: Device.kind, id }, { ...row, parts }, { now, asker: runtimeAsker })
    const status = answer("GetStatus")
    const twin = answer("Watch")
    if (!isStatus(status) || !isTwin(twin)) return undefined
    return {
      id,
      version,
      zone: status.zone ?? "",
      profile: status.profile,
      state: status.connection.state,
      status: JSON.stringify(status),
      desired: JSON.stringify(twin.desired),
      reported: JSON.stringify(twin.reported)
    }
  } catch {
    return undefined
  }
}

/** Of these devices, those whose row here is older than the actor's. */
const readStale = (sql: PgClient.PgClient, ids: ReadonlyArray<string>) => sql<StoredRow>`
  select a.id, a.version::float8, a.format, a.head, p.keys, p.values
  from unnest(${ids}::text[]) as w(id)
  join actor a on a.kind = ${Device.kind} and a.id = w.id
  left join device_search s on s.id = a.id
  left join lateral (
    select array_agg(key) as keys, array_agg(value) as values from actor_part where kind = a.kind and id = a.id) p on true
  where s.id is null or (s.format, s.version) < (${rowFormat}, a.version)`

const write = (sql: PgClient.PgClient, rows: ReadonlyArray<SearchRow>) => sql`
  insert into device_search as s (id, zone, profile, state, format, version, status, desired, reported)
  select w.id, nullif(w.zone, ''), w.profile, w.state, ${rowFormat}, w.version, w.status::jsonb, w.desired::jsonb, w.reported::jsonb
  from unnest(
    ${rows.map(({ id }) => id)}::text[], ${rows.map(({ zone }) => zone)}::text[], ${rows.map(({ profile }) => profile)}::text[],
    ${rows.map(({ state }) => state)}::text[], ${rows.map(({ version }) => version)}::float8[],
    ${rows.map(({ status }) => status)}::text[], ${rows.map(({ desired }) => desired)}::text[],
    ${rows.map(({ reported }) => reported)}::text[]
  ) as w(id, zone, profile, state, version, status, desired, reported)
  on conflict (id) do update set zone = excluded.zone, profile = excluded.profile, state = excluded.state, format = excluded.format,
    version = excluded.version, status = excluded.status, desired = excluded.desired, reported = excluded.reported
  where (s.format, s.version) < (excluded.format, excluded.version)`

const hasCode = (cause: unknown): cause is { readonly code: string } =>
  typeof cause === "object" && cause !== null && "code" in cause && typeof cause.code === "string"

/** Whether PostgreSQL refused what is in the rows (classes 22 and 54), and not the moment or the statement. */
const isRefusal = ({ reason }: SqlError): boolean => hasCode(reason.cause) && /^(?:22|54)/.test(reason.cause.code)

/** Writes all rows but those that cannot be; answers how many those are. One row must not hold up all others for ever. */
const writeAll = (sql: PgClient.PgClient, rows: ReadonlyArray<SearchRow>): Effect.Effect<number, SqlError> => {
  if (rows.length === 0) return Effect.succeed(0)
  const half = rows.length >> 1
  return write(sql, rows).pipe(
    Effect.as(0),
    Effect.catchIf(isRefusal, () =>
      half === 0
        ? Effect.succeed(1)
        : Effect.zipWith(
            writeAll(sql, rows.slice(0, half)),
            writeAll(sql, rows.slice(half)),
            (one, other) => one + other
          )
    )
  )
}

/** How many rows were brought forward, and how many could not be read or written: they stay as they were. */
export interface Brought {
  readonly written: number
  readonly left: number
}

/** Brings these devices forward, with rests in between. What is not older is left alone. */
export const bringForward = Effect.fnUntraced(function* (type: Kind, ids: ReadonlyArray<string>) {
  const sql = yield* PgClient.PgClient
  let written = 0
  let left = 0
  for (let from = 0; from < ids.length; from += chunk) {
    const begun = yield* Clock.currentTimeMillis
    const stale = yield* readStale(sql, ids.slice(from, from + chunk))
    const rows = stale.flatMap((row) => searchRowOf(type, row, begun) ?? [])
    const refused = yield* writeAll(sql, rows)
    written += rows.length - refused
    left += stale.length - rows.length + refused
    const ended = yield* Clock.currentTimeMillis
    if (stale.length > 0) yield* Effect.sleep((ended - begun) * restShare)
  }
  return { written, left } satisfies Brought
})
