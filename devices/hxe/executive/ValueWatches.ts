/** The host's watches on values: told of changes, but not of small ones and not too often. */
import { f16Value } from "../../../src/protocol/hxe/F16.ts"
import { type PaceLimits, ValuePace } from "./ValuePace.ts"
import type { ValueRecord } from "./ValueRecord.ts"

/** How a value is watched; the newest one is told when its time is over. */
export type WatchOptions = PaceLimits

/** Told of a value; `at` is the board's clock in milliseconds. Must not call back into the executive. */
export type WatchListener = (sample: { readonly oid: number; readonly value: number; readonly at: number }) => void

interface Watch {
  readonly record: ValueRecord
  readonly pace: ValuePace
  readonly listener: WatchListener
  due: number | undefined
}

/** All watches of the host. */
export class ValueWatches {
  readonly #now: () => number
  readonly #watches = new Set<Watch>()

  constructor(now: () => number) {
    this.#now = now
  }

  get size(): number {
    return this.#watches.size
  }

  /** Starts a watch; the value that stands now is not told. Answers what ends it. */
  add(record: ValueRecord, options: WatchOptions, listener: WatchListener): () => void {
    const watch: Watch = {
      record,
      pace: new ValuePace(options, f16Value(record.bits)),
      listener,
      due: undefined
    }
    this.#watches.add(watch)
    return () => this.#watches.delete(watch)
  }

  /** A value changed. */
  changed(record: ValueRecord): void {
    const now = this.#now()
    for (const watch of this.#watches) {
      if (watch.record !== record || watch.due !== undefined) continue
      if (!watch.pace.isNews(f16Value(record.bits))) continue
      if (watch.pace.due <= now) this.#tell(watch, now)
      else watch.due = watch.pace.due
    }
  }

  /** The value is gone: nobody hears of it again. */
  forget(record: ValueRecord): void {
    for (const watch of [...this.#watches]) if (watch.record === record) this.#watches.delete(watch)
  }

  nextDue(): number | undefined {
    let next: number | undefined
    for (const { due } of this.#watches) if (due !== undefined) next = Math.min(next ?? due, due)
    return next
  }

  /** Tells what was held back and is due. */
  run(): void {
    const now = this.#now()
    for (const watch of this.#watches) {
      if (watch.due === undefined || watch.due > now) continue
      watch.due = undefined
      // It may have come back to what was told before.
      if (watch.pace.isNews(f16Value(watch.record.bits))) this.#tell(watch, now)
    }
  }

  #tell(watch: Watch, now: number): void {
    const value = f16Value(watch.record.bits)
    watch.pace.say(value, now)
    watch.listener({ oid: watch.record.oid, value, at: now })
  }
}
