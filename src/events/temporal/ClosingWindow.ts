/**
 * An aggregate over windows that end: it is looked at once for each, when the watermark has passed its end. A late event
 * that is still allowed opens its window again; what has matched once does not match again.
 */
import type { HolonEvent } from "../../protocol/Event.ts"
import type { Accumulator } from "./Accumulators.ts"
import type { Read } from "./Aggregates.ts"
import { sizes } from "./Bounds.ts"
import { Hysteresis, type Phase, type When } from "./Hysteresis.ts"
import type { KeyRecord } from "./Keys.ts"
import type { Operator, Surroundings } from "./Operator.ts"
import { asList, asNumber, asText } from "./State.ts"

/** One window of a key. Times are event times, ms. */
export interface Frame<A> {
  /** Of its first event, or where it begins. */
  start: number
  /** When it is looked at. */
  end: number
  values: A
  lastId: string
  isClosed: boolean
  hasMatched: boolean
}

/** What is kept of a key. */
export interface Closing<A> {
  /** In order of time. */
  frames: Array<Frame<A>>
  readonly phase: Phase
  /** The end of the next window that is looked at though nothing happened in it. */
  nextEmpty: number
}

/** Where a window begins and ends. */
export interface Framing {
  /** How long one is, or how long the gap that ends it. */
  readonly millis: number
  /** Whether windows are as long as each other, one behind the other. */
  readonly isRegular: boolean
}

export class ClosingWindow<V, A extends Accumulator<V, A>> implements Operator<Closing<A>> {
  readonly spanMillis: number
  readonly lateMillis: number
  private readonly framing: Framing
  private readonly hysteresis: Hysteresis
  private readonly read: Read<V>
  private readonly empty: () => A

  constructor(when: When, framing: Framing, read: Read<V>, empty: () => A, lateMillis: number) {
    this.spanMillis = framing.millis
    this.lateMillis = lateMillis
    this.framing = framing
    this.hysteresis = new Hysteresis(when)
    this.read = read
    this.empty = empty
  }

  begin(): Closing<A> {
    return { frames: [], phase: this.hysteresis.begin(), nextEmpty: Number.POSITIVE_INFINITY }
  }

  take(record: KeyRecord<Closing<A>>, event: HolonEvent, _hits: number, around: Surroundings<Closing<A>>): void {
    const value = this.read(event)
    if (value === undefined) return
    const frame = this.frameOf(record.state, event.at)
    frame.values.add(value, event.at)
    frame.lastId = event.id
    // One that should have been looked at before there was anything in it is looked at now, like one opened again.
    frame.isClosed = frame.end <= record.clock
    if (frame.isClosed && this.hysteresis.isPlain) this.match(record, frame, around)
  }

  /** The window of a time; where an event stands between two sessions they become one. */
  private frameOf(state: Closing<A>, at: number): Frame<A> {
    const { millis, isRegular } = this.framing
    const { frames } = state
    if (isRegular) {
      const start = Math.floor(at / millis) * millis
      let place = frames.length
      while (place > 0 && (frames[place - 1]?.start ?? 0) >= start) place--
      const found = frames[place]
      if (found?.start === start) return found
      const frame = this.newFrame(start, start + millis)
      frames.splice(place, 0, frame)
      return frame
    }
    let place = frames.length
    while (place > 0 && (frames[place - 1]?.start ?? 0) > at) place--
    const before = frames[place - 1]
    const after = frames[place]
    const joinsBefore = before !== undefined && at < before.end
    const joinsAfter = after !== undefined && after.start < at + millis
    if (joinsBefore) {
      before.end = Math.max(before.end, at + millis)
      if (joinsAfter) {
        before.end = Math.max(before.end, after.end)
        before.values.absorb(after.values)
        before.hasMatched ||= after.hasMatched
        before.lastId = after.lastId
        frames.splice(place, 1)
      }
      return before
    }
    if (joinsAfter) {
      after.start = at
      return after
    }
    const frame = this.newFrame(at, at + millis)
    frames.splice(place, 0, frame)
    return frame
  }

  private newFrame(start: number, end: number): Frame<A> {
    return { start, end, values: this.empty(), lastId: "", isClosed: false, hasMatched: false }
  }

