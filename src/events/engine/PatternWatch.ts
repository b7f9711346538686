/** A look at the next part of the stream, as the effect of an actor: a seam, so that a behaviour knows no database. */
import { Context, Effect } from "effect"
import type { Because } from "../../protocol/Because.ts"
import type { PatternNumbers } from "../../protocol/PatternPartition.ts"
import type { Action, Pattern } from "../../protocol/pattern/Pattern.ts"
import type { MatcherCounters } from "../matching/Matcher.ts"
import type { PatternMetrics } from "../temporal/Answers.ts"
import type { Match } from "../temporal/Match.ts"

/** All that patterns had seen at a place of the stream. */
export interface Snapshot {
  readonly cursor: string
  /** Our time then, ms. */
  readonly tick: number
  readonly pieces: ReadonlyArray<Uint8Array>
}

/** From where to look. */
export interface Outlook {
  readonly partition: number
  /** Behind this event; from now on when absent. */
  readonly cursor: string | undefined
  /** Our time up to which waits were noticed, ms. */
  readonly tick: number
  /** What was kept of an earlier look. */
  readonly snapshot: Snapshot | undefined
}

/** A match, with all that acting on it needs. */
export interface FoundMatch {
  readonly match: Match
  readonly depth: number
  /** The events that led to it, and the chain that it goes on with. */
  readonly because: Because
  readonly priority: Pattern["priority"]
  readonly actions: ReadonlyArray<Action>
  /** Who wrote the pattern: its actions have his rights. */
  readonly author: string
}

/** What the pattern of a name has counted; nothing for one that is not looked for. */
export type NumbersOf = (pattern: string) => PatternNumbers | undefined

/** What a pattern has counted, and the time it took, ms. */
export interface Counted {
  readonly counts: Readonly<PatternMetrics>
  readonly millis: number
}

/** What one partition of this node has counted since it began to look. */
export interface PartitionCounts {
  readonly partition: number
  readonly matching: MatcherCounters
  /** Spent with events, ms. */
  readonly millis: number
  readonly patterns: ReadonlyMap<string, Counted>
}

/** What came of it. */
export type Looked =
  | {
      readonly _tag: "Looked"
      readonly cursor: string
      readonly tick: number
      readonly found: ReadonlyArray<FoundMatch>
      /** To be kept, now and then: of a place that was looked at before. */
      readonly snapshot: Snapshot | undefined
      /** What a pattern has counted here, as of when it is asked. */
      readonly numbersOf: NumbersOf
    }
  /** The journal or the patterns could not be read. Look again. */
  | { readonly _tag: "Unavailable" }

/** The looks of this node. A process without an event stream, such as a simulation, never sees anything. */
export const PatternWatch = Context.Reference<{
  /** Answers after half a second at most when nothing happens. Never fails. */
  readonly look: (outlook: Outlook) => Effect.Effect<Looked>
  readonly counts: () => ReadonlyArray<PartitionCounts>
}>("holon/events/PatternWatch", { defaultValue: () => ({ look: () => Effect.never, counts: () => [] }) })
