/** Reads of stored actors on PostgreSQL, through the node's general pool. */
import { PgClient } from "@effect/sql-pg"
import { Effect, Layer, Option } from "effect"
import type { SqlError } from "effect/sql/SqlError"
import {
  type ActorRecord,
  ActorRecords,
  type DeadLetterRecord,
  type Quarantine,
  type RecordCounts,
  RecordsUnavailable
} from "../../actors/ActorRecords.ts"
import type { Address } from "../../actors/Host.ts"

interface ActorRow {
  readonly kind: string
  readonly id: string
  readonly shard: number
  readonly version: number
  readonly owner: string
  readonly format: number
  readonly head: Uint8Array | null
  readonly wakeAt: number | null
  readonly keys: ReadonlyArray<string> | null
  readonly values: ReadonlyArray<Uint8Array> | null
  readonly since: number | null
  readonly cause: string | null
  readonly attempts: number | null
  readonly told: boolean | null
}

// Every `bigint` here is read as a double: instants and versions fit, and no caller has to handle two kinds of number.
const actorColumns = `a.kind, a.id, a.shard, a.version::float8, a.owner, a.format, a.head, a.wake_at::float8 as "wakeAt",
  p.keys, p.values, q.since::float8, q.cause, q.attempts, q.told
  from actor a
  left join quarantine q on q.kind = a.kind and q.id = a.id and q.released_at is null
  left join lateral (
    select array_agg(key) as keys, array_agg(value) as values from actor_part where kind = a.kind and id = a.id) p on true`

const letterColumns = `number::float8, kind, id, at::float8, letter, message, payload, cause, trace_id as "traceId",
  retried_at is not null as "isRetried"`

const quarantineOf = ({ since, cause, attempts, told }: ActorRow): Quarantine | undefined =>
  since === null || cause === null || attempts === null || told === null ? undefined : { since, cause, attempts, told }

const recordOf = (row: ActorRow): ActorRecord => {
  const { kind, id, shard, version, owner, format, head, wakeAt } = row
  const parts = new Map<string, Uint8Array>()
  for (const [index, key] of (row.keys ?? []).entries()) {
    const value = row.values?.[index]
    if (value !== undefined) parts.set(key, value)
  }
  return { kind, id, shard, version, owner, format, head, parts, wakeAt, quarantine: quarantineOf(row) }
}

const make = Effect.gen(function* () {
  const sql = yield* PgClient.PgClient

  const answer = <A>(effect: Effect.Effect<A, SqlError>): Effect.Effect<A, RecordsUnavailable> =>
    Effect.mapError(effect, (cause) => new RecordsUnavailable({ cause }))

  return ActorRecords.of({
    read: ({ kind, id }) =>
      answer(
        Effect.map(
          sql<ActorRow>`select ${sql.literal(actorColumns)} where a.kind = ${kind} and a.id = ${id}`,
          ([row]) => (row === undefined ? Option.none() : Option.some(recordOf(row)))
        )
      ),

    list: (kind, { after, limit }) =>
      answer(
        Effect.map(
          sql<ActorRow>`select ${sql.literal(actorColumns)}
            where a.kind = ${kind} and a.id > ${after ?? ""} order by a.id limit ${limit}`,
          (rows) => rows.map(recordOf)
        )
      ),

    deadLetters: ({ after, limit }) =>
      answer(
        sql<DeadLetterRecord>`select ${sql.literal(letterColumns)} from dead_letter
          where number > ${after ?? 0} order by number limit ${limit}`
      ),

    deadLetter: (number) =>
      answer(
        Effect.map(
          sql<DeadLetterRecord>`select ${sql.literal(letterColumns)} from dead_letter where number = ${number}`,
          ([row]) => Option.fromUndefinedOr(row)
        )
      ),

    markRetried: (number) =>
      answer(
        Effect.map(
          sql`update dead_letter set retried_at = now() where number = ${number} and retried_at is null returning true`,
          (rows) => rows.length === 1
        )
      ),

    deleteDeadLetter: (number) =>
      answer(
        Effect.map(sql`delete from dead_letter where number = ${number} returning true`, (rows) => rows.length === 1)
      ),

    quarantined: ({ after, limit }) =>
      answer(
        sql<Address & Quarantine>`select kind, id, since::float8, cause, attempts, told from quarantine
          where released_at is null and (kind, id) > (${after?.kind ?? ""}, ${after?.id ?? ""})
          order by kind, id limit ${limit}`
      ),

    release: ({ kind, id }) =>
      answer(
        Effect.map(
          sql<{ readonly shard: number }>`update quarantine set released_at = now()
            where kind = ${kind} and id = ${id} and released_at is null returning shard`,
          ([row]) => Option.fromUndefinedOr(row?.shard)
        )
      ),

    counts: answer(
      Effect.flatMap(
        sql<RecordCounts>`select
          (select greatest(reltuples, 0)::float8 from pg_class where oid = 'actor'::regclass) as actors,
          (select count(*)::float8 from quarantine where released_at is null) as quarantined,
          (select count(*)::float8 from dead_letter where retried_at is null) as "deadLetters",
          (select coalesce(sum(pg_total_relation_size(relid)), 0)::float8
            from pg_partition_tree('journal_events')) as "eventBytes",
          (select coalesce(sum(pg_total_relation_size(relid)), 0)::float8
            from pg_partition_tree('journal_samples')) as "sampleBytes"`,
        ([row]) => (row === undefined ? Effect.die("a select without a table answered no row") : Effect.succeed(row))
      )
    )
  })
})

/** Needs a migrated database. */
export const layerPgActorRecords: Layer.Layer<ActorRecords, never, PgClient.PgClient> = Layer.effect(ActorRecords, make)
