/** The event stream as its readers see it: commits of the journal taken apart into events, each with its cursor. */
import { Context, Effect, Layer, Stream } from "effect"
import { eventsOf, type HolonEvent } from "../protocol/Event.ts"
import {
  CursorMalformed,
  cursorOf,
  type JournalEntry,
  type JournalPart,
  type JournalPosition,
  JournalReader,
  type JournalUnavailable,
  positionOf
} from "./JournalReader.ts"

/** One event and where it stands: whoever goes on after its cursor misses nothing and gets nothing twice. */
export interface PlacedEvent {
  readonly cursor: string
  readonly event: HolonEvent
}

/** Behind an event of a commit: `index` counts the events of that commit that are done; absent for all of them. */
export interface EventPosition {
  readonly at: JournalPosition
  readonly index: number | undefined
}

/** Where a reader begins. */
export type Start =
  /** Behind an event. */
  | { readonly _tag: "After"; readonly cursor: string }
  /** With what was journalled at this time, ms, or later. */
  | { readonly _tag: "Since"; readonly time: number }
  /** With the last commits there are. */
  | { readonly _tag: "Last"; readonly commits: number }
  /** With the last events that match; only so many commits are looked through for them as `lookedBackMax` says. */
  | { readonly _tag: "LastEvents"; readonly events: number }
  /** With what comes from now on. */
  | { readonly _tag: "Now" }

/** Commits that are looked through, from the last one back, for the last events that match. */
export const lookedBackMax = 10_000
/** Commits that are looked through first; as long as too few events match, four times as many. */
const lookedBackFirst = 250
/** Commits read at a time, and how many first where only so many events are wanted. */
const batch = 1000
const stepFirst = 50

/** What a reader wants. Samples are what boards measure: many, and kept for a day. */
export interface Selection {
  readonly hasSamples: boolean
  readonly matches: (event: HolonEvent) => boolean
}

/** A part of the stream; `next` goes on behind it, also behind what did not match. */
export interface EventPage {
  readonly events: ReadonlyArray<PlacedEvent>
  readonly next: string
  /** Whether there was more when it was read. */
  readonly hasMore: boolean
}

export class EventStream extends Context.Service<
  EventStream,
  {
    /** At most `limit` events of at most `scanned` commits. */
    readonly read: (
      start: Start,
      selection: Selection,
      limits: { readonly events: number; readonly commits: number }
    ) => Effect.Effect<EventPage, JournalUnavailable | CursorMalformed>
    /** For ever; an outage of the store delays, it never ends the stream. */
    readonly follow: (
      start: Start,
      selection: Selection
    ) => Stream.Stream<PlacedEvent, JournalUnavailable | CursorMalformed>
  }
>()("holon/events/EventStream") {
  static readonly layer: Layer.Layer<EventStream, never, JournalReader> = Layer.effect(
    EventStream,
    Effect.map(JournalReader, (journal) => {
      /** In front of the last so many events that match among the last commits, and whether looking further back is of no use. */
      const lastOf = Effect.fnUntraced(function* (wanted: number, selection: Selection, commits: number) {
        const part = partOf(selection)
        const first = yield* journal.last(commits, part)
        const found: Array<EventPosition> = []
        let after = first
        let looked = 0
        for (;;) {
          const entries = yield* journal.read(after, Math.min(batch, commits - looked), part)
          for (const entry of entries)
            for (const each of placedOf(entry, behind(after)))
              if (selects(selection, each)) found.push({ at: entry.at, index: each.index })
          found.splice(0, found.length - wanted)
          looked += entries.length
          after = entries.at(-1)?.at ?? after
          if (entries.length < batch || looked >= commits) break
        }
        return { isEnough: found.length === wanted || looked < commits, position: found[0] ?? behind(after) }
      })
      const beforeLast = Effect.fnUntraced(function* (wanted: number, selection: Selection) {
        for (let commits = lookedBackFirst; ; commits *= 4) {
          const looked = Math.min(commits, lookedBackMax)
          const { isEnough, position } = yield* lastOf(wanted, selection, looked)
          if (isEnough || looked === lookedBackMax) return position
        }
      })
      const positionAt = (
        start: Start,
        selection: Selection
      ): Effect.Effect<EventPosition, JournalUnavailable | CursorMalformed> => {
        const part = partOf(selection)
        switch (start._tag) {
          case "After":
            return eventPositionOf(start.cursor)
          case "Since":
            return Effect.map(journal.since(start.time, part), behind)
          case "Last":
            return Effect.map(journal.last(start.commits, part), behind)
          case "LastEvents":
            return beforeLast(start.events, selection)
          case "Now":
            return Effect.map(journal.end, behind)
        }
      }
      const read = Effect.fnUntraced(function* (
        start: Start,
        selection: Selection,
        limits: { readonly events: number; readonly commits: number }
      ) {
        const part = partOf(selection)
        const position = yield* positionAt(start, selection)
        const events: Array<PlacedEvent> = []
        let next = position
        let from = readFrom(position)
        let scanned = 0
        // A commit may hold hundreds of events, and what is read beyond the limit is read again: a few first, then more.
        let step = limits.events === Number.POSITIVE_INFINITY ? limits.commits : stepFirst
        for (;;) {
          const size = Math.min(step, limits.commits - scanned)
          const entries = yield* journal.read(from, size, part)
          for (const entry of entries) {
            for (const each of placedOf(entry, position)) {
              if (!selects(selection, each)) continue
              if (events.length === limits.events) return { events, next: textOf(next), hasMore: true }
              events.push(each.placed)
              next = { at: entry.at, index: each.isLast ? undefined : each.index + 1 }
            }
            next = behind(entry.at)
            from = entry.at
          }
          scanned += entries.length
          if (entries.length < size || scanned >= limits.commits)
            return { events, next: textOf(next), hasMore: scanned >= limits.commits }
          step = Math.min(2 * step, batch)
        }
      })
      return EventStream.of({
        read,
        follow: (start, selection) =>
          Stream.unwrap(
            Effect.map(positionAt(start, selection), (position) =>
              journal
                .follow(readFrom(position), partOf(selection))
                .pipe(
                  Stream.flatMap((entry) =>
                    Stream.fromIterable(
                      placedOf(entry, position).flatMap((each) => (selects(selection, each) ? [each.placed] : []))
                    )
                  )
                )
            )
          )
      })
    })
  )
}

