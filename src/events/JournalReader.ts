/** Reading the journal: what actors emitted, each commit once, in an order in which nothing appears behind the reader. */
import { Context, Effect, Queue, Schema, Stream } from "effect"
import type { JournalRecord } from "../protocol/JournalBody.ts"
import type { JournalHint } from "./JournalHint.ts"

/** The store did not answer. Transient: read again from the same position. */
export class JournalUnavailable extends Schema.TaggedError<JournalUnavailable>()("JournalUnavailable", {
  cause: Schema.Defect()
}) {}

/** What is no position: the cursor of a client is foreign input. */
export class CursorMalformed extends Schema.TaggedError<CursorMalformed>()("CursorMalformed", {
  cursor: Schema.String
}) {}

/**
 * Where a reader stands: behind this row. Positions alone are drawn before their commits end, in any order; only together
 * with the transaction, and only below the oldest one still open, do they give an order without late comers.
 */
export interface JournalPosition {
  readonly transaction: bigint
  readonly position: number
}

/** In front of the first row. */
export const beginning: JournalPosition = { transaction: 0n, position: 0 }

/** A position as text, for clients and for storage. */
export const cursorOf = ({ transaction, position }: JournalPosition): string => `${transaction}.${position}`

/** Reads {@link cursorOf}. Fails with {@link CursorMalformed}; so many digits fit into 64 bits. */
export const positionOf = (cursor: string): Effect.Effect<JournalPosition, CursorMalformed> => {
  const [, transaction, position] = /^(\d{1,19})\.(\d{1,16})$/.exec(cursor) ?? []
  return transaction === undefined || position === undefined
    ? Effect.fail(new CursorMalformed({ cursor }))
    : Effect.succeed({ transaction: BigInt(transaction), position: Number(position) })
}

/** What one commit of one actor emitted. */
export interface JournalEntry {
  readonly at: JournalPosition
  readonly kind: string
  readonly id: string
  /** Row version the commit stepped to: grows with each entry of an actor. */
  readonly version: number
  /** When the commit was made by the node's clock, ms. */
  readonly committedAt: number
  readonly records: ReadonlyArray<JournalRecord>
  /** Set when this node cannot read the row (a newer form); `records` is then empty. A reader counts it and goes on. */
  readonly unreadable: string | undefined
}

/** What a reader wants: all entries, or only those that hold an event, which are kept longer than samples. */
export type JournalPart = "all" | "events"

export interface JournalReaderMethods {
  /** What comes after a position, at most `limit` entries; fewer than that means there is no more for now. */
  readonly read: (
    after: JournalPosition,
    limit: number,
    part?: JournalPart
  ) => Effect.Effect<ReadonlyArray<JournalEntry>, JournalUnavailable>
  /** Now: everything that commits from here on comes after it, and perhaps a little that has just committed. */
  readonly end: Effect.Effect<JournalPosition, JournalUnavailable>
  /** In front of the first entry that was journalled at this time or later, ms by the clock of the database. */
  readonly since: (time: number, part?: JournalPart) => Effect.Effect<JournalPosition, JournalUnavailable>
  /** In front of the last `count` entries. */
  readonly last: (count: number, part?: JournalPart) => Effect.Effect<JournalPosition, JournalUnavailable>
  /** All entries after a position, for ever: at once after a hint, else within half a second. An outage delays, it never ends the stream. */
  readonly follow: (after: JournalPosition, part?: JournalPart) => Stream.Stream<JournalEntry>
}

export class JournalReader extends Context.Service<JournalReader, JournalReaderMethods>()(
  "holon/events/JournalReader"
) {}

const batch = 1000
const idlePoll = "500 millis"
/** Under load every commit hints. A pause lets entries gather, so that a reader costs the database little. */
const breath = "20 millis"
const outagePause = "500 millis"

/** Follows by reading again and again; the hint only shortens the wait. */
export const followBy = (
  read: JournalReaderMethods["read"],
  hint: JournalHint["Service"]
): JournalReaderMethods["follow"] =>
  Effect.fnUntraced(function* (after: JournalPosition, part: JournalPart = "all") {
    const hints = yield* hint.subscribe
    const next = Effect.fnUntraced(function* (state: { readonly after: JournalPosition; readonly mayBeMore: boolean }) {
      if (!state.mayBeMore) {
        yield* Effect.raceFirst(Queue.take(hints), Effect.sleep(idlePoll))
        yield* Effect.sleep(breath)
      }
      const entries = yield* Effect.eventually(
        Effect.tapError(read(state.after, batch, part), (error) =>
          Effect.andThen(Effect.logDebug("the journal cannot be read", error), Effect.sleep(outagePause))
        )
      )
      return [entries, { after: entries.at(-1)?.at ?? state.after, mayBeMore: entries.length === batch }] as const
    })
    return Stream.flattenIterable(Stream.unfold({ after, mayBeMore: true }, next))
  }, Stream.unwrap)
