/** Rows of the audit's tables, and what they stand for: a row that was tampered with is read as it is, and found out by its hash. */

import type { KeyCertificate } from "../../protocol/audit/AuditKey.ts"
import type { AuditCategory } from "../../protocol/audit/Category.ts"
import { hexOf } from "../../protocol/audit/Hash.ts"
import type { Seal } from "../../protocol/audit/Sealed.ts"
import type { Severity } from "../../protocol/Event.ts"
import type { StoredRecord, StoredSegment } from "../../systems/audit/AuditLog.ts"
import type { ChainedRecord, ChainHead } from "../../systems/audit/Chain.ts"

/** A signature and its key as they are selected. */
interface SealRow {
  readonly signature: Uint8Array | null
  readonly keyId: Uint8Array | null
}

/** As it is selected. */
export interface RecordRow extends SealRow {
  readonly id: string
  readonly vsm: string
  readonly seq: number
  readonly hlcMs: number
  readonly hlcCtr: number
  readonly hlcNode: Uint8Array
  readonly wall: number
  readonly type: string
  readonly category: AuditCategory
  readonly severity: Severity
  readonly subject: string
  readonly subjectSeq: number
  readonly principal: string
  readonly root: string | null
  readonly capability: string | null
  readonly zone: string | null
  readonly unit: string | null
  readonly at: number
  readonly cursor: string
  readonly isKept: boolean
  readonly payload: unknown
  readonly payloadHash: Uint8Array
  readonly payloadBytes: number | null
  readonly causes: ReadonlyArray<string>
  readonly prevHash: Uint8Array
  readonly hash: Uint8Array
  readonly segment: number
}

/** Times to the microsecond, as fractions: one that was moved by less than a millisecond is another one. */
export const recordColumns = `id::text, vsm_id as vsm, seq::float8, hlc_ms::float8 as "hlcMs", hlc_ctr as "hlcCtr",
  hlc_node as "hlcNode", (extract(epoch from wall) * 1000)::float8 as wall, event_type as type, category, severity, subject,
  subject_seq::float8 as "subjectSeq", user_id as principal, root, capability_name as capability, zone, unit, at_ms as at,
  cursor, payload is not null as "isKept", payload, payload_hash as "payloadHash", payload_bytes as "payloadBytes",
  causes::text[], prev_hash as "prevHash", hash, segment::float8, signature, kid as "keyId"`

const bytesOf = (value: Uint8Array): Uint8Array => new Uint8Array(value)

const nothing = new Uint8Array()

/** Half of one is a seal that no key has made. */
const sealOf = ({ signature, keyId }: SealRow): Seal | undefined =>
  signature === null && keyId === null
    ? undefined
    : { signature: bytesOf(signature ?? nothing), keyId: bytesOf(keyId ?? nothing) }

/** What a row says. */
export const storedRecordOf = (row: RecordRow): StoredRecord => ({
  record: {
    id: row.id,
    vsm: row.vsm,
    seq: row.seq,
    hlc: { ms: row.hlcMs, ctr: row.hlcCtr, node: hexOf(row.hlcNode) },
    wall: row.wall,
    type: row.type,
    category: row.category,
    severity: row.severity,
    subject: row.subject,
    subjectSeq: row.subjectSeq,
    principal: row.principal,
    root: row.root ?? undefined,
    capability: row.capability ?? undefined,
    zone: row.zone ?? undefined,
    unit: row.unit ?? undefined,
    at: row.at,
    cursor: row.cursor,
    payloadHash: bytesOf(row.payloadHash),
    payloadBytes: row.payloadBytes ?? undefined,
    causes: row.causes,
    prevHash: bytesOf(row.prevHash)
  },
  isKept: row.isKept,
  payload: row.payload,
  hash: bytesOf(row.hash),
  segment: row.segment,
  seal: sealOf(row)
})

