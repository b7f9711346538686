/**
 * A pattern that looks at events. It is fed, and answers at once; it reads no clock, waits for nothing and keeps a bounded
 * state. Fed with the same events and times in the same order it gives the same matches with the same ids, also when it was
 * stopped anywhere and goes on from a snapshot.
 */
import type { HolonEvent } from "../../protocol/Event.ts"
import type { Pattern } from "../../protocol/pattern/Pattern.ts"
import type { PatternMetrics } from "./Answers.ts"
import type { Cut } from "./Cut.ts"
import type { EventTime, Source } from "./EventTime.ts"
import type { Interest } from "./Interest.ts"
import type { Match } from "./Match.ts"

export interface PatternMachine {
  readonly pattern: Pattern
  readonly version: number
  /** What it wants to be fed with, at most 31 of them. */
  readonly interests: ReadonlyArray<Interest>
  /** Patterns whose matches it wants to be fed with, by name. */
  readonly follows: ReadonlyArray<string>
  /** A machine goes on from the snapshot of another where theirs are equal. */
  readonly signature: string
  readonly metrics: Readonly<PatternMetrics>
  /** Keys that it keeps something of. */
  readonly keyCount: number
  /** About how many bytes it keeps. */
  readonly bytes: number
  /** When {@link advance} has something to do, our time, ms. Machines of one {@link EventTime} share what they wait for. */
  readonly next: number
  /**
   * Takes an event that {@link EventTime} admitted, with the source it gave, and a bit (`1 << index`) for each interest that
   * the event fulfils. One that fulfils none need not be told. Its key is read where it is not given.
   */
  take(event: HolonEvent, source: Source, hits: number, key?: string): void
  /** Takes the match of a pattern it {@link follows}. Others are left alone. */
  follow(match: Match): void
  /** Does what is due because time has passed. To be called after {@link EventTime} was advanced, when `next` has come. */
  advance(): void
  /** Is fed no more, and says no more. What it knows can still be taken from it. */
  end(): void
  /** Writes down what it keeps as of when the cut began, a little with each step. */
  draw(cut: Cut): Iterable<void>
  /** Knows again what {@link draw} has written in one step, in no order. Throws `SnapshotMalformed` on what it has not. */
  read(part: unknown): void
  /** All it keeps, at once. CBOR. */
  snapshot(): Uint8Array
  /**
   * Goes on from a snapshot, after the {@link EventTime} was restored. False, and empty, where the snapshot is of a pattern
   * with another signature. Throws `SnapshotMalformed` on bytes that are none.
   */
  restore(bytes: Uint8Array): boolean
}

/** What a machine is made with. */
export interface MachineOptions {
  /** In every match. */
  readonly version: number
  readonly time: EventTime
  readonly deliver: (match: Match) => void
  /** Room for what it keeps; keys heard of longest ago are forgotten when it is used up. 256 MiB if absent. */
  readonly bytesMax?: number
}
