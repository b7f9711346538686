/** The patterns of the cluster on PostgreSQL. A change and its line of history are one transaction. */
import { PgClient } from "@effect/sql-pg"
import { Clock, Context, Effect, Layer, Result } from "effect"
import type { SqlError } from "effect/sql/SqlError"
import { layer as layerLibrary, type PatternLibrary } from "../../events/PatternLibrary.ts"
import {
  isReadable,
  type KeptPattern,
  Patterns,
  PatternsUnavailable,
  type StoredPattern,
  type WrittenPattern
} from "../../events/Patterns.ts"
import { type Enabled, switched } from "../../events/PatternZones.ts"
import { Malformed, NotFound } from "../../protocol/Errors.ts"
import { patternOfJson } from "../../protocol/pattern/PatternJson.ts"
import type { Zone } from "../../protocol/Zone.ts"
import { authorOf, writePatterns } from "./PatternWrites.ts"
import { sqlReason } from "./SqlReason.ts"

/** Changes of the number of patterns wait for each other: any constant that nothing else of ours locks. */
const advisoryLock = 7_455_969

/** Whether the lock is held already. */
const IsAlone = Context.Reference("holon/runtime/storage/PatternStore/IsAlone", { defaultValue: () => false })

interface Row extends Omit<StoredPattern, "pattern" | "zones">, Enabled {
  readonly conditions: unknown
}

const columns = `id, goldrush_patterns.name, goldrush_patterns.version, goldrush_patterns.source, conditions,
  active as "isOn", goldrush_patterns.zones, created_by as "createdBy", created_at::float8 as "createdAt", updated_by as "updatedBy",
  updated_at::float8 as "updatedAt", ${authorOf} as author`

const answer = <A, E, R>(effect: Effect.Effect<A, E | SqlError, R>) =>
  Effect.catchTag(
    effect,
    "SqlError",
    (error): Effect.Effect<never, PatternsUnavailable> =>
      Effect.fail(new PatternsUnavailable({ reason: sqlReason(error) }))
  )

const keptOf = ({ conditions, zones, ...row }: Row): KeptPattern => {
  const kept = { ...row, ...(zones.length > 0 && { zones }) }
  const read = patternOfJson(conditions)
  if (Result.isSuccess(read)) return { ...kept, pattern: read.success }
  const { path, reason } = read.failure
  return { ...kept, unreadable: `this release cannot read it (${path === "" ? reason : `${path}: ${reason}`})` }
}

/** What was written a moment ago can be read. */
const written = (row: Row): Effect.Effect<StoredPattern> => {
  const kept = keptOf(row)
  return isReadable(kept) ? Effect.succeed(kept) : Effect.die(`pattern ${row.name} was put, and ${kept.unreadable}`)
}

/** Where it would be on. One that cannot be read can be switched off, which asks nothing of what it says. */
const enabled = (
  row: Row,
  isOn: boolean,
  zones: ReadonlyArray<Zone> | undefined
): Result.Result<Enabled, Malformed> => {
  const kept = keptOf(row)
  const before = { isOn: row.isOn, zones: row.zones }
  if (isReadable(kept)) return switched(kept.pattern, before, isOn, zones)
  if (!isOn && zones === undefined) return Result.succeed({ ...before, isOn })
  const reason = `${kept.unreadable}; add it anew, switch it off or remove it`
  return Result.fail(new Malformed({ path: row.name, reason }))
}

const missing = (name: string) => new NotFound({ what: `pattern ${name}` })