/** A record as a row of the JSON that {@link insertShape} takes. */
export const insertedOf = ({ record, payload, hash, segment, seal }: ChainedRecord) => ({
  ...record,
  hlcMs: record.hlc.ms,
  hlcCtr: record.hlc.ctr,
  hlcNode: record.hlc.node,
  payloadHash: hexOf(record.payloadHash),
  prevHash: hexOf(record.prevHash),
  hash: hexOf(hash),
  segment,
  ...(record.payloadBytes === undefined ? {} : { payload }),
  ...(seal !== undefined && { signature: hexOf(seal.signature), keyId: hexOf(seal.keyId) })
})

/** Adds the records of a JSON list. A payload that is null is kept as JSON's null, one that is too long not at all. */
export const insertShape = `insert into audit_events (id, vsm_id, seq, hlc_ms, hlc_ctr, hlc_node, wall, event_type, category,
    severity, subject, subject_seq, user_id, root, capability_name, zone, unit, at_ms, cursor, payload, payload_hash,
    payload_bytes, causes, prev_hash, hash, segment, signature, kid)
  select id, vsm, seq, "hlcMs", "hlcCtr", decode("hlcNode", 'hex'), to_timestamp(wall / 1000), type, category, severity,
    subject, "subjectSeq", principal, root, capability, zone, unit, at, cursor,
    case when "payloadBytes" is not null then coalesce(payload, 'null') end, decode("payloadHash", 'hex'), "payloadBytes",
    causes, decode("prevHash", 'hex'), decode(hash, 'hex'), segment,
    decode(signature, 'hex'), decode("keyId", 'hex')
  from jsonb_to_recordset($1::jsonb) as given (id uuid, vsm text, seq bigint, "hlcMs" bigint, "hlcCtr" integer,
    "hlcNode" text, wall float8, type text, category text, severity text, subject text, "subjectSeq" bigint, principal text,
    root text, capability text, zone text, unit text, at float8, cursor text, payload jsonb, "payloadHash" text,
    "payloadBytes" integer, causes uuid[], "prevHash" text, hash text, segment bigint,
    signature text, "keyId" text)`

/** As it is selected. */
export interface SegmentRow extends SealRow {
  readonly vsm: string
  readonly segment: number
  readonly first: number
  readonly last: number
  readonly root: Uint8Array
  readonly lastHash: Uint8Array
  readonly prevHead: Uint8Array
  readonly sealedAt: number
  readonly hasWitnesses: boolean
}

export const segmentColumns = `vsm_id as vsm, segment::float8, first_seq::float8 as first, last_seq::float8 as last, root,
  last_hash as "lastHash", prev_head as "prevHead", hlc_ms::float8 as "sealedAt",
  signature, kid as "keyId", witnesses is not null as "hasWitnesses"`

/** What a row says. */
export const storedSegmentOf = ({ hasWitnesses, signature, keyId, ...row }: SegmentRow): StoredSegment => ({
  head: { ...row, root: bytesOf(row.root), lastHash: bytesOf(row.lastHash), prevHead: bytesOf(row.prevHead) },
  seal: sealOf({ signature, keyId }),
  hasWitnesses
})

export const keyColumns = `issuer, epoch, public_key as "publicKey", from_ms::float8 as "from", until_ms::float8 as until,
  previous, signature`

/** What a row says. */
export const certificateOf = (row: KeyCertificate): KeyCertificate => ({
  ...row,
  issuer: bytesOf(row.issuer),
  publicKey: bytesOf(row.publicKey),
  previous: bytesOf(row.previous),
  signature: bytesOf(row.signature)
})

/** As it is selected. */
export interface HeadRow extends Omit<ChainHead, "openedAt"> {
  readonly openedAt: number | null
}

export const headColumns = `vsm_id as vsm, version::float8, seq::float8, hash, cursor, wall::float8, segments::float8,
  sealed_seq::float8 as "sealedTo", prev_head as "prevHead", opened_at::float8 as "openedAt", catalogue`

/** What a row says. */
export const chainHeadOf = ({ openedAt, ...row }: HeadRow): ChainHead => ({
  ...row,
  hash: bytesOf(row.hash),
  prevHead: bytesOf(row.prevHead),
  catalogue: bytesOf(row.catalogue),
  openedAt: openedAt ?? undefined
})
