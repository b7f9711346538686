/** The patterns of the cluster, as data: who keeps, changes and reads them. */
import { Context, Effect, Schema } from "effect"
import type { Conflict, Malformed, NotFound, TooLarge } from "../protocol/Errors.ts"
import { Pattern } from "../protocol/pattern/Pattern.ts"
import { Zone } from "../protocol/Zone.ts"

/** Patterns of one cluster. */
export const patternsMax = 10_000

/** The store of patterns did not answer. Transient. */
export class PatternsUnavailable extends Schema.TaggedError<PatternsUnavailable>()("PatternsUnavailable", {
  reason: Schema.String
}) {
  override get message() {
    return `the store of patterns does not answer (${this.reason})`
  }
}

const kept = {
  /** UUIDv7, for as long as the name exists. */
  id: Schema.String,
  name: Schema.String,
  /** Counts the changes of what it says, from 1. A name that was removed and comes again goes on counting. */
  version: Schema.Int,
  /** As somebody wrote it. */
  source: Schema.String,
  /** Only patterns that are on look at events. */
  isOn: Schema.Boolean,
  /** Only events in these zones, or below them, are looked at; absent is everywhere. */
  zones: Schema.optionalKey(Schema.Array(Zone)),
  /** Who wrote this version: its actions have his rights. Whoever switches it on or off does not become it. */
  author: Schema.String,
  createdBy: Schema.String,
  /** Ms since 1970. */
  createdAt: Schema.Finite,
  updatedBy: Schema.String,
  updatedAt: Schema.Finite
}

/** A pattern as it is kept. */
export const StoredPattern = Schema.Struct({ ...kept, pattern: Pattern })
export type StoredPattern = typeof StoredPattern.Type

/** One that this release cannot read, such as one that a newer release wrote. It looks at nothing; all others do. */
const UnreadablePattern = Schema.Struct({
  ...kept,
  /** Why. */
  unreadable: Schema.String
})

/** What stands in the store under a name. */
export const KeptPattern = Schema.Union([StoredPattern, UnreadablePattern])
export type KeptPattern = typeof KeptPattern.Type

export const isReadable = (pattern: KeptPattern): pattern is StoredPattern => "pattern" in pattern

/** What changed once. */
export interface PatternChange {
  readonly change: number
  readonly name: string
  readonly version: number
  readonly what: "put" | "on" | "off" | "removed"
  readonly by: string
  readonly at: number
}

/** A pattern that somebody has written. With `expected`, only that version is replaced; 0 adds only. */
export interface WrittenPattern {
  readonly source: string
  readonly pattern: Pattern
  readonly expected?: number
}

/** What has become of patterns since a revision. */
export interface PatternChanges {
  readonly revision: number
  /** As they are now. */
  readonly changed: ReadonlyArray<KeptPattern>
  /** Names of those that are there no more. */
  readonly removed: ReadonlyArray<string>
}

export class Patterns extends Context.Service<
  Patterns,
  {
    /**
     * Adds the pattern or replaces the one of its name. One that its author has written just so stays as it is: its version is part
     * of the ids of its matches. In other words, or otherwise laid out, it keeps its version and takes the text.
     */
    readonly put: (
      given: WrittenPattern & { readonly by: string }
    ) => Effect.Effect<StoredPattern, Conflict | TooLarge | PatternsUnavailable>
    /** As {@link put} each of them, or none. Answers in their order. */
    readonly putAll: (
      given: ReadonlyArray<WrittenPattern>,
      by: string
    ) => Effect.Effect<ReadonlyArray<StoredPattern>, Conflict | TooLarge | PatternsUnavailable>
    /**
     * Runs while nobody else changes patterns, on any node: what it checks against the others still holds when it writes. All
     * that it changes is one transaction, which is undone where it fails.
     */
    readonly alone: <A, E, R>(change: Effect.Effect<A, E, R>) => Effect.Effect<A, E | PatternsUnavailable, R>
    readonly get: (name: string) => Effect.Effect<KeptPattern, NotFound | PatternsUnavailable>
    /**
     * With zones, on and off in those only: see `PatternZones.ts`. Says nothing else than before, so its version stays. One that
     * cannot be read can only be switched off.
     */
    readonly setOn: (
      name: string,
      isOn: boolean,
      by: string,
      zones?: ReadonlyArray<Zone>
    ) => Effect.Effect<KeptPattern, Malformed | NotFound | PatternsUnavailable>
    /** Answers what it was. */
    readonly remove: (name: string, by: string) => Effect.Effect<KeptPattern, NotFound | PatternsUnavailable>
    /** In order of their names; `after` continues behind a name. */
    readonly list: (page: {
      readonly limit: number
      readonly after?: string
    }) => Effect.Effect<ReadonlyArray<KeptPattern>, PatternsUnavailable>
    /** Another number after each change of any pattern. */
    readonly revision: Effect.Effect<number, PatternsUnavailable>
    /** Reads only what has changed since. */
    readonly changedSince: (revision: number) => Effect.Effect<PatternChanges, PatternsUnavailable>
    /** Newest first. */
    readonly history: (name: string) => Effect.Effect<ReadonlyArray<PatternChange>, PatternsUnavailable>
  }
>()("holon/events/Patterns") {}

const pageSize = 1000

/** All patterns there are, page by page. */
export const everyPattern = Effect.fnUntraced(function* (patterns: Patterns["Service"]) {
  const all: Array<KeptPattern> = []
  for (let after = ""; all.length < patternsMax; ) {
    const page = yield* patterns.list({ limit: pageSize, after })
    all.push(...page)
    const last = page.at(-1)
    if (last === undefined || page.length < pageSize) break
    after = last.name
  }
  return all
})
