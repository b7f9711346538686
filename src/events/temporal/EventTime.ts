/**
 * What time it is for events: how far each source has come by its own clock, which events are late, come again or come
 * from the future. One of these serves all patterns that look at a stream.
 *
 * A source's watermark is the newest time it spoke of less two seconds; whatever it says later about the time before is
 * late. When nothing comes from a source for five seconds, its watermark goes on with the time that passes here, so that
 * silence can be noticed. Nothing reads a clock: whoever feeds it tells the time, and tells the same time when the same
 * events are read again.
 */
import type { HolonEvent } from "../../protocol/Event.ts"
import { encodeStored } from "../../protocol/Stored.ts"
import type { Cut } from "./Cut.ts"
import { asList, asNumber, asText, listOfForm } from "./State.ts"
import type { WakeHeap, Waking } from "./WakeHeap.ts"
import { type Sleeper, Wakes } from "./Wakes.ts"

const form = 2
/** How far events of one source may come out of order, ms. */
const allowanceMillis = 2000
/** After so long without an event a source's time goes on by itself, ms. */
export const silentMillis = 5000
/** An event further ahead of us than this is refused, ms. */
export const futureMillisMax = 3_600_000
/** A source this far behind the first of those that share a key no longer holds the others up, ms. */
const stragglerMillis = 30_000
/** Sources that are remembered; those silent longest are forgotten first. */
export const sourcesMax = 100_000
/** How often the time of all sources together is brought up to date, ms. */
const overallMillis = 100

/** Who speaks, and how far it has come. */
export class Source implements Waking {
  readonly actor: string
  readonly id: string
  /** Its watermark when it was last heard, event time, ms. */
  mark = Number.NEGATIVE_INFINITY
  /** When it was last heard, our time, ms. */
  heard = Number.NEGATIVE_INFINITY
  /** Whether the event it was last heard with is behind its watermark. */
  isLate = false
  /** What waits for it to come further, by event time. */
  waiting: WakeHeap<Sleeper> | undefined
  /** Whether it has come so far that some of that is to be woken. */
  isCome = false
  wakeAt = Number.POSITIVE_INFINITY
  /** The last {@link Cut} that knows it. */
  cut = 0
  /** The furthest of its events: number, when it was written, ms, and id. */
  private seq = -1
  private written = Number.NEGATIVE_INFINITY
  private eventId = ""

  constructor(actor: string, id: string) {
    this.actor = actor
    this.id = id
  }

  /**
   * Notes an event, and tells whether it is another than those before. A stream has the events of a source in the order of
   * their numbers, so one that is not further than the furthest comes again. An actor that begins to count anew does so later.
   */
  isNew({ seq, ts, id }: HolonEvent): boolean {
    if (ts.ms <= this.written && (seq < this.seq || (seq === this.seq && id === this.eventId))) return false
    this.seq = seq
    this.written = ts.ms
    this.eventId = id
    return true
  }

  encode(): ReadonlyArray<unknown> {
    return [this.actor, this.id, this.mark, this.heard, this.seq, this.written, this.eventId]
  }

  /** Goes on from what {@link encode} gave, behind its names. */
  decode([mark, heard, seq, written, eventId]: ReadonlyArray<unknown>): void {
    this.mark = asNumber(mark)
    this.heard = asNumber(heard)
    this.seq = asNumber(seq)
    this.written = asNumber(written)
    this.eventId = asText(eventId)
  }

  /** Its watermark at `now`. */
  markAt(now: number): number {
    const silent = now - this.heard
    return silent >= silentMillis && this.heard !== Number.NEGATIVE_INFINITY ? this.mark + silent : this.mark
  }
}

/** How far these sources together have come: as far as the last of them, but for those that lag too far behind. */
export const lowestMark = (sources: Iterable<Source>, now: number): number => {
  let foremost = Number.NEGATIVE_INFINITY
  for (const source of sources) foremost = Math.max(foremost, source.markAt(now))
  // A source whose clock is ahead makes nobody else a straggler.
  const least = Math.min(foremost, now) - stragglerMillis
  let lowest = Number.POSITIVE_INFINITY
  for (const source of sources) {
    const mark = source.markAt(now)
    if (mark >= least) lowest = Math.min(lowest, mark)
  }
  return lowest === Number.POSITIVE_INFINITY ? least : lowest
}

export class EventTime {
  /** Our time, ms; never goes back. */
  now = Number.NEGATIVE_INFINITY
  /** When it was first told the time, or went on from a snapshot, our time, ms. */
  begun = Number.POSITIVE_INFINITY
  /** Our time when the event at hand was written; what is late depends on this alone, however far `now` is. */
  written = Number.NEGATIVE_INFINITY
  /** Events that came again. */
  duplicates = 0
  /** Events that were refused because their time is far ahead of ours. */
  fromFuture = 0
  /** How far all sources together have come. Known once somebody {@link wantOverall wants} it. */
  overall = Number.NEGATIVE_INFINITY
  /** What waits for events, or for the time in which there are none. */
  readonly wakes = new Wakes()
  /** What is drawn of all that is kept, if anything is. */
  cut: Cut | undefined
  /** How many there were. */
  cutNumber = 0
  private isOverallWanted = false
  private sourceCount = 0
  /** As {@link sources}, one behind the other. */
  private allSources: Array<Source> = []
  private readonly sources = new Map<string, Map<string, Source>>()