const make = Effect.gen(function* () {
  const sql = yield* PgClient.PgClient

  const note = (row: Row, what: "on" | "off" | "removed", by: string, at: number) =>
    sql`insert into goldrush_pattern_history (name, version, what, source, zones, by, at)
      values (${row.name}, ${row.version}, ${what}, ${row.source}, ${row.zones}::text[], ${by}, ${at})`

  /** One change after another: the count and the number of the last change are then as they seem. Within one it is the same one. */
  const alone = <A, E, R>(change: Effect.Effect<A, E, R>): Effect.Effect<A, E | SqlError, R> =>
    Effect.flatMap(IsAlone, (isAlone) =>
      isAlone
        ? change
        : sql.withTransaction(
            Effect.andThen(
              sql`select pg_advisory_xact_lock(${advisoryLock})`,
              Effect.provideService(change, IsAlone, true)
            )
          )
    )

  const changed = Effect.fnUntraced(function* (
    row: Row | undefined,
    name: string,
    what: "on" | "off" | "removed",
    by: string,
    at: number
  ) {
    if (row === undefined) return yield* missing(name)
    yield* note(row, what, by, at)
    return keptOf(row)
  })

  const write = writePatterns<Row>(sql, columns)

  const putAll = Effect.fnUntraced(function* (given: ReadonlyArray<WrittenPattern>, by: string) {
    const now = yield* Clock.currentTimeMillis
    const rows = yield* answer(alone(write(given, by, now)))
    const byName = new Map(rows.map((row) => [row.name, row]))
    return yield* Effect.forEach(given, ({ pattern: { name } }) => {
      const row = byName.get(name)
      // The line of history that names its author was not there yet when the row was answered.
      return row === undefined
        ? Effect.die(`pattern ${name} was put and is not there`)
        : written({ ...row, author: by })
    })
  })

  return Patterns.of({
    put: ({ by, ...given }) =>
      Effect.flatMap(putAll([given], by), ([one]) =>
        one === undefined ? Effect.die("a pattern was put and is not there") : Effect.succeed(one)
      ),
    putAll,
    alone: (change) => answer(alone(change)),
    get: (name) =>
      answer(
        Effect.flatMap(sql<Row>`select ${sql.literal(columns)} from goldrush_patterns where name = ${name}`, ([row]) =>
          row === undefined ? Effect.fail(missing(name)) : Effect.succeed(keptOf(row))
        )
      ),
    setOn: Effect.fnUntraced(function* (name, isOn, by, zones) {
      const now = yield* Clock.currentTimeMillis
      const change = Effect.gen(function* () {
        const [known] = yield* sql<Row>`select ${sql.literal(columns)} from goldrush_patterns where name = ${name}`
        if (known === undefined) return yield* missing(name)
        const next = yield* Effect.fromResult(enabled(known, isOn, zones))
        const [row] = yield* sql<Row>`update goldrush_patterns set active = ${next.isOn},
            zones = ${next.zones}::text[], updated_by = ${by}, updated_at = ${now}
          where name = ${name} returning ${sql.literal(columns)}`
        return yield* changed(row, name, next.isOn ? "on" : "off", by, now)
      })
      return yield* answer(alone(change))
    }),
    remove: Effect.fnUntraced(function* (name, by) {
      const now = yield* Clock.currentTimeMillis
      return yield* answer(
        alone(
          Effect.flatMap(
            sql<Row>`delete from goldrush_patterns where name = ${name} returning ${sql.literal(columns)}`,
            ([row]) => changed(row, name, "removed", by, now)
          )
        )
      )
    }),
    list: ({ limit, after = "" }) =>
      answer(
        Effect.map(
          sql<Row>`select ${sql.literal(columns)} from goldrush_patterns where name > ${after} order by name limit ${limit}`,
          (rows) => rows.map(keptOf)
        )
      ),
    revision: answer(
      Effect.map(
        sql<{ readonly change: number | null }>`select max(change)::float8 as change from goldrush_pattern_history`,
        ([row]) => row?.change ?? 0
      )
    ),
    changedSince: (revision) =>
      answer(
        Effect.map(
          sql<{ readonly touched: string; readonly change: number } & (Row | { readonly id: null })>`
            select touched.name as touched, touched.change, ${sql.literal(columns)}
            from (select name, max(change)::float8 as change from goldrush_pattern_history
              where change > ${revision} group by name) touched
            left join goldrush_patterns on goldrush_patterns.name = touched.name`,
          (rows) => {
            const changed: Array<KeptPattern> = []
            const removed: Array<string> = []
            let newest = revision
            for (const { touched, change, ...row } of rows) {
              newest = Math.max(newest, change)
              if (row.id === null) removed.push(touched)
              else changed.push(keptOf(row))
            }
            return { revision: newest, changed, removed }
          }
        )
      ),
    history: (name) =>
      answer(sql`select change::float8, name, version, what, by, at::float8 from goldrush_pattern_history
        where name = ${name} order by change desc limit 1000`)
  })
})

/** Needs a migrated database. */
export const layer: Layer.Layer<Patterns | PatternLibrary, never, PgClient.PgClient> = layerLibrary.pipe(
  Layer.provideMerge(Layer.effect(Patterns, make))
)
