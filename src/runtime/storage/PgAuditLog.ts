/** The tables of the audit on PostgreSQL, through the node's general pool. */
import { PgClient } from "@effect/sql-pg"
import { Effect, Layer } from "effect"
import type { SqlError } from "effect/sql/SqlError"
import type { KeyCertificate } from "../../protocol/audit/AuditKey.ts"
import { AuditLog, AuditUnavailable, type RecordQuery } from "../../systems/audit/AuditLog.ts"
import { type ChainHead, erasedType, type Growth } from "../../systems/audit/Chain.ts"
import {
  certificateOf,
  chainHeadOf,
  type HeadRow,
  headColumns,
  insertedOf,
  insertShape,
  keyColumns,
  type RecordRow,
  recordColumns,
  type SegmentRow,
  segmentColumns,
  storedRecordOf,
  storedSegmentOf
} from "./AuditRows.ts"
import { sqlReason } from "./SqlReason.ts"

/** Records of one statement: as JSON they are a few hundred bytes each, some of them 32 KiB. */
const insertedMax = 250

const answer = <A>(effect: Effect.Effect<A, SqlError>): Effect.Effect<A, AuditUnavailable> =>
  Effect.mapError(effect, (error) => new AuditUnavailable({ reason: sqlReason(error) }))

const make = Effect.gen(function* () {
  const sql = yield* PgClient.PgClient
  const columns = sql.literal(recordColumns)

  /** Steps the row of the chain; nothing where it is at another version, also while another writer is just stepping it. */
  const stepped = (head: ChainHead) => {
    const { vsm, version, seq, hash, cursor, wall, segments, sealedTo, prevHead, openedAt, catalogue } = head
    const opened = openedAt ?? null
    return version === 1
      ? sql`insert into audit_heads (vsm_id, version, seq, hash, cursor, wall, segments, sealed_seq, prev_head, opened_at, catalogue)
          values (${vsm}, 1, ${seq}, ${hash}, ${cursor}, ${wall}, ${segments}, ${sealedTo}, ${prevHead}, ${opened}, ${catalogue})
          on conflict do nothing returning 1 as stepped`
      : sql`update audit_heads set version = ${version}, seq = ${seq}, hash = ${hash}, cursor = ${cursor}, wall = ${wall},
            segments = ${segments}, sealed_seq = ${sealedTo}, prev_head = ${prevHead}, opened_at = ${opened}, catalogue = ${catalogue}
          where vsm_id = ${vsm} and version = ${version - 1} returning 1 as stepped`
  }

  const add = Effect.fnUntraced(function* ({ head, records, segments, erased }: Growth) {
    for (let at = 0; at < records.length; at += insertedMax) {
      const rows = JSON.stringify(records.slice(at, at + insertedMax).map(insertedOf))
      yield* sql.unsafe(insertShape, [rows])
    }
    for (const { head, seal } of segments) {
      const { vsm, segment, first, last, root, lastHash, prevHead, sealedAt } = head
      yield* sql`insert into audit_segments (vsm_id, segment, first_seq, last_seq, root, last_hash, prev_head, hlc_ms, signature, kid)
        values (${vsm}, ${segment}, ${first}, ${last}, ${root}, ${lastHash}, ${prevHead}, ${sealedAt}, ${seal.signature}, ${seal.keyId})`
    }
    if (erased.length > 0) yield* sql`select audit_erase(${head.vsm}, ${erased}::bigint[])`
  })

  const found = ({ vsm, before, since, until, category, actor, limit }: RecordQuery) => {
    const asked = [sql`vsm_id = ${vsm}`]
    if (before !== undefined) asked.push(sql`seq < ${before}`)
    if (since !== undefined) asked.push(sql`wall >= to_timestamp(${since}::float8 / 1000)`)
    if (until !== undefined) asked.push(sql`wall < to_timestamp(${until}::float8 / 1000)`)
    if (category !== undefined) asked.push(sql`category = ${category}`)
    if (actor !== undefined) asked.push(sql`(subject = ${actor} or user_id = ${actor})`)
    return sql<RecordRow>`select ${columns} from audit_events e where ${sql.and(asked)} order by e.seq desc limit ${limit}`
  }

  return AuditLog.of({
    head: (vsm) =>
      answer(
        Effect.map(sql<HeadRow>`select ${sql.literal(headColumns)} from audit_heads where vsm_id = ${vsm}`, ([row]) =>
          row === undefined ? undefined : chainHeadOf(row)
        )
      ),
    hashesBehind: (vsm, seq, last = Number.MAX_SAFE_INTEGER) =>
      answer(
        Effect.map(
          sql<{ readonly hash: Uint8Array }>`select hash from audit_events
            where vsm_id = ${vsm} and seq > ${seq} and seq <= ${last} order by seq`,
          (rows) => rows.map(({ hash }) => new Uint8Array(hash))
        )
      ),
    write: (growth) =>
      answer(
        sql.withTransaction(
          Effect.gen(function* () {
            // First of all: whoever else would add records waits here, and then has the wrong version.
            const rows = yield* stepped(growth.head)
            if (rows.length === 0) return false
            yield* add(growth)
            return true
          })
        )
      ),
    records: (vsm, from, limit) =>
      answer(
        Effect.map(
          // Qualified: a bare `seq` in `order by` would be that of the list, which is in no index.
          sql<RecordRow>`select ${columns} from audit_events e
            where vsm_id = ${vsm} and seq >= ${from} order by e.seq, e.wall limit ${limit}`,
          (rows) => rows.map(storedRecordOf)
        )
      ),
    segments: (vsm, from, limit) =>
      answer(
        Effect.map(
          sql<SegmentRow>`select ${sql.literal(segmentColumns)} from audit_segments s
            where vsm_id = ${vsm} and segment >= ${from} order by s.segment limit ${limit}`,
          (rows) => rows.map(storedSegmentOf)
        )
      ),
    lastSegments: answer(
      Effect.map(
        sql<SegmentRow>`select ${sql.literal(segmentColumns)} from (
            select last.* from audit_heads h join lateral (
              select * from audit_segments s where s.vsm_id = h.vsm_id order by s.segment desc limit 1) last on true
          ) last`,
        (rows) => rows.map(storedSegmentOf)
      )
    ),
    keys: answer(
      Effect.map(
        sql<KeyCertificate>`select ${sql.literal(keyColumns)} from audit_keys order by issuer, epoch`,
        (rows) => rows.map(certificateOf)
      )
    ),
    erased: (vsm) =>
      answer(
        Effect.map(
          sql<{ readonly erased: number; readonly by: number }>`
            select (payload->>'seq')::float8 as erased, min(seq)::float8 as by from audit_events
            where vsm_id = ${vsm} and event_type = ${erasedType} and jsonb_typeof(payload->'seq') = 'number'
            group by erased`,
          (rows) => new Map(rows.map(({ erased, by }) => [erased, by]))
        )
      ),
    find: (query) => answer(Effect.map(found(query), (rows) => rows.map(storedRecordOf))),
    ofEvents: (ids) =>
      answer(
        Effect.map(
          sql<RecordRow>`select ${columns} from audit_events where id = any(${ids}::uuid[]) order by vsm_id, seq`,
          (rows) => rows.map(storedRecordOf)
        )
      )
  })
})

/** Needs a migrated database. */
export const layerPgAuditLog: Layer.Layer<AuditLog, never, PgClient.PgClient> = Layer.effect(AuditLog, make)
