/** The journal on PostgreSQL: followed through connections of its own, searched through the node's general pool. */
import { PgClient } from "@effect/sql-pg"
import { Effect, Layer } from "effect"
import { Reactivity } from "effect/reactivity"
import type { SqlError } from "effect/sql/SqlError"
import { JournalHint } from "../../events/JournalHint.ts"
import {
  followBy,
  type JournalEntry,
  type JournalPart,
  JournalReader,
  type JournalReaderMethods,
  JournalUnavailable
} from "../../events/JournalReader.ts"
import { decodeJournalBody, JournalBodyMalformed, type JournalRecord } from "../../protocol/JournalBody.ts"

/** A row of the journal as it is read. */
export interface JournalRow {
  readonly txid: string
  readonly position: number
  readonly kind: string
  readonly id: string
  readonly version: number
  readonly at: number
  readonly body: Uint8Array
}

interface PlaceRow {
  readonly txid: string
  readonly position: number
}

const recordsOf = (body: Uint8Array): ReadonlyArray<JournalRecord> | string => {
  try {
    return decodeJournalBody(body)
  } catch (error) {
    return error instanceof JournalBodyMalformed ? error.message : `no CBOR: ${String(error)}`
  }
}

/** What a row holds; one that this node cannot read says so. */
export const entryOf = ({ txid, position, kind, id, version, at, body }: JournalRow): JournalEntry => {
  const records = recordsOf(body)
  const isReadable = typeof records !== "string"
  return {
    at: { transaction: BigInt(txid), position },
    kind,
    id,
    version,
    committedAt: at,
    records: isReadable ? records : [],
    unreadable: isReadable ? undefined : records
  }
}

const followConnections = 2

/**
 * The journal is read many times a second, by its order alone. To plan that over all partitions anew costs ten times the
 * reading: one plan for good, by the index of the order whatever the statistics say.
 */
const followParameters = {
  plan_cache_mode: "force_generic_plan",
  enable_seqscan: "off",
  enable_bitmapscan: "off",
  enable_sort: "off",
  jit: "off"
} as const

const make = Effect.gen(function* () {
  const sql = yield* PgClient.PgClient
  // Connects when it is first used, so that nothing fails here.
  const following = yield* Effect.orDie(
    PgClient.make({
      ...sql.config,
      maxConnections: followConnections,
      applicationName: "holon journal",
      startupParameters: followParameters
    })
  )
  const hint = yield* JournalHint

  const inPart = (part: JournalPart) => sql.literal(part === "events" ? "j.lasting" : "true")

  const answer = <A>(effect: Effect.Effect<A, SqlError>): Effect.Effect<A, JournalUnavailable> =>
    Effect.mapError(effect, (cause) => new JournalUnavailable({ cause }))

  // Above the oldest open transaction a row may still appear in front of one already read; below it the order is final.
  const read: JournalReaderMethods["read"] = ({ transaction, position }, limit, part = "all") =>
    answer(
      Effect.map(
        // Qualified: a bare `txid` in `order by` would be the text of the list, where 1000 comes before 999.
        following<JournalRow>`select txid::text, position::float8, kind, id, version::float8, at::float8, body from journal j
          where (j.txid, j.position) > (${String(transaction)}::xid8, ${position}::bigint)
            and j.txid < pg_snapshot_xmin(pg_current_snapshot()) and ${inPart(part)}
          order by j.txid, j.position limit ${limit}`,
        (rows) => rows.map(entryOf)
      )
    )

  const end = answer(
    Effect.flatMap(
      sql<{ readonly xmin: string }>`select pg_snapshot_xmin(pg_current_snapshot())::text as xmin`,
      ([row]) =>
        row === undefined
          ? Effect.die("a select without a table answered no row")
          : Effect.succeed({ transaction: BigInt(row.xmin), position: 0 })
    )
  )

  /** In front of the row that was found, or at the end when there is none. */
  const before = (found: Effect.Effect<ReadonlyArray<PlaceRow>, SqlError>) =>
    Effect.flatMap(answer(found), ([row]) =>
      row === undefined ? end : Effect.succeed({ transaction: BigInt(row.txid), position: row.position - 1 })
    )

  return JournalReader.of({
    read,
    end,
    since: (time, part = "all") =>
      before(
        sql<PlaceRow>`select txid::text, position::float8 from journal j
          where j.time >= to_timestamp(${time}::float8 / 1000) and ${inPart(part)}
          order by j.txid, j.position limit 1`
      ),
    last: (count, part = "all") =>
      before(
        sql<PlaceRow>`select l.txid::text, l.position::float8 from (
            select j.txid, j.position from journal j where ${inPart(part)} order by j.txid desc, j.position desc limit ${count}
          ) l order by l.txid, l.position limit 1`
      ),
    follow: followBy(read, hint)
  })
})

/** Needs a migrated database. */
export const layerPgJournal: Layer.Layer<JournalReader, never, PgClient.PgClient | JournalHint> = Layer.effect(
  JournalReader,
  make
).pipe(Layer.provide(Reactivity.layer))
