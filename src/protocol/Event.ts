/** The one shape of events on the stream, whoever speaks: boards, device actors, policies, the runtime. */
import { createHash } from "node:crypto"
import { Schema } from "effect"
import { causesMax } from "./Because.ts"
import { isUuidV7, uuidText } from "./Ids.ts"
import { type JournalRecord, severities } from "./JournalBody.ts"

const uint = (maximum: number) => Schema.Int.check(Schema.isBetween({ minimum: 0, maximum }))
const millis = uint(Number.MAX_SAFE_INTEGER)

/** A UUID as canonical lower-case text. */
const Id = Schema.String.check(Schema.isPattern(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/))

/** How grave it is, lightest first. */
export const Severity = Schema.Literals(severities)
export type Severity = typeof Severity.Type

/** What happened: lower-case segments with dots between them, in the past tense for what an actor did. A board's events may have one segment. */
export const EventType = Schema.String.check(
  Schema.isPattern(/^[a-z0-9][a-z0-9_-]*(\.[a-z0-9][a-z0-9_-]*)*$/),
  Schema.isMaxLength(128)
)

/** A hybrid logical clock: orders by `ms`, then `ctr`, then `node` (8 bytes, as lower-case hex). */
export const Hlc = Schema.Struct({
  ms: uint(2 ** 48 - 1),
  ctr: uint(0xffff),
  node: Schema.String.check(Schema.isPattern(/^[0-9a-f]{16}$/))
})
export type Hlc = typeof Hlc.Type

/** One event. */
export const HolonEvent = Schema.Struct({
  id: Id,
  type: EventType,
  /** Kind and id of the actor that speaks. */
  source: Schema.Struct({ actor: Schema.String, id: Schema.String }),
  /** Counts per source, without a gap. */
  seq: millis,
  /** When it was written. */
  ts: Hlc,
  /** When it happened, ms. */
  at: Schema.Int,
  vsm: Schema.String,
  /** Where the source was then; absent where it was in no zone. */
  zone: Schema.optionalKey(Schema.String),
  unit: Schema.optionalKey(Schema.String),
  sem: Schema.optionalKey(Schema.String),
  key: Schema.optionalKey(Schema.String),
  severity: Severity,
  data: Schema.Json,
  /** Events and requests that led to it. */
  causes: Schema.Array(Id).check(Schema.isMaxLength(causesMax)),
  context: Schema.optionalKey(
    Schema.Struct({
      /** Of the request that began the chain of causes it is in, or of the first event where it was none. */
      root: Schema.optionalKey(Schema.String),
      /** Kind and id of who asked. */
      principal: Schema.String,
      traceparent: Schema.optionalKey(Schema.String)
    })
  ),
  schema: Schema.optionalKey(Schema.String)
})
export type HolonEvent = typeof HolonEvent.Type

/** A commit's place in history: its actor, the version it stepped to, and when (ms since 1970). */
export interface Commit {
  readonly kind: string
  readonly id: string
  readonly version: number
  readonly committedAt: number
}

const digest = (text: string): Uint8Array => createHash("sha256").update(text).digest()

/**
 * Id of the event at `index` of a commit, in the shape of a UUIDv7. Who reads the commit again gets the same id, so that
 * a consumer can tell a repeat; events of one commit sort by their place in it.
 */
export const eventIdOf = ({ kind, id, version, committedAt }: Commit, index: number): string => {
  const bytes = new Uint8Array(16)
  bytes.set(digest(`${kind}\n${id}\n${version}\n${index}`).subarray(0, 8), 8)
  const view = new DataView(bytes.buffer)
  view.setUint16(0, Math.floor(committedAt / 2 ** 32))
  view.setUint32(2, committedAt % 2 ** 32)
  view.setUint16(6, 0x7000 | Math.min(index, 0xfff))
  view.setUint8(8, (view.getUint8(8) & 0x3f) | 0x80)
  return uuidText(bytes)
}

/** Names a chain of causes that begins with a commit's tell before anything is said of it. */
export const chainIdOf = (commit: Commit, tell: number): string =>
  eventIdOf({ ...commit, id: `${commit.id}\ntell` }, tell)

/** Name of an actor's own clock. */
const clockOf = ({ kind, id }: Commit): string =>
  uuidText(digest(`${kind}\n${id}`))
    .replaceAll("-", "")
    .slice(0, 16)

const isJson = Schema.is(Schema.Json)

const causesOf = (
  causes: ReadonlyArray<string>,
  fact: string | undefined,
  requestId: string
): ReadonlyArray<string> => {
  if (fact !== undefined) return [fact]
  if (causes.length > 0) return causes
  return isUuidV7(requestId) ? [requestId] : []
}

/** The events of a commit, from what its journal row holds. Data that is not JSON is shown as null. */
export const eventsOf = (commit: Commit, records: ReadonlyArray<JournalRecord>): ReadonlyArray<HolonEvent> => {
  const node = clockOf(commit)
  const ids = records.map((_, index) => eventIdOf(commit, index))
  return records.map(
    ({ type, seq, at, unit, zone, severity, data, asker, requestId, causes, causedBy, first }, index) => ({
      id: ids[index] ?? eventIdOf(commit, index),
      type,
      source: { actor: commit.kind, id: commit.id },
      seq,
      ts: { ms: commit.committedAt, ctr: Math.min(index, 0xffff), node },
      at,
      vsm: "root",
      ...(zone === undefined ? {} : { zone }),
      ...(unit === undefined ? {} : { unit }),
      severity,
      data: isJson(data) ? data : null,
      causes: causesOf(causes, causedBy === undefined ? undefined : ids[causedBy], requestId),
      context: {
        // What nobody asked for begins a chain with the first that is said of it.
        root: asker.root ?? (isUuidV7(requestId) ? requestId : (ids[first] ?? eventIdOf(commit, first))),
        principal: `${asker.kind}:${asker.id}`,
        ...(asker.traceparent === undefined ? {} : { traceparent: asker.traceparent })
      }
    })
  )
}
