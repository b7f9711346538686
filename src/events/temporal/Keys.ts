/** The keys of one pattern: what is kept of each, who has spoken of it, and which was not heard of for longest. */
import { type EventTime, lowestMark, type Source } from "./EventTime.ts"
import type { WakeHeap } from "./WakeHeap.ts"
import type { Sleeper } from "./Wakes.ts"

/** Sources of one key that are followed one by one; of more, the time of all sources together is taken. */
const sourcesMax = 8

const nobody: ReadonlyArray<Source> = []

/** Whose keys they are. */
export interface Keeper<S> {
  /** Does for a key what is due, as it has waited for. */
  wake(record: KeyRecord<S>): void
}

/** One key. */
export class KeyRecord<S> implements Sleeper {
  readonly key: string
  state: S
  /** How far it has come, event time, ms: what is before is late, what is due before has been done. */
  clock = Number.NEGATIVE_INFINITY
  due = Number.POSITIVE_INFINITY
  wakeAt = Number.POSITIVE_INFINITY
  heap: WakeHeap<Sleeper> | undefined
  /** The only one who spoke of it. */
  source: Source | undefined
  /** Who spoke of it where they are several; empty when they are too many. */
  shared: ReadonlyArray<Source> = nobody
  isCrowded = false
  /** What matches carry of the event it heard of last. */
  carried: Readonly<Record<string, unknown>> | undefined
  /** Counts up with each key that is heard of. */
  heard = 0
  isForgotten = false
  /** The last {@link Cut} that knows it. */
  cut = 0
  private readonly keeper: Keeper<S>

  constructor(key: string, state: S, keeper: Keeper<S>) {
    this.key = key
    this.state = state
    this.keeper = keeper
  }

  wake(): void {
    this.keeper.wake(this)
  }

  /** Who spoke of it; empty when they are too many. */
  get sources(): ReadonlyArray<Source> {
    return this.source === undefined ? this.shared : [this.source]
  }

  /** Sets who spoke of it. */
  set sources(sources: ReadonlyArray<Source>) {
    const [first, second] = sources
    this.source = second === undefined ? first : undefined
    this.shared = second === undefined ? nobody : sources
  }

  /** Notes that a source speaks of it. */
  hear(source: Source, time: EventTime): void {
    if (this.source === source || this.isCrowded) return
    const { sources } = this
    if (sources.includes(source)) return
    this.isCrowded = sources.length === sourcesMax
    this.sources = this.isCrowded ? nobody : [...sources, source]
    if (this.isCrowded) time.wantOverall()
  }

  /** How far its sources have come at `now`. */
  markAt(now: number, time: EventTime): number {
    if (this.source !== undefined) return this.source.markAt(now)
    if (this.isCrowded) return time.overall
    return this.shared.length === 0 ? Number.NEGATIVE_INFINITY : lowestMark(this.shared, now)
  }

  /** As if it had never been heard of. */
  begin(state: S): void {
    this.state = state
    this.clock = Number.NEGATIVE_INFINITY
    this.sources = nobody
    this.isCrowded = false
    this.carried = undefined
  }
}

/** Keys, of which the one can be told that was not heard of for longest. */
export class KeyTable<S> {
  private readonly records = new Map<string, KeyRecord<S>>()
  private count = 0
  /** Those heard of longest ago last, as of when this was made: seldom, and good for many. */
  private oldest: Array<{ readonly record: KeyRecord<S>; readonly heard: number }> = []

  get size(): number {
    return this.records.size
  }

  get(key: string): KeyRecord<S> | undefined {
    return this.records.get(key)
  }

  add(record: KeyRecord<S>): void {
    this.records.set(record.key, record)
    this.touch(record)
  }

  /** Adds one that was heard of so long ago, compared with others. */
  addAs(record: KeyRecord<S>, heard: number): void {
    this.records.set(record.key, record)
    record.heard = heard
    this.count = Math.max(this.count, heard)
  }

  /** Was heard of just now. */
  touch(record: KeyRecord<S>): void {
    record.heard = ++this.count
  }

  remove(record: KeyRecord<S>): void {
    record.isForgotten = true
    this.records.delete(record.key)
    // What is forgotten is not to be held by a list that nobody asks for.
    if (this.oldest.length > 2 * this.records.size) this.oldest = []
  }

  clear(): void {
    this.records.clear()
    this.oldest = []
  }

  /** The key that was not heard of for longest. */
  takeOldest(): KeyRecord<S> | undefined {
    while (this.records.size > 0) {
      for (let entry = this.oldest.pop(); entry !== undefined; entry = this.oldest.pop())
        if (!entry.record.isForgotten && entry.record.heard === entry.heard) return entry.record
      this.oldest = Array.from(this.records.values(), (record) => ({ record, heard: record.heard })).toSorted(
        (one, other) => other.heard - one.heard
      )
    }
    return undefined
  }

  /** In no order. */
  [Symbol.iterator](): IterableIterator<KeyRecord<S>> {
    return this.records.values()
  }
}
