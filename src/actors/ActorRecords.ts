/** Looking at actors without waking them: plain reads of what is stored, and the operators' lists of what went wrong. */
import { Context, type Effect, type Option, Schema } from "effect"
import type { Address } from "./Host.ts"
import type { DeadLetter, Parts } from "./Store.ts"

/** The store did not answer. Transient. */
export class RecordsUnavailable extends Schema.TaggedError<RecordsUnavailable>()("RecordsUnavailable", {
  cause: Schema.Defect()
}) {}

/** One actor as it rests in the store; a resident one may be ahead of it by the commit under way. */
export interface ActorRecord extends Address {
  readonly shard: number
  readonly version: number
  /** Node that claimed it last. It need not be resident there. */
  readonly owner: string
  readonly format: number
  /** `null` until the first commit. */
  readonly head: Uint8Array | null
  readonly parts: Parts
  readonly wakeAt: number | null
  readonly quarantine: Quarantine | undefined
}

/** Why an actor stands still, until an operator or its supervisor releases it. */
export interface Quarantine {
  /** Ms since 1970. */
  readonly since: number
  readonly cause: string
  readonly attempts: number
  /** Whether its supervisor has acknowledged the escalation. */
  readonly told: boolean
}

/** A message given up, with its number in the list. */
export interface DeadLetterRecord extends Address, DeadLetter {
  readonly number: number
  /** When the commit that consumed it was made, ms since 1970. */
  readonly at: number
  readonly isRetried: boolean
}

export interface RecordCounts {
  /** As the database's statistics have it: cheap, and a little late. */
  readonly actors: number
  readonly quarantined: number
  /** Dead letters not retried yet. */
  readonly deadLetters: number
  /** What the journal takes on disk: commits with events, and those with samples only. */
  readonly eventBytes: number
  readonly sampleBytes: number
}

export interface Page<Cursor> {
  /** The last one of the page before; absent for the first page. */
  readonly after?: Cursor
  readonly limit: number
}

/** Everything here is one statement and takes no part in fencing. All fail with {@link RecordsUnavailable}. */
export class ActorRecords extends Context.Service<
  ActorRecords,
  {
    readonly read: (address: Address) => Effect.Effect<Option.Option<ActorRecord>, RecordsUnavailable>
    /** Ordered by id, bytewise. Pages stay in step while actors come: none is shown twice or skipped. */
    readonly list: (kind: string, page: Page<string>) => Effect.Effect<ReadonlyArray<ActorRecord>, RecordsUnavailable>
    /** Oldest first. */
    readonly deadLetters: (page: Page<number>) => Effect.Effect<ReadonlyArray<DeadLetterRecord>, RecordsUnavailable>
    readonly deadLetter: (number: number) => Effect.Effect<Option.Option<DeadLetterRecord>, RecordsUnavailable>
    /** Durable. Answers whether this call was the one that marked it, so that of two operators one retries. */
    readonly markRetried: (number: number) => Effect.Effect<boolean, RecordsUnavailable>
    /** Durable. Answers whether there was one. */
    readonly deleteDeadLetter: (number: number) => Effect.Effect<boolean, RecordsUnavailable>
    /** Ordered by address, bytewise. */
    readonly quarantined: (
      page: Page<Address>
    ) => Effect.Effect<ReadonlyArray<Address & Quarantine>, RecordsUnavailable>
    /** Durable. Claims work again afterwards; wake the actor. Answers its shard, or nothing when it was not quarantined. */
    readonly release: (address: Address) => Effect.Effect<Option.Option<number>, RecordsUnavailable>
    readonly counts: Effect.Effect<RecordCounts, RecordsUnavailable>
  }
>()("holon/actors/ActorRecords") {}
