/** The tables of the audit, as auditors write them and people read them: a seam that the storage of a node fills. */
import { Context, type Effect, Schema } from "effect"
import type { KeyCertificate } from "../../protocol/audit/AuditKey.ts"
import type { AuditRecord } from "../../protocol/audit/AuditRecord.ts"
import type { Seal } from "../../protocol/audit/Sealed.ts"
import type { Segment } from "../../protocol/audit/Segment.ts"
import type { ChainHead, Growth } from "./Chain.ts"

/** The tables did not answer. Transient. */
export class AuditUnavailable extends Schema.TaggedError<AuditUnavailable>()("AuditUnavailable", {
  reason: Schema.String
}) {}

/** A row as it stands: nothing of it is believed. */
export interface StoredRecord {
  readonly record: AuditRecord
  /** Whether a payload stands beside it. */
  readonly isKept: boolean
  readonly payload: unknown
  readonly hash: Uint8Array
  readonly segment: number
  /** Absent where neither a signature nor a key stands there. */
  readonly seal: Seal | undefined
}

/** A head of a segment as it stands. */
export interface StoredSegment {
  readonly head: Segment
  readonly seal: Seal | undefined
  /** Whether something stands in a column that nobody writes. */
  readonly hasWitnesses: boolean
}

/** Which records are wanted: newest first, in front of `before`. Times are those of chaining, ms. */
export interface RecordQuery {
  readonly vsm: string
  readonly before?: number
  readonly since?: number
  readonly until?: number
  readonly category?: string
  /** `KIND/ID` of who spoke, or `KIND:ID` of who asked. */
  readonly actor?: string
  readonly limit: number
}

export class AuditLog extends Context.Service<
  AuditLog,
  {
    /** Where a chain ends; nothing for one that was not begun. */
    readonly head: (vsm: string) => Effect.Effect<ChainHead | undefined, AuditUnavailable>
    /** Hashes of records behind a number, in order, up to another one. */
    readonly hashesBehind: (
      vsm: string,
      seq: number,
      last?: number
    ) => Effect.Effect<ReadonlyArray<Uint8Array>, AuditUnavailable>
    /** Writes all of it or nothing; false where another writer has been there since. */
    readonly write: (growth: Growth) => Effect.Effect<boolean, AuditUnavailable>
    /** Records from a number on, in order, also such as stand there twice. */
    readonly records: (
      vsm: string,
      from: number,
      limit: number
    ) => Effect.Effect<ReadonlyArray<StoredRecord>, AuditUnavailable>
    readonly segments: (
      vsm: string,
      from: number,
      limit: number
    ) => Effect.Effect<ReadonlyArray<StoredSegment>, AuditUnavailable>
    /** The last head of every chain. */
    readonly lastSegments: Effect.Effect<ReadonlyArray<StoredSegment>, AuditUnavailable>
    /** Keys that sign, in the order of their epochs. */
    readonly keys: Effect.Effect<ReadonlyArray<KeyCertificate>, AuditUnavailable>
    /** Whose payloads were taken away, with the number of the record that says so, as the rows have it that stand there. */
    readonly erased: (vsm: string) => Effect.Effect<ReadonlyMap<number, number>, AuditUnavailable>
    readonly find: (query: RecordQuery) => Effect.Effect<ReadonlyArray<StoredRecord>, AuditUnavailable>
    /** Records of events with these ids, of any chain. */
    readonly ofEvents: (ids: ReadonlyArray<string>) => Effect.Effect<ReadonlyArray<StoredRecord>, AuditUnavailable>
  }
>()("holon/systems/audit/AuditLog") {}