const behind = (at: JournalPosition): EventPosition => ({ at, index: undefined })

const partOf = ({ hasSamples }: Selection): JournalPart => (hasSamples ? "all" : "events")

/** A commit of which only a part is done is read again. */
const readFrom = ({ at, index }: EventPosition): JournalPosition =>
  index === undefined ? at : { ...at, position: at.position - 1 }

const textOf = ({ at, index }: EventPosition): string =>
  index === undefined ? cursorOf(at) : `${cursorOf(at)}.${index}`

/** Negative when the first cursor stands in front of the second one; both must be cursors of this stream. */
export const compareCursors = (left: string, right: string): number => {
  const [one, other] = [left, right].map((cursor) => cursor.split("."))
  const transactions = BigInt(one?.[0] ?? 0) - BigInt(other?.[0] ?? 0)
  if (transactions !== 0n) return transactions < 0n ? -1 : 1
  const positions = Number(one?.[1]) - Number(other?.[1])
  if (positions !== 0) return positions
  // Behind a whole commit is behind each of its events.
  const [first, second] = [one?.[2], other?.[2]].map((index) =>
    index === undefined ? Number.MAX_VALUE : Number(index)
  )
  return (first ?? 0) - (second ?? 0)
}

/** Whether `one` stands behind `other`; both must be cursors of this stream. */
export const isBehind = (one: string, other: string): boolean => compareCursors(one, other) > 0

/** Where a cursor stands, which a client may have made up. Fails with {@link CursorMalformed}. */
export const eventPositionOf = Effect.fnUntraced(function* (cursor: string) {
  const [, commit, index] = /^(\d{1,19}\.\d{1,16})(?:\.(\d{1,6}))?$/.exec(cursor) ?? []
  if (commit === undefined) return yield* new CursorMalformed({ cursor })
  return { at: yield* positionOf(commit), index: index === undefined ? undefined : Number(index) }
})

interface Placed {
  readonly placed: PlacedEvent
  readonly index: number
  readonly isLast: boolean
  readonly isSample: boolean
}

const selects = ({ hasSamples, matches }: Selection, { placed, isSample }: Placed): boolean =>
  (hasSamples || !isSample) && matches(placed.event)

/** All events of a commit. */
export const placedIn = (entry: JournalEntry): ReadonlyArray<PlacedEvent> =>
  placedOf(entry, behind({ ...entry.at, position: entry.at.position - 1 })).map(({ placed }) => placed)

/** The events of a commit that are not done yet. */
const placedOf = (
  { at, records, ...commit }: JournalEntry,
  { at: begun, index: done = 0 }: EventPosition
): ReadonlyArray<Placed> => {
  const isBegun = at.transaction === begun.transaction && at.position === begun.position
  return eventsOf(commit, records)
    .map((event, index) => {
      const isLast = index === records.length - 1
      const cursor = textOf({ at, index: isLast ? undefined : index + 1 })
      return { placed: { cursor, event }, index, isLast, isSample: records[index]?.isSample ?? false }
    })
    .slice(isBegun ? done : 0)
}
