/**
 * What one commit puts into its journal row: the events and samples of its transitions, in order, each with the asker that
 * caused it.
 *
 * The stored form is positional and small: `[form, seq, emission…]`. An emission is `[at, asker, request, record…]` with
 * `asker` = `[kind, id, role, root, traceparent]` or null for the runtime; a record is `[code, type, data, dt?, unit?,
 * because?, place?, zone?, vsm?]`, where `code` is the severity's number, plus 8 for a sample, `dt` its time less the emission's,
 * `because` what led to it where that is not the request, `place` that of the record of its emission that did, `zone`
 * that of its actor at the time, or null, and `vsm` that whose unit the actor was then, where that is not the root. Records are numbered from `seq` on, without a gap per actor. `form` is 1, or
 * 2 when there are samples only; a reader refuses others, and leaves alone what stands behind the elements it knows.
 */
import { type Asker, runtimeAsker } from "./Asker.ts"
import { type Because, becauseFromStored, becauseToStored } from "./Because.ts"
import { major } from "./CborReader.ts"
import { CborWriter } from "./CborWriter.ts"
import { decodeStored, writeStored } from "./Stored.ts"

/** How grave a fact is, lightest first. The place in this list is stored. */
export const severities = ["debug", "info", "warn", "error", "critical"] as const

/** One fact on its way into the journal. `at` (ms) is absent when it happened at the time of the transition. */
export interface Fact {
  readonly type: string
  readonly data: unknown
  /** `info` when absent. */
  readonly severity?: (typeof severities)[number]
  readonly at?: number
  readonly unit?: string
  /** Absent for what follows from that for which the transition ran. */
  readonly because?: Because
  /** Place of the event of the same transition that led to it: the cause in place of those of `because`. */
  readonly causedBy?: number
}

/** What one transition emitted. */
export interface Emission {
  /** Time of the transition, ms. */
  readonly at: number
  readonly asker: Asker
  /** Request id of the message that caused it; empty for none. */
  readonly requestId: string
  /** What led to it, where that was no request. */
  readonly causes?: ReadonlyArray<string>
  /** Where the actor is after it. */
  readonly zone?: string | undefined
  /** The VSM that governs the actor after it; absent for the root. */
  readonly vsm?: string | undefined
  readonly events: ReadonlyArray<Fact>
  readonly samples: ReadonlyArray<Fact>
}

/** One fact as it stands in the journal. */
export interface JournalRecord {
  /** Counts per actor, without a gap. */
  readonly seq: number
  readonly isSample: boolean
  readonly type: string
  readonly data: unknown
  readonly severity: (typeof severities)[number]
  readonly at: number
  readonly unit: string | undefined
  /** Where its actor was then. */
  readonly zone: string | undefined
  /** The VSM that governed its actor then; absent for the root. */
  readonly vsm: string | undefined
  readonly asker: Asker
  readonly requestId: string
  /** What led to it, where that was not the request alone. */
  readonly causes: ReadonlyArray<string>
  /** Place in the commit of the fact that led to it, instead. */
  readonly causedBy: number | undefined
  /** Place in the commit of the first fact of the same transition. */
  readonly first: number
}

/** Bytes that are not a journal body of a form this node knows. */
export class JournalBodyMalformed extends Error {
  override readonly name = "JournalBodyMalformed"
}

const lastingForm = 1
const passingForm = 2
const sampleFlag = 8
const codeOf: Readonly<Record<(typeof severities)[number], number>> = {
  debug: 0,
  info: 1,
  warn: 2,
  error: 3,
  critical: 4
}

const writer = new CborWriter()

/** How many elements its record has: what stands in front of the last one that it needs is there too. */
const elementsOf = (
  { unit, causedBy }: Fact,
  delay: number,
  because: Because | undefined,
  zone: string | undefined,
  vsm: string | undefined
): number => {
  if (vsm !== undefined) return 9
  if (zone !== undefined) return 8
  if (causedBy !== undefined) return 7
  if (because !== undefined) return 6
  return unit !== undefined ? 5 : delay === 0 ? 3 : 4
}

const writeRecord = (
  fact: Fact,
  flag: number,
  at: number,
  otherwise: Because | undefined,
  zone: string | undefined,
  vsm: string | undefined
): void => {
  const delay = fact.at === undefined ? 0 : fact.at - at
  const because = fact.because ?? otherwise
  const elements = elementsOf(fact, delay, because, zone, vsm)
  writer.head(major.list, elements)
  writer.number((fact.severity === undefined ? 1 : codeOf[fact.severity]) + flag)
  writer.text(fact.type)
  writeStored(writer, fact.data)
  if (elements > 3) writeStored(writer, delay)
  if (elements > 4) writeStored(writer, fact.unit)
  if (elements > 5) writeStored(writer, because === undefined ? null : becauseToStored(because))
  if (elements > 6) writeStored(writer, fact.causedBy)
  if (elements > 7) writeStored(writer, zone ?? null)
  if (vsm !== undefined) writer.text(vsm)
}

const askerOf = (asker: Asker): ReadonlyArray<unknown> | null => {
  if (asker === runtimeAsker) return null
  const { kind, id, role, root, traceparent } = asker
  if (traceparent !== undefined) return [kind, id, role, root ?? null, traceparent]
  return root === undefined ? [kind, id, role] : [kind, id, role, root]
}

