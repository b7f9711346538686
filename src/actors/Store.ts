/** The store as the actor layer sees it: claims, commits and scans, each one statement, answered by a callback. */
import type { Address } from "./Host.ts"

/** A transient failure of the store. Whether the statement took effect is unknown. */
export interface Outage {
  readonly _tag: "Outage"
  readonly cause: unknown
}

/** Keyed parts of an actor beside its head: large or rarely changed values, CBOR each. */
export type Parts = ReadonlyMap<string, Uint8Array>

/** An actor that wakes. */
export interface ClaimRequest extends Address {
  readonly shard: number
  /** Insert the row at version 1 when there is none. */
  readonly creates: boolean
}

/** What a claim found. `Row` was stepped to `version` and names the claimer as owner. */
export type Claimed =
  | {
      readonly _tag: "Row"
      readonly version: number
      readonly format: number
      readonly head: Uint8Array | null
      readonly parts: Parts
    }
  | { readonly _tag: "Absent" }
  | { readonly _tag: "Quarantined"; readonly since: number; readonly cause: string }

/** A message given up after its last try; stored in the commit that consumes it. */
export interface DeadLetter {
  /** What was sent: request id, tell id or frame number, as text. */
  readonly letter: string
  readonly message: string
  /** CBOR of the payload, secrets masked. */
  readonly payload: Uint8Array
  readonly cause: string
  readonly traceId: string
}

/** One actor's part of a group commit: the head, the parts that changed, at most one journal row. */
export interface CommitRow extends Address {
  /** The version this cell holds; the row is written only where it still stands, and stepped by one. */
  readonly expected: number
  readonly shard: number
  readonly format: number
  readonly head: Uint8Array
  /** Earliest instant (ms) at which somebody must wake the actor; `null` for never. */
  readonly wakeAt: number | null
  /** Whether the owner of the shard wakes the actor as soon as it takes the shard over. */
  readonly atTakeover: boolean
  readonly put: ReadonlyArray<readonly [key: string, value: Uint8Array]>
  readonly remove: ReadonlyArray<string>
  /** CBOR of what the commit emitted (events and samples); `null` for nothing. */
  readonly journal: Uint8Array | null
  /** Chains of causes, begun elsewhere, that the events of `journal` go on with; absent for none. */
  readonly roots?: ReadonlyArray<string>
  readonly at: number
  readonly dead: ReadonlyArray<DeadLetter>
}

/** The outcome of one commit statement. */
export type Committed =
  /** `fenced` holds the indexes of rows whose version had moved on: somebody else owns them. */
  | { readonly _tag: "Written"; readonly fenced: ReadonlySet<number> }
  /** The store refused the data of a row; nothing was written. Halve and repeat. */
  | { readonly _tag: "Refused"; readonly cause: unknown }
  /** The store says it rolled the statement back; nothing was written. Repeat as it is. */
  | { readonly _tag: "RolledBack" }
  | Outage

/** What a scan of held shards found due. */
export interface Due {
  readonly actors: ReadonlyArray<Address>
  /** Quarantined actors whose supervisor has not been told yet, with the part of `Supervisor.ts` of those that have one. */
  readonly untold: ReadonlyArray<
    Address & { readonly since: number; readonly cause: string; readonly supervisor?: Uint8Array }
  >
}

/** An actor that has failed too often, and why. */
export interface QuarantineEntry extends Address {
  readonly shard: number
  /** Steps the row version this cell holds, so that a stale owner's quarantine misses. */
  readonly expected: number
  readonly since: number
  readonly cause: string
  readonly attempts: number
}

type Done<A> = (outcome: A | Outage) => void

/** Every call is one statement. A call is answered once, on the host, also after an outage. */
export interface Store {
  /** Loads and fences: steps the row version and names `owner`. Answers in the order of `requests`. */
  readonly claim: (requests: ReadonlyArray<ClaimRequest>, owner: string, done: Done<ReadonlyArray<Claimed>>) => void
  /** Rows are sorted by address. `lane` is 0 or 1; a lane has one statement in flight. */
  readonly commit: (
    lane: number,
    owner: string,
    rows: ReadonlyArray<CommitRow>,
    done: (outcome: Committed) => void
  ) => void
  /** Actors of these shards due at `now`, at most `limit`; with `takeover`, also those flagged for it. Quarantined rows are left out. */
  readonly due: (shards: ReadonlyArray<number>, now: number, takeover: boolean, limit: number, done: Done<Due>) => void
  /** Answers whether the row was still this cell's. */
  readonly quarantine: (entry: QuarantineEntry, done: Done<boolean>) => void
  /** The supervisor has acknowledged the escalation. */
  readonly told: (address: Address, since: number, done: Done<void>) => void
}
