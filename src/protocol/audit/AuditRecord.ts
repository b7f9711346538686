/** One record of an audit chain: an act, a refusal or a decision, whose, because of what, and the hash of the one before it. */

import { major } from "../CborReader.ts"
import type { CborWriter as Writer } from "../CborWriter.ts"
import { CborWriter } from "../CborWriter.ts"
import type { HolonEvent, Severity } from "../Event.ts"
import { uuidBytes } from "../Ids.ts"
import type { AuditCategory } from "./Category.ts"
import { hashOf } from "./Hash.ts"
import { digestOf } from "./Payload.ts"

/** The form of records that this release writes. */
export const recordForm = 1

/** What is said of an event, wherever it stands in a chain. */
export interface AuditEntry {
  /** Id of the event. */
  readonly id: string
  /** Cursor of the event in the journal; that behind which the chain goes on where the record is of no event. */
  readonly cursor: string
  /** When the event was written, by the clock of its actor; `node` is 8 bytes in hex. */
  readonly hlc: HolonEvent["ts"]
  /** When it happened, ms. */
  readonly at: number
  readonly category: AuditCategory
  readonly type: string
  readonly severity: Severity
  /** `KIND/ID` of the actor that speaks, and its number among all that this actor said. */
  readonly subject: string
  readonly subjectSeq: number
  /** `KIND:ID` of who asked. */
  readonly principal: string
  /** What began the chain of causes. */
  readonly root: string | undefined
  readonly capability: string | undefined
  readonly zone: string | undefined
  readonly unit: string | undefined
  readonly causes: ReadonlyArray<string>
  readonly payload: unknown
}

/** An entry in its chain. */
export interface AuditRecord extends Omit<AuditEntry, "payload"> {
  readonly vsm: string
  /** From 1 on, without a gap. */
  readonly seq: number
  /** When it was chained, ms; never before that of the record before it. */
  readonly wall: number
  readonly payloadHash: Uint8Array
  readonly payloadBytes: number | undefined
  readonly prevHash: Uint8Array
}

const writer = new CborWriter()

const idBytes = (writer: Writer, id: string): void => {
  const bytes = uuidBytes(id)
  if (bytes === undefined) throw new RangeError(`no UUID: ${id}`)
  writer.byteString(bytes)
}

/** Deterministic CBOR (RFC 8949, 4.2.1): a map by number, in the order of the numbers, without what is absent. */
export const encodeRecord = (record: AuditRecord): Uint8Array => {
  const { root, capability, zone, unit, payloadBytes, hlc } = record
  const absent = [root, capability, zone, unit, payloadBytes].filter((field) => field === undefined).length
  const texts = (key: number, text: string | undefined): void => {
    if (text === undefined) return
    writer.number(key)
    writer.text(text)
  }
  const numbers = (key: number, value: number): void => {
    writer.number(key)
    writer.number(value)
  }
  writer.begin()
  writer.head(major.map, 22 - absent)
  numbers(1, recordForm)
  texts(2, record.vsm)
  numbers(3, record.seq)
  writer.number(4)
  idBytes(writer, record.id)
  writer.number(5)
  writer.head(major.list, 3)
  writer.number(hlc.ms)
  writer.number(hlc.ctr)
  writer.byteString(Buffer.from(hlc.node, "hex"))
  numbers(6, record.wall)
  texts(7, record.category)
  texts(8, record.type)
  texts(9, record.subject)
  numbers(10, record.subjectSeq)
  texts(11, record.principal)
  texts(12, root)
  texts(13, capability)
  texts(14, zone)
  writer.number(15)
  writer.head(major.list, record.causes.length)
  for (const cause of record.causes) idBytes(writer, cause)
  texts(16, record.cursor)
  texts(17, record.severity)
  numbers(18, record.at)
  texts(19, unit)
  writer.number(20)
  writer.byteString(record.payloadHash)
  if (payloadBytes !== undefined) numbers(21, payloadBytes)
  writer.number(22)
  writer.byteString(record.prevHash)
  return writer.take()
}

/** SHA-256 of a zero byte and the record. */
export const hashOfRecord = (record: AuditRecord): Uint8Array => hashOf(encodeRecord(record))

/**
 * What an act, a refusal or a command names as what it was for. The name of a command is what somebody has typed, and PostgreSQL
 * keeps no text with a zero in it: one such name would stop the chain.
 */
const capabilityOf = ({ type, data }: HolonEvent): string | undefined => {
  const { capability, name } = Object(data)
  const named = type.startsWith("command.") ? name : capability
  return typeof named === "string" && !named.includes("\u0000") ? named : undefined
}

/** What is said of an event. */
export const entryOf = (event: HolonEvent, cursor: string, category: AuditCategory): AuditEntry => ({
  id: event.id,
  cursor,
  hlc: event.ts,
  at: event.at,
  category,
  type: event.type,
  severity: event.severity,
  subject: `${event.source.actor}/${event.source.id}`,
  subjectSeq: event.seq,
  principal: event.context?.principal ?? "",
  root: event.context?.root,
  capability: capabilityOf(event),
  zone: event.zone,
  unit: event.unit,
  causes: event.causes,
  payload: event.data
})

/** An entry at its place in a chain. */
export const recordAt = (
  { payload, ...entry }: AuditEntry,
  place: Pick<AuditRecord, "vsm" | "seq" | "wall" | "prevHash">
): AuditRecord => {
  const { hash, bytes } = digestOf(payload)
  return { ...entry, ...place, payloadHash: hash, payloadBytes: bytes }
}
