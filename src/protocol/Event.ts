/** The one shape of events on the stream, whoever speaks: boards, device actors, policies, the runtime. */
import { hash } from "node:crypto"
import { Schema } from "effect"
import { causesMax } from "./Because.ts"
import { isUuidV7 } from "./Ids.ts"
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
  /** The VSM that governed the source then. */
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

/** As text: what a reader makes of every event must cost little, and text is the form it is needed in. */
const digest = (text: string): string => hash("sha256", text, "hex")

const variants = "89ab"

/**
 * Id of the event at `index` of a commit, in the shape of a UUIDv7. Who reads the commit again gets the same id, so that
 * a consumer can tell a repeat; events of one commit sort by their place in it.
 */
export const eventIdOf = ({ kind, id, version, committedAt }: Commit, index: number): string => {
  const time = Math.trunc(committedAt).toString(16).padStart(12, "0")
  const place = Math.min(index, 0xfff).toString(16).padStart(3, "0")
  const digits = digest(`${kind}\n${id}\n${version}\n${index}`)
  // The variant of RFC 9562 takes two bits of the first digit.
  const variant = variants[Number.parseInt(digits.charAt(0), 16) & 3] ?? ""
  return `${time.slice(0, 8)}-${time.slice(8)}-7${place}-${variant}${digits.slice(1, 4)}-${digits.slice(4, 16)}`
}

/** Names a chain of causes that begins with a commit's tell before anything is said of it. */
export const chainIdOf = (commit: Commit, tell: number): string =>
  eventIdOf({ ...commit, id: `${commit.id}\ntell` }, tell)

/** Name of an actor's own clock. */
const clockOf = ({ kind, id }: Commit): string => digest(`${kind}\n${id}`).slice(0, 16)

/** Whether stored data is JSON: {@link Schema.Json} without its search for circles, which decoded data never has. */
const isJson = (value: unknown): value is Schema.Json => {
  switch (typeof value) {
    case "string":
    case "boolean":
      return true
    case "number":
      return Number.isFinite(value)
    case "object":
      if (value === null) return true
      if (Array.isArray(value)) return value.every(isJson)
      if (Object.getPrototypeOf(value) !== Object.prototype) return false
      for (const name in value) if (!isJson(Reflect.get(value, name))) return false
      return true
  }
  return false
}

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
    ({ type, seq, at, unit, zone, vsm, severity, data, asker, requestId, causes, causedBy, first }, index) => ({
      id: ids[index] ?? eventIdOf(commit, index),
      type,
      source: { actor: commit.kind, id: commit.id },
      seq,
      ts: { ms: commit.committedAt, ctr: Math.min(index, 0xffff), node },
      at,
      vsm: vsm ?? "root",
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
