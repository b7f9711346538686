/** What the world says to the actors that look for patterns: each works on the keys of one partition. Its id is the number. */
import { Schema } from "effect"
import * as Contract from "./Contract.ts"

const Scalar = Schema.Union([Schema.String, Schema.Finite, Schema.Boolean])

/** What a pattern found, as it stands in the event `pattern.matched`. */
export const MatchView = Schema.Struct({
  /** SHA-256 in hex: whoever acts on the match knows it again by it. */
  id: Schema.String,
  pattern: Schema.String,
  version: Schema.Int,
  /** Fields of the key. */
  by: Schema.Record(Schema.String, Scalar),
  /** `enter` and `exit` for what lasts. */
  kind: Schema.Literals(["match", "enter", "exit"]),
  /** When it became true, event time, ms. */
  at: Schema.Finite,
  windowEnd: Schema.optionalKey(Schema.Finite),
  /** Ids of the events that made it, or of the matches where it is one of other patterns; 32 at most. */
  events: Schema.Array(Schema.String),
  values: Schema.Record(Schema.String, Schema.Json),
  /** False while the pattern has seen less than a window. */
  isWarm: Schema.Boolean,
  /** How many matches stand behind each other: this one, those of the events that made it, and so on. */
  depth: Schema.Int
})
export type MatchView = typeof MatchView.Type

const count = Schema.Int

/** What a pattern has seen and done since its nodes began to look, and what it keeps. */
export const PatternNumbers = Schema.Struct({
  /** Events, and matches of other patterns, that it looked at. */
  evaluated: count,
  matched: count,
  /** Matches that came too soon after another. */
  suppressed: count,
  /** Events that came after their time had passed. */
  late: count,
  /** Events in which a field of the key is missing. */
  keyless: count,
  /** Beginnings that were given up because there were too many. */
  dropped: count,
  /** Keys that were forgotten because there were too many. */
  evicted: count,
  /** Time that it took when it looked at events, with the patterns that follow it; estimated from one look of sixteen. */
  micros: count,
  keys: count,
  /** About how many it keeps. */
  bytes: count
})
export type PatternNumbers = typeof PatternNumbers.Type

/** What a partition has done. */
const PartitionState = Schema.Struct({
  /** Cursor of the event stream behind which nothing was looked at; absent before the first look. */
  cursor: Schema.optionalKey(Schema.String),
  /** Our time up to which waits were noticed, ms since 1970. */
  tick: Schema.Finite,
  /** Matches since the beginning. */
  matched: Schema.Int,
  /** What the patterns had seen at a cursor: with what came since, it is what they have seen. */
  snapshot: Schema.optionalKey(
    Schema.Struct({ cursor: Schema.String, tick: Schema.Finite, pieces: Schema.Array(Schema.Uint8Array) })
  )
})
export type PartitionState = typeof PartitionState.Type

/** The actors that look for patterns. */
export const PatternPartition = Contract.make("pattern-partition", {
  about: "a share of the keys of all patterns: looks at the event stream and acts on what matches",
  state: PartitionState,
  messages: {
    Begin: Contract.idempotent({ about: "a node has started: look, from now on" }),
    GetProgress: Contract.query({
      success: Schema.Struct({
        cursor: Schema.optionalKey(Schema.String),
        tick: Schema.Finite,
        matched: Schema.Int,
        snapshotBytes: Schema.Int
      }),
      audience: "operator",
      capability: "pattern.read",
      about: "how far it has looked, and how much it found"
    }),
    GetNumbers: Contract.query({
      payload: { pattern: Schema.String.check(Schema.isMaxLength(100)) },
      success: Schema.Struct({ numbers: Schema.optionalKey(PatternNumbers) }),
      audience: "operator",
      capability: "pattern.read",
      about: "what one pattern has seen and done here; nothing while it is not looked for"
    })
  },
  events: {
    /** A pattern found something. */
    "pattern.matched": MatchView,
    /** A match was dropped, because it stood behind too many others: patterns that feed each other. */
    "pattern.loop": MatchView
  },
  audited: {
    "pattern.matched": "decision",
    "pattern.loop": "decision"
  }
})
export type PatternPartition = typeof PatternPartition
