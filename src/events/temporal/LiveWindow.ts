/**
 * An aggregate over a window that moves on with time: it is looked at with every event, and when something drops out.
 *
 * The window ends at the newest event of the key, or at the watermark where that is further. An event that comes out of
 * order takes its place among the others, and changes what the aggregate is now, not what it was.
 */
import type { HolonEvent } from "../../protocol/Event.ts"
import type { Read } from "./Aggregates.ts"
import type { Contents } from "./Contents.ts"
import { Hysteresis, type Phase, type When } from "./Hysteresis.ts"
import type { KeyRecord } from "./Keys.ts"
import type { Operator, Surroundings } from "./Operator.ts"
import { asList, asNumber, asText } from "./State.ts"

/** What is kept of a key. */
export interface Live<V> extends Phase {
  readonly contents: Contents<V>
  /** Where the window ends, event time, ms. */
  front: number
  /** The event that came last. */
  lastId: string
}

/** Whether a value can pass the threshold only when something comes: what drops out never makes it more so. */
const isFalling = ({ aggregate: { _tag }, threshold: { operator } }: When): boolean => {
  const isAbove = operator === ">" || operator === ">="
  if (_tag === "Min") return operator === "<" || operator === "<="
  return isAbove && (_tag === "Count" || _tag === "Rate" || _tag === "Distinct" || _tag === "Max")
}

export class LiveWindow<V> implements Operator<Live<V>> {
  readonly spanMillis: number
  readonly lateMillis: number
  private readonly hysteresis: Hysteresis
  private readonly read: Read<V>
  private readonly contents: () => Contents<V>
  private readonly isFalling: boolean

  constructor(when: When, read: Read<V>, contents: () => Contents<V>, lateMillis: number) {
    this.spanMillis = when.over?._tag === "Sliding" ? when.over.millis : 0
    // Where only the order of coming counts, nothing is put in its place afterwards.
    this.lateMillis = when.over?._tag === "Sliding" ? lateMillis : 0
    this.hysteresis = new Hysteresis(when)
    this.read = read
    this.contents = contents
    this.isFalling = isFalling(when)
  }

  begin(): Live<V> {
    return { contents: this.contents(), ...this.hysteresis.begin(), front: Number.NEGATIVE_INFINITY, lastId: "" }
  }

  take(record: KeyRecord<Live<V>>, event: HolonEvent, _hits: number, around: Surroundings<Live<V>>): void {
    const value = this.read(event)
    if (value === undefined) return
    const { state } = record
    const now = Math.max(state.front, record.clock, event.at)
    // What drops out at this very moment is seen together with the event.
    this.passTo(record, around, now, false)
    state.contents.expire(now)
    state.contents.add(value, event.at, now)
    state.front = now
    state.lastId = event.id
    this.look(record, around, undefined)
  }

  advance(record: KeyRecord<Live<V>>, around: Surroundings<Live<V>>): void {
    this.passTo(record, around, record.clock, true)
  }

  /** Looks at every moment at which something drops out, or has lasted long enough. */
  private passTo(record: KeyRecord<Live<V>>, around: Surroundings<Live<V>>, end: number, isIncluded: boolean): void {
    const { state } = record
    for (let next = this.due(state); next < end || (isIncluded && next === end); next = this.due(state)) {
      state.contents.expire(next)
      state.front = Math.max(state.front, next)
      this.look(record, around, next)
    }
  }

  private look(record: KeyRecord<Live<V>>, around: Surroundings<Live<V>>, windowEnd: number | undefined): void {
    const { state } = record
    const value = state.contents.result()
    const change = this.hysteresis.step(state, value, state.front)
    if (change === undefined || (change === "exit" && this.hysteresis.isPlain)) return
    around.tell(record, {
      kind: this.hysteresis.isPlain ? "match" : change,
      at: state.front,
      ...(windowEnd === undefined ? {} : { windowEnd }),
      events: [state.lastId],
      values: { ...(value === undefined ? {} : { value }), ...around.carried(record) },
      isWarm: state.contents.isFull
    })
  }

  due(state: Live<V>): number {
    // While nothing has begun nobody needs to look before all is gone.
    if (this.isFalling && this.hysteresis.isClear(state)) return state.contents.lastExpiry
    return Math.min(state.contents.nextExpiry, this.hysteresis.due(state))
  }

  isIdle(state: Live<V>): boolean {
    return state.contents.isEmpty && this.hysteresis.isClear(state)
  }

  opens(): boolean {
    return true
  }

  bytes({ contents }: Live<V>): number {
    return contents.bytes
  }

  encode(state: Live<V>): unknown {
    return [state.contents.encode(), this.hysteresis.encode(state), state.front, state.lastId]
  }

  decode(value: unknown): Live<V> {
    const [encoded, phase, front, lastId] = asList(value)
    const contents = this.contents()
    contents.decode(encoded)
    return { contents, ...this.hysteresis.decode(phase), front: asNumber(front), lastId: asText(lastId) }
  }
}
