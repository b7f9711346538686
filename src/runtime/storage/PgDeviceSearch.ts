/** Search of devices on PostgreSQL, through the node's general pool. */
import { PgClient } from "@effect/sql-pg"
import { Effect, Layer, Option, Schema, Semaphore } from "effect"
import type { SqlError } from "effect/sql/SqlError"
import type { SqlColumns } from "../../events/condition/Sql.ts"
import { sqlWithLookup } from "../../events/condition/SqlContainment.ts"
import { DeviceSearch, SearchCrowded, SearchUnavailable } from "../../events/DeviceSearch.ts"
import type { BoundCondition } from "../../protocol/condition/Bound.ts"
import { DeviceStatus } from "../../protocol/Device.ts"
import { TwinSectionSchema } from "../../protocol/TwinSchema.ts"
import { rowFormat } from "./DeviceRows.ts"

/** A condition without an index reads every row: a million of them take about this long. */
const statementMillis = 5000
/** The pool of a node has four connections, and others need some too. */
const atATime = 2
const waitMillis = 2000

/** What a condition over twins reads, by the first key of its paths. */
export const searchColumns: SqlColumns = {
  id: { type: "text", name: "s.id" },
  zone: { type: "text", name: "s.zone" },
  profile: { type: "text", name: "s.profile" },
  state: { type: "text", name: "s.state" },
  reported: { type: "jsonb", name: "s.reported" },
  desired: { type: "jsonb", name: "s.desired" }
}

/** The statement of a page: behind an id, in order, at most so many. */
export const pageStatement = (condition: BoundCondition, after: string, limit: number) => {
  const own = [after, String(limit), String(rowFormat)]
  const where = sqlWithLookup(condition, searchColumns, own.length + 1)
  const parameters: ReadonlyArray<string> = [...own, ...where.parameters]
  return {
    text: `select s.id, s.status, s.desired, s.reported from device_search s
      where s.id > $1::text and s.format = $3::text::integer and ${where.text}
      order by s.id limit $2::text::bigint`,
    parameters
  }
}

/** Of one transaction: nothing is written, one processor is enough, and what is compiled for one search is never used again. */
const settings = `select set_config('transaction_read_only', 'on', true),
  set_config('statement_timeout', '${statementMillis}', true), set_config('max_parallel_workers_per_gather', '0', true),
  set_config('jit', 'off', true)`

interface Age {
  readonly at: number
  readonly behindMillis: number
}

const isFound = Schema.is(
  Schema.Struct({ id: Schema.String, status: DeviceStatus, desired: TwinSectionSchema, reported: TwinSectionSchema })
)

const unavailable = (error: SqlError) =>
  new SearchUnavailable({ reason: error.reason._tag === "StatementTimeoutError" ? "Slow" : "Store", cause: error })

const make = Effect.gen(function* () {
  const sql = yield* PgClient.PgClient
  const places = yield* Semaphore.make(atATime)

  const search = Effect.fnUntraced(function* (condition: BoundCondition, limit: number, after: string) {
    yield* sql.unsafe(settings)
    // Read first: rows only go forward, so that those of the page are at least as young as this says.
    const [age] = yield* sql<Age>`
      select (extract(epoch from as_of) * 1000)::float8 as at,
        (extract(epoch from clock_timestamp() - as_of) * 1000)::float8 as "behindMillis"
      from device_search_progress where as_of is not null and format = ${rowFormat}`
    if (age === undefined) {
      const newer = yield* sql`select from device_search_progress where format > ${rowFormat}`
      return yield* new SearchUnavailable({ reason: newer.length > 0 ? "Newer" : "Building" })
    }
    const { text, parameters } = pageStatement(condition, after, limit + 1)
    // Not kept prepared: hardly two searches are the same, and a plan that is made for the values finds the index.
    const rows: ReadonlyArray<unknown> = yield* sql.unsafe<object>(text, parameters).unprepared
    const devices = rows.slice(0, limit).filter(isFound)
    if (devices.length < Math.min(rows.length, limit))
      return yield* Effect.die(`rows behind ${after} are none of form ${rowFormat}`)
    const asOf = { at: Math.floor(age.at), behindMillis: Math.max(0, Math.ceil(age.behindMillis)) }
    return { devices, next: rows.length > limit ? devices.at(-1)?.id : undefined, asOf }
  })

  return DeviceSearch.of({
    find: (condition, { limit, after = "" }) => {
      const found = sql
        .withTransaction(search(condition, limit, after))
        .pipe(Effect.catchTag("SqlError", (error) => Effect.fail(unavailable(error))))
      return Effect.acquireUseRelease(
        Effect.flatMap(
          Effect.timeoutOption(Effect.interruptible(places.take(1)), waitMillis),
          Option.match({ onNone: () => Effect.fail(new SearchCrowded()), onSome: () => Effect.void })
        ),
        () => found,
        () => places.release(1)
      )
    }
  })
})

/** Needs a migrated database, and somebody who keeps what is searched. */
export const layerPgDeviceSearch: Layer.Layer<DeviceSearch, never, PgClient.PgClient> = Layer.effect(DeviceSearch, make)