  advance(record: KeyRecord<Closing<A>>, around: Surroundings<Closing<A>>): void {
    const { state, clock } = record
    for (let next = this.nextLook(state); next <= clock; next = this.nextLook(state)) {
      const frame = state.frames.find(({ isClosed, end }) => !isClosed && end === next)
      if (frame !== undefined) frame.isClosed = true
      if (this.hysteresis.isPlain) {
        if (frame !== undefined) this.match(record, frame, around)
        continue
      }
      this.look(record, frame, next, around)
    }
    if (state.frames[0]?.isClosed === true)
      state.frames = state.frames.filter(({ isClosed, end }) => !isClosed || end + this.lateMillis > clock)
  }

  private match(record: KeyRecord<Closing<A>>, frame: Frame<A>, around: Surroundings<Closing<A>>): void {
    const value = frame.values.result()
    if (frame.hasMatched || !this.hysteresis.isOver(value)) return
    frame.hasMatched = true
    this.tell(record, "match", value, frame.end, frame.lastId, around)
  }

  /** Goes on in the cycle with a window, or with one in which nothing happened. */
  private look(
    record: KeyRecord<Closing<A>>,
    frame: Frame<A> | undefined,
    end: number,
    around: Surroundings<Closing<A>>
  ): void {
    const { state } = record
    const value = (frame?.values ?? this.empty()).result()
    const { step } = state.phase
    const change = this.hysteresis.step(state.phase, value, end)
    state.nextEmpty = this.nextEmpty(state.phase, end, frame === undefined && state.phase.step === step)
    if (change !== undefined) this.tell(record, change, value, end, frame?.lastId ?? "", around)
  }

  /** While a state lasts, windows without events count as well. They are all alike, so only those that end a wait are looked at. */
  private nextEmpty(phase: Phase, end: number, isUnchanged: boolean): number {
    const { millis, isRegular } = this.framing
    if (!isRegular || this.hysteresis.isClear(phase)) return Number.POSITIVE_INFINITY
    return isUnchanged ? Math.max(end + millis, Math.ceil(this.hysteresis.due(phase) / millis) * millis) : end + millis
  }

  private tell(
    record: KeyRecord<Closing<A>>,
    kind: "match" | "enter" | "exit",
    value: number | undefined,
    windowEnd: number,
    lastId: string,
    around: Surroundings<Closing<A>>
  ): void {
    const values = { ...(value === undefined ? {} : { value }), ...around.carried(record) }
    around.tell(record, { kind, at: windowEnd, windowEnd, events: lastId === "" ? [] : [lastId], values })
  }

  due(state: Closing<A>): number {
    const [first] = state.frames
    const next = this.nextLook(state)
    return first?.isClosed === true ? Math.min(next, first.end + this.lateMillis) : next
  }

  private nextLook({ frames, nextEmpty }: Closing<A>): number {
    let due = nextEmpty
    for (const { isClosed, end } of frames) if (!isClosed && end < due) due = end
    return due
  }

  isIdle({ frames, phase }: Closing<A>): boolean {
    return frames.length === 0 && this.hysteresis.isClear(phase)
  }

  opens(): boolean {
    return true
  }

  bytes({ frames }: Closing<A>): number {
    let bytes = 0
    for (const { values } of frames) bytes += sizes.numbers + values.bytes
    return bytes
  }

  encode({ frames, phase, nextEmpty }: Closing<A>): unknown {
    return [
      frames.map(({ start, end, values, lastId, isClosed, hasMatched }) => [
        start,
        end,
        values.encode(),
        lastId,
        isClosed,
        hasMatched
      ]),
      this.hysteresis.encode(phase),
      nextEmpty
    ]
  }

  decode(value: unknown): Closing<A> {
    const [frames, phase, nextEmpty] = asList(value)
    return {
      frames: asList(frames).map((each) => {
        const [start, end, encoded, lastId, isClosed, hasMatched] = asList(each)
        const values = this.empty()
        values.decode(encoded)
        return {
          start: asNumber(start),
          end: asNumber(end),
          values,
          lastId: asText(lastId),
          isClosed: isClosed === true,
          hasMatched: hasMatched === true
        }
      }),
      phase: this.hysteresis.decode(phase),
      nextEmpty: asNumber(nextEmpty)
    }
  }
}
