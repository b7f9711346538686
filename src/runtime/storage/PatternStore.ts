/** The patterns of the cluster on PostgreSQL. A change and its line of history are one transaction. */
import { PgClient } from "@effect/sql-pg"
import { Clock, Context, Effect, Layer, Schema } from "effect"
import type { SqlError } from "effect/sql/SqlError"
import { layer as layerLibrary, type PatternLibrary } from "../../events/PatternLibrary.ts"
import { Patterns, PatternsUnavailable, type StoredPattern, type WrittenPattern } from "../../events/Patterns.ts"
import { type Enabled, switched } from "../../events/PatternZones.ts"
import { NotFound } from "../../protocol/Errors.ts"
import { Pattern } from "../../protocol/pattern/Pattern.ts"
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

const readPattern = Schema.decodeUnknownEffect(Pattern)

const answer = <A, E, R>(effect: Effect.Effect<A, E | SqlError, R>) =>
  Effect.catchTag(
    effect,
    "SqlError",
    (error): Effect.Effect<never, PatternsUnavailable> =>
      Effect.fail(new PatternsUnavailable({ reason: sqlReason(error) }))
  )

const stored = ({ conditions, zones, ...row }: Row): Effect.Effect<StoredPattern> =>
  Effect.map(Effect.orDie(readPattern(conditions)), (pattern) => ({
    ...row,
    ...(zones.length > 0 && { zones }),
    pattern
  }))

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
    return yield* stored(row)
  })

  const write = writePatterns<Row>(sql, columns)

  const putAll = Effect.fnUntraced(function* (given: ReadonlyArray<WrittenPattern>, by: string) {
    const now = yield* Clock.currentTimeMillis
    const rows = yield* answer(alone(write(given, by, now)))
    const byName = new Map(rows.map((row) => [row.name, row]))
    return yield* Effect.forEach(given, ({ pattern: { name } }) => {
      const row = byName.get(name)
      // The line of history that names its author was not there yet when the row was answered.
      return row === undefined ? Effect.die(`pattern ${name} was put and is not there`) : stored({ ...row, author: by })
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
          row === undefined ? Effect.fail(missing(name)) : stored(row)
        )
      ),
    setOn: Effect.fnUntraced(function* (name, isOn, by, zones) {
      const now = yield* Clock.currentTimeMillis
      const change = Effect.gen(function* () {
        const [known] = yield* sql<Row>`select ${sql.literal(columns)} from goldrush_patterns where name = ${name}`
        if (known === undefined) return yield* missing(name)
        const enabled = yield* Effect.fromResult(
          switched((yield* stored(known)).pattern, { isOn: known.isOn, zones: known.zones }, isOn, zones)
        )
        const [row] = yield* sql<Row>`update goldrush_patterns set active = ${enabled.isOn},
            zones = ${enabled.zones}::text[], updated_by = ${by}, updated_at = ${now}
          where name = ${name} returning ${sql.literal(columns)}`
        return yield* changed(row, name, enabled.isOn ? "on" : "off", by, now)
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
        Effect.flatMap(
          sql<Row>`select ${sql.literal(columns)} from goldrush_patterns where name > ${after} order by name limit ${limit}`,
          (rows) => Effect.forEach(rows, stored)
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
        Effect.flatMap(
          sql<{ readonly touched: string; readonly change: number } & (Row | { readonly id: null })>`
            select touched.name as touched, touched.change, ${sql.literal(columns)}
            from (select name, max(change)::float8 as change from goldrush_pattern_history
              where change > ${revision} group by name) touched
            left join goldrush_patterns on goldrush_patterns.name = touched.name`,
          Effect.fnUntraced(function* (rows) {
            const changed: Array<StoredPattern> = []
            const removed: Array<string> = []
            let newest = revision
            for (const { touched, change, ...row } of rows) {
              newest = Math.max(newest, change)
              if (row.id === null) removed.push(touched)
              else changed.push(yield* stored(row))
            }
            return { revision: newest, changed, removed }
          })
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
