/** Audit records as people see them. Times are ms since 1970. */
import { Schema } from "effect"
import type { AuditRecord } from "./AuditRecord.ts"
import { hexOf } from "./Hash.ts"

const text = Schema.optionalKey(Schema.String)

/** One record. What stands in a table may have been tampered with: this shows it, `verify` judges it. */
export const AuditRecordView = Schema.Struct({
  vsm: Schema.String,
  seq: Schema.Finite,
  /** When it was chained. */
  wall: Schema.Finite,
  category: Schema.String,
  id: Schema.String,
  type: Schema.String,
  severity: Schema.String,
  /** When it happened. */
  at: Schema.Finite,
  /** `KIND/ID` of the actor that speaks, and `KIND:ID` of who asked. */
  subject: Schema.String,
  principal: Schema.String,
  root: text,
  capability: text,
  zone: text,
  unit: text,
  causes: Schema.Array(Schema.String),
  data: Schema.Json,
  segment: Schema.Finite,
  hash: Schema.String
})
export type AuditRecordView = typeof AuditRecordView.Type

/** Records, newest first; `next` goes into `before` for the page behind. */
export const AuditPage = Schema.Struct({
  records: Schema.Array(AuditRecordView),
  next: Schema.optionalKey(Schema.Finite)
})
export type AuditPage = typeof AuditPage.Type

/** Whose keys sign an audit. Whoever has seen `publicKey` once can check every proof of it. */
export const AuditIssuer = Schema.Struct({
  /** Id of the first key. */
  issuer: Schema.String,
  /** The first key, 32 bytes in hex. */
  publicKey: Schema.String,
  /** How many keys there were: one a day. */
  keys: Schema.Finite,
  /** From when to when there were keys. */
  from: Schema.Finite,
  until: Schema.Finite
})
export type AuditIssuer = typeof AuditIssuer.Type

const isJson = Schema.is(Schema.Json)

/** A record as people see it. */
export const viewOf = (row: {
  readonly record: AuditRecord
  readonly payload: unknown
  readonly segment: number
  readonly hash: Uint8Array
}): AuditRecordView => {
  const { vsm, seq, wall, category, id, type, severity, at, subject, principal, root, capability, zone, unit, causes } =
    row.record
  return {
    vsm,
    seq,
    wall,
    category,
    id,
    type,
    severity,
    at,
    subject,
    principal,
    ...(root !== undefined && { root }),
    ...(capability !== undefined && { capability }),
    ...(zone !== undefined && { zone }),
    ...(unit !== undefined && { unit }),
    causes,
    data: isJson(row.payload) ? row.payload : null,
    segment: row.segment,
    hash: hexOf(row.hash)
  }
}

/** Who or what began something: a person asked, a board sent a frame, or the runtime by itself: a timer, an actor. */
export const Beginning = Schema.Struct({
  by: Schema.Literals(["person", "board", "runtime"]),
  /** Account, device or service. */
  who: Schema.String,
  /** Of the request, where there was one. */
  request: text
})
export type Beginning = typeof Beginning.Type

/** One step on the way from an act back to what began it. */
export const WhyStep = Schema.Struct({
  id: Schema.String,
  type: Schema.String,
  severity: Schema.String,
  at: Schema.Finite,
  subject: Schema.String,
  principal: Schema.String,
  unit: text,
  data: Schema.Json,
  /** Its place in a chain, where it is an act. */
  record: Schema.optionalKey(Schema.Struct({ vsm: Schema.String, seq: Schema.Finite })),
  /** Steps that led to it. */
  causes: Schema.Array(Schema.String),
  /** The rule that made it, as `pattern hot`. */
  rule: text,
  /** What began it; absent where a step that led to it is known. */
  began: Schema.optionalKey(Beginning)
})
export type WhyStep = typeof WhyStep.Type

/** From an act, which comes first, back to all that began it. `isCut`: there is more behind it. */
export const WhyView = Schema.Struct({ id: Schema.String, steps: Schema.Array(WhyStep), isCut: Schema.Boolean })
export type WhyView = typeof WhyView.Type
