/** What a pattern found, and the id by which whoever acts on it knows it again. */
import { hash } from "node:crypto"

/** A value that can tell one key from another. */
export type Scalar = string | number | boolean

/**
 * `match` is something that happened. A state that lasts, such as "too hot", begins with `enter` and ends with `exit`, one
 * of each a cycle.
 */
export type MatchKind = "match" | "enter" | "exit"

/** One answer of a pattern. The same events, in whatever pieces they come, give the same matches with the same ids. */
export interface Match {
  /** SHA-256, in hex: an action that was done for it need not be done again. */
  readonly id: string
  readonly pattern: string
  readonly version: number
  /** Tells one key from another as text; empty where all events are of one key. */
  readonly key: string
  /** The fields of the key, as written in the pattern. */
  readonly by: Readonly<Record<string, Scalar>>
  readonly kind: MatchKind
  /** When it became true, event time, ms. */
  readonly at: number
  /** Where a window or a wait ended; absent where an event made the match. */
  readonly windowEnd?: number
  /** Ids of the events that made it, or of the matches where it is one of other patterns. */
  readonly events: ReadonlyArray<string>
  /** `value` of an aggregate, and what the pattern says under `emit`. */
  readonly values: Readonly<Record<string, unknown>>
  /** False while less than a window has passed since the pattern began without state: it may not know all it should. */
  readonly isWarm: boolean
}

/** What makes a match this one and no other. */
export interface MatchIdentity {
  readonly pattern: string
  readonly version: number
  readonly key: string
  readonly kind: MatchKind
  readonly windowEnd: number | undefined
  readonly events: ReadonlyArray<string>
}

/** The id of a match: of the end of its window where time made it, of its events where they did. */
export const matchIdOf = ({ pattern, version, key, kind, windowEnd, events }: MatchIdentity): string =>
  hash("sha256", JSON.stringify([pattern, version, key, kind, windowEnd ?? events]), "hex")