/** An emission in its stored form: what waits for its commit is a few bytes, and not all that a transition made. */
export interface EncodedEmission {
  readonly bytes: Uint8Array
  /** How many numbers its facts take. */
  readonly facts: number
  readonly hasEvents: boolean
}

/** Encodes an emission. Samples come after the events. Throws on what cannot be stored. */
export const encodeEmission = ({
  at,
  asker,
  requestId,
  causes,
  zone,
  vsm,
  events,
  samples
}: Emission): EncodedEmission => {
  const facts = events.length + samples.length
  const because = causes === undefined || causes.length === 0 ? undefined : { causes }
  writer.begin()
  writer.head(major.list, 3 + facts)
  writeStored(writer, at)
  writeStored(writer, askerOf(asker))
  writer.text(requestId)
  for (const event of events) writeRecord(event, 0, at, because, zone, vsm)
  for (const sample of samples) writeRecord(sample, sampleFlag, at, because, zone, vsm)
  return { bytes: writer.takeView(), facts, hasEvents: events.length > 0 }
}

/** How many numbers the emissions take. */
export const countOf = (emissions: ReadonlyArray<EncodedEmission>): number => {
  let count = 0
  for (const { facts } of emissions) count += facts
  return count
}

/** The body of a journal row; `seq` numbers the first fact. */
export const journalBody = (seq: number, emissions: ReadonlyArray<EncodedEmission>): Uint8Array => {
  writer.begin()
  writer.head(major.list, 2 + emissions.length)
  writer.number(emissions.some(({ hasEvents }) => hasEvents) ? lastingForm : passingForm)
  writeStored(writer, seq)
  for (const { bytes } of emissions) writer.encoded(bytes)
  return writer.takeView()
}

/** Whether a body holds nothing but samples, which are kept for a shorter time. Looks at its first bytes only. */
export const holdsOnlySamples = (body: Uint8Array): boolean => {
  // The head of an array (RFC 8949, 3): one byte up to 23 elements, then one with the length in 1, 2, 4 or 8 more.
  const head = body[0] ?? 0
  const at = head < 0x98 ? 1 : 2 + ((1 << (head - 0x98)) - 1)
  return body[at] === passingForm
}

const isInteger = (value: unknown): value is number => Number.isSafeInteger(value)
const kinds: ReadonlySet<unknown> = new Set(["user", "device", "vsm", "service", "plugin"])
const roles: ReadonlySet<unknown> = new Set(["public", "board", "operator", "internal"])
const isKind = (value: unknown): value is Asker["kind"] => kinds.has(value)
const isRole = (value: unknown): value is Asker["role"] => roles.has(value)

const decodeAsker = (value: unknown): Asker | undefined => {
  if (value === null) return runtimeAsker
  if (!Array.isArray(value)) return undefined
  const [kind, id, role, root, traceparent]: ReadonlyArray<unknown> = value
  if (!isKind(kind) || typeof id !== "string" || !isRole(role)) return undefined
  return {
    kind,
    id,
    role,
    ...(typeof root === "string" ? { root } : {}),
    ...(typeof traceparent === "string" ? { traceparent } : {})
  }
}

const noCauses: ReadonlyArray<string> = []

/** The asker in the chain of causes that a fact names for itself. */
const continuing = (asker: Asker, { root, traceparent }: Because): Asker =>
  root === undefined ? asker : { ...asker, root, ...(traceparent !== undefined && { traceparent }) }

/** Decodes a journal row. Throws {@link JournalBodyMalformed}. */
export const decodeJournalBody = (bytes: Uint8Array): ReadonlyArray<JournalRecord> => {
  const malformed = (what: string) => new JournalBodyMalformed(`journal body: ${what}`)
  const body = decodeStored(bytes)
  if (!Array.isArray(body)) throw malformed("no array")
  const [found, first, ...emissions]: ReadonlyArray<unknown> = body
  if (found !== lastingForm && found !== passingForm) throw malformed(`form ${String(found)}`)
  if (!isInteger(first)) throw malformed("no number")
  const records: Array<JournalRecord> = []
  let seq = first
  for (const emission of emissions) {
    if (!Array.isArray(emission)) throw malformed("no emission")
    const [at, by, requestId, ...facts]: ReadonlyArray<unknown> = emission
    const asker = decodeAsker(by)
    if (typeof at !== "number" || asker === undefined || typeof requestId !== "string")
      throw malformed("no emission head")
    const first = records.length
    for (const fact of facts) {
      if (!Array.isArray(fact)) throw malformed("no record")
      const [code, type, data, delay, unit, reason, place, zone, vsm]: ReadonlyArray<unknown> = fact
      const severity = isInteger(code) ? severities[code % sampleFlag] : undefined
      if (!isInteger(code) || severity === undefined || typeof type !== "string") throw malformed("no record head")
      const because = reason === undefined ? undefined : becauseFromStored(reason)
      records.push({
        seq: seq++,
        isSample: code >= sampleFlag,
        type,
        data,
        severity,
        at: typeof delay === "number" ? at + delay : at,
        unit: typeof unit === "string" ? unit : undefined,
        zone: typeof zone === "string" ? zone : undefined,
        vsm: typeof vsm === "string" ? vsm : undefined,
        asker: because === undefined ? asker : continuing(asker, because),
        requestId,
        causes: because?.causes ?? noCauses,
        causedBy: isInteger(place) ? first + place : undefined,
        first
      })
    }
  }
  return records
}
