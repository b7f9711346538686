/**
 * Wakes what waits for a time of events. A key with one source waits with it, in the order of event time: it is woken when
 * the source has come so far, and not before, however often the source speaks until then. A silent source's time goes on
 * like ours, so the source itself waits, too, for when that is so. Keys with so many sources that the time
 * of all is taken wait for that in the same way; those with a few are looked at now and then.
 */
import { type Source, silentMillis } from "./EventTime.ts"
import { WakeHeap, type Waking } from "./WakeHeap.ts"

/** A key whose time does not pass as expected is looked at again so much later, ms. */
const againMillis = 100

/** What can be woken. */
export interface Sleeper extends Waking {
  /** Who speaks of it; nobody where there are several. */
  readonly source: Source | undefined
  /** Whether they are so many that the time of all sources is taken for theirs. */
  readonly isCrowded: boolean
  /** How far it has come, event time, ms. */
  readonly clock: number
  /** When there is something to do, event time, ms, if ever; it may be woken at an earlier time. */
  due: number
  /** In which it waits. */
  heap: WakeHeap<Sleeper> | undefined
  /** Does what is due, and says again for what it waits. */
  wake(): void
}

export class Wakes {
  /** Sources that somebody waits for, by when they have come so far if they stay silent, our time, ms. */
  private readonly silent = new WakeHeap<Source>()
  /** Those with several sources, by when to look at them again, our time, ms. */
  private readonly shared = new WakeHeap<Sleeper>()
  /** Those that go by the time of all sources, by event time. */
  private readonly crowded = new WakeHeap<Sleeper>()
  /** How far all sources together have come. */
  private overall = Number.NEGATIVE_INFINITY
  /** Sources that have come so far that somebody is to be woken. */
  private readonly come: Array<Source> = []

  /** When {@link wake} has something to do, our time, ms. */
  get next(): number {
    if (this.come.length > 0 || this.crowded.next <= this.overall) return Number.NEGATIVE_INFINITY
    return Math.min(this.silent.next, this.shared.next)
  }

  /** A source has spoken. */
  hear(source: Source): void {
    if (source.waiting === undefined || source.isCome) return
    if (source.waiting.next > source.mark) {
      // One that was waited for before it ever spoke.
      if (source.wakeAt === Number.POSITIVE_INFINITY) this.follow(source)
      return
    }
    source.isCome = true
    this.come.push(source)
  }

  /** All sources together have come so far. */
  hearOverall(mark: number): void {
    this.overall = mark
  }

  /** Waits for a time of events, ms; at `now`, ours. */
  put(sleeper: Sleeper, due: number, now: number): void {
    // Up to its clock all is done, whatever it says.
    sleeper.due = Math.max(due, sleeper.clock + 1)
    if (sleeper.isCrowded) return this.enter(this.crowded, sleeper, sleeper.due)
    const { source, clock } = sleeper
    if (source === undefined) {
      const isKnown = clock !== Number.NEGATIVE_INFINITY
      this.enter(this.shared, sleeper, now + (isKnown ? Math.max(due - clock, againMillis) : againMillis))
      return
    }
    source.waiting ??= new WakeHeap()
    const { waiting } = source
    const { next } = waiting
    this.enter(waiting, sleeper, sleeper.due)
    if (waiting.next < next) this.follow(source)
  }

  /** Waits no longer. */
  remove(sleeper: Sleeper): void {
    sleeper.heap?.remove(sleeper)
  }

  /** Wakes all whose time has come at `now`, ours. */
  wake(now: number): void {
    for (let source = this.come.pop(); source !== undefined; source = this.come.pop()) {
      source.isCome = false
      this.wakeAllOf(source, now)
    }
    this.wakeAll(this.crowded, this.overall)
    for (let source = this.silent.take(now); source !== undefined; source = this.silent.take(now))
      this.wakeAllOf(source, now)
    for (let sleeper = this.shared.take(now); sleeper !== undefined; sleeper = this.shared.take(now))
      if (sleeper.due < Number.POSITIVE_INFINITY) sleeper.wake()
  }

  clear(): void {
    this.silent.clear()
    this.shared.clear()
    this.crowded.clear()
    this.come.length = 0
  }

  private enter(heap: WakeHeap<Sleeper>, sleeper: Sleeper, wakeAt: number): void {
    if (sleeper.heap !== heap) {
      sleeper.heap?.remove(sleeper)
      sleeper.heap = heap
    }
    heap.put(sleeper, wakeAt)
  }

  private wakeAllOf(source: Source, now: number): void {
    const { waiting } = source
    if (waiting === undefined) return
    this.wakeAll(waiting, source.markAt(now))
    this.follow(source)
  }

  private wakeAll(waiting: WakeHeap<Sleeper>, mark: number): void {
    for (let sleeper = waiting.take(mark); sleeper !== undefined; sleeper = waiting.take(mark))
      if (sleeper.due <= mark) sleeper.wake()
      else if (sleeper.due < Number.POSITIVE_INFINITY) waiting.put(sleeper, sleeper.due)
  }

  /** Sees to it that a source is looked at when it has come far enough in silence. */
  private follow(source: Source): void {
    const next = source.waiting?.next ?? Number.POSITIVE_INFINITY
    if (next === Number.POSITIVE_INFINITY || source.heard === Number.NEGATIVE_INFINITY) return
    this.silent.put(source, source.heard + Math.max(silentMillis, next - source.mark))
  }
}