  /** Our time is now this. */
  advance(now: number): void {
    if (now <= this.now) return
    if (this.begun === Number.POSITIVE_INFINITY) this.begun = now
    const isNext = Math.floor(now / overallMillis) > Math.floor(this.now / overallMillis)
    this.now = now
    if (isNext && this.isOverallWanted) this.renewOverall()
  }

  /** From now on {@link overall} is kept. */
  wantOverall(): void {
    if (this.isOverallWanted) return
    this.isOverallWanted = true
    this.renewOverall()
  }

  private renewOverall(): void {
    this.overall = Math.max(this.overall, lowestMark(this.allSources, this.now))
    this.wakes.hearOverall(this.overall)
  }

  /**
   * Takes note of an event, and gives its source, which says whether the event is late; nothing where patterns must not see
   * it: it came before, or its time is far ahead of ours. The time it was written is the same when it is read again.
   */
  admit(event: HolonEvent, written: number = event.ts.ms): Source | undefined {
    this.advance(written)
    this.written = written
    if (event.at > written + futureMillisMax) {
      this.fromFuture++
      return undefined
    }
    const source = this.sourceOf(event.source.actor, event.source.id)
    this.save(source)
    if (!source.isNew(event)) {
      this.duplicates++
      return undefined
    }
    const mark = source.markAt(written)
    source.isLate = event.at < mark
    source.mark = Math.max(mark, event.at - allowanceMillis)
    source.heard = Math.max(source.heard, written)
    this.wakes.hear(source)
    return source
  }

  /** The source of this name, which may not have spoken yet. */
  sourceOf(actor: string, id: string): Source {
    let ofActor = this.sources.get(actor)
    if (ofActor === undefined) {
      ofActor = new Map()
      this.sources.set(actor, ofActor)
    }
    let source = ofActor.get(id)
    if (source === undefined) {
      source = new Source(actor, id)
      source.cut = this.cutNumber
      ofActor.set(id, source)
      this.allSources.push(source)
      if (++this.sourceCount > sourcesMax) this.forgetSilent()
    }
    return source
  }

  /** Forgets the quarter that was silent longest: seldom, and then many at once. */
  private forgetSilent(): void {
    const heard = [...this.sources.values()].flatMap((ofActor) => Array.from(ofActor.values(), (each) => each.heard))
    const limit = heard.toSorted((a, b) => a - b)[Math.floor(heard.length / 4)] ?? Number.NEGATIVE_INFINITY
    for (const ofActor of this.sources.values())
      for (const [id, source] of ofActor) {
        if (source.heard >= limit || !Number.isFinite(source.heard)) continue
        this.save(source)
        ofActor.delete(id)
        this.sourceCount--
      }
    this.allSources = [...this.sources.values()].flatMap((ofActor) => [...ofActor.values()])
  }

  /** Writes down what is about to change. */
  private save(source: Source): void {
    const { cut } = this
    if (cut === undefined || source.cut === cut.number) return
    source.cut = cut.number
    cut.putSource(source.encode())
  }

  /** Writes down every source that was there when the cut began. */
  *draw(cut: Cut): Generator<void> {
    for (const ofActor of this.sources.values())
      for (const source of ofActor.values())
        if (source.cut !== cut.number) {
          this.save(source)
          yield
        }
  }

  /** All but the sources. */
  encode(): ReadonlyArray<unknown> {
    return [this.now, this.overall, this.isOverallWanted]
  }

  /** Begins anew with what {@link encode} gave. */
  decode([now, overall, isOverallWanted]: ReadonlyArray<unknown>): void {
    this.sources.clear()
    this.allSources = []
    this.wakes.clear()
    this.sourceCount = 0
    this.now = asNumber(now)
    this.begun = this.now
    this.overall = asNumber(overall)
    this.wakes.hearOverall(this.overall)
    this.isOverallWanted = isOverallWanted === true
  }

  /** Knows a source again. Before machines are restored, which look them up. */
  readSource(encoded: unknown): void {
    const [actor, id, ...rest] = asList(encoded)
    this.sourceOf(asText(actor), asText(id)).decode(rest)
  }

  /** For {@link restore}. */
  snapshot(): Uint8Array {
    const sources = [...this.sources.values()].flatMap((ofActor) =>
      Array.from(ofActor.values(), (source) => source.encode())
    )
    return encodeStored([form, sources, ...this.encode()])
  }

  /** Goes on from a snapshot. Throws {@link SnapshotMalformed}. Before machines are restored, which look up their sources. */
  restore(bytes: Uint8Array): void {
    const [sources, ...head] = listOfForm(bytes, form)
    const all = asList(sources)
    this.decode(head)
    for (const each of all) this.readSource(each)
  }
}
