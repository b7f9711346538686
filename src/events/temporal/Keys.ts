/** The keys of one pattern: what is kept of each, who has spoken of it, and which was not heard of for longest. */
import type { DueHeap } from "./DueHeap.ts"
import { type EventTime, lowestMark, type Source } from "./EventTime.ts"
import type { Sleeper } from "./Wakes.ts"

/** Sources of one key that are followed one by one; of more, the time of all sources together is taken. */
const sourcesMax = 8

/** Whose keys they are. */
export interface Keeper<S> {
  /** Does for a key what is due, as it has waited for. */
  wake(record: KeyRecord<S>): void
}

/** One key. */
export class KeyRecord<S> implements Sleeper {
  readonly key: string
  private readonly keeper: Keeper<S>
  state: S
  /** How far it has come, event time, ms: what is before is late, what is due before has been done. */
  clock = Number.NEGATIVE_INFINITY
  due = 0
  wakeAt = 0
  heapIndex = -1
  heap: DueHeap<Sleeper> | undefined
  /** Who spoke of it; empty when they are too many. */
  sources: ReadonlyArray<Source> = []
  isCrowded = false
  /** What matches carry of the event it heard of last. */
  carried: Readonly<Record<string, unknown>> | undefined
  newer: KeyRecord<S> | undefined
  older: KeyRecord<S> | undefined

  constructor(key: string, state: S, keeper: Keeper<S>) {
    this.key = key
    this.state = state
    this.keeper = keeper
  }

  wake(): void {
    this.keeper.wake(this)
  }

  /** Notes that a source speaks of it. */
  hear(source: Source, time: EventTime): void {
    if (this.isCrowded || this.sources[0] === source || this.sources.includes(source)) return
    if (this.sources.length < sourcesMax) {
      this.sources = [...this.sources, source]
      return
    }
    this.isCrowded = true
    this.sources = []
    time.wantOverall()
  }

  /** How far its sources have come at `now`. */
  markAt(now: number, time: EventTime): number {
    if (this.isCrowded) return time.overall
    const [first, second] = this.sources
    if (first === undefined) return Number.NEGATIVE_INFINITY
    return second === undefined ? first.markAt(now) : lowestMark(this.sources, now)
  }
}

/** Keys in the order in which they were heard of. */
export class KeyTable<S> {
  private readonly records = new Map<string, KeyRecord<S>>()
  private oldest: KeyRecord<S> | undefined
  private newest: KeyRecord<S> | undefined

  get size(): number {
    return this.records.size
  }

  /** The key that was not heard of for longest. */
  get first(): KeyRecord<S> | undefined {
    return this.oldest
  }

  get(key: string): KeyRecord<S> | undefined {
    return this.records.get(key)
  }

  add(record: KeyRecord<S>): void {
    this.records.set(record.key, record)
    this.append(record)
  }

  /** Was heard of just now. */
  touch(record: KeyRecord<S>): void {
    if (this.newest === record) return
    this.unlink(record)
    this.append(record)
  }

  remove(record: KeyRecord<S>): void {
    this.records.delete(record.key)
    this.unlink(record)
  }

  clear(): void {
    this.records.clear()
    this.oldest = undefined
    this.newest = undefined
  }

  /** Those heard of longest ago first. */
  *[Symbol.iterator](): Generator<KeyRecord<S>> {
    for (let record = this.oldest; record !== undefined; record = record.newer) yield record
  }

  private append(record: KeyRecord<S>): void {
    record.older = this.newest
    record.newer = undefined
    if (this.newest === undefined) this.oldest = record
    else this.newest.newer = record
    this.newest = record
  }

  private unlink(record: KeyRecord<S>): void {
    const { older, newer } = record
    if (older === undefined) this.oldest = newer
    else older.newer = newer
    if (newer === undefined) this.newest = older
    else newer.older = older
    record.older = undefined
    record.newer = undefined
  }
}
