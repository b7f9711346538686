/** Nothing of a kind for so long after the last of it: a heartbeat that stops. */
import type { HolonEvent } from "../../protocol/Event.ts"
import { sizes } from "./Bounds.ts"
import type { KeyRecord } from "./Keys.ts"
import type { Operator, Surroundings } from "./Operator.ts"
import { asList, asNumber, asText } from "./State.ts"

interface Beat {
  readonly at: number
  readonly id: string
}

/** What is kept of a key. */
export interface Quiet {
  /** The newest event up to which there was no silence. */
  last: Beat | undefined
  /** Events beyond a gap that may still be filled by one that comes out of order; in order of time. */
  beyond: Array<Beat>
}

export class Silence implements Operator<Quiet> {
  readonly spanMillis: number
  readonly lateMillis = 0

  constructor(forMillis: number) {
    this.spanMillis = forMillis
  }

  begin(): Quiet {
    return { last: undefined, beyond: [] }
  }

  opens(): boolean {
    return true
  }

  take({ state }: KeyRecord<Quiet>, { at, id }: HolonEvent): void {
    const { last, beyond } = state
    if (last !== undefined && at <= last.at) return
    if (last === undefined || at <= last.at + this.spanMillis) {
      state.last = { at, id }
      this.close(state)
      return
    }
    let place = beyond.length
    while (place > 0 && (beyond[place - 1]?.at ?? 0) > at) place--
    beyond.splice(place, 0, { at, id })
  }

  /** What was beyond the gap may be within reach now. */
  private close(state: Quiet): void {
    const { beyond } = state
    for (let [next] = beyond; next !== undefined; [next] = beyond) {
      if (state.last !== undefined && next.at > state.last.at + this.spanMillis) return
      if (state.last === undefined || next.at > state.last.at) state.last = next
      beyond.shift()
    }
  }

  advance(record: KeyRecord<Quiet>, around: Surroundings<Quiet>): void {
    const { state, clock } = record
    for (let { last } = state; last !== undefined && clock > last.at + this.spanMillis; { last } = state) {
      around.tell(record, {
        kind: "match",
        at: last.at + this.spanMillis,
        events: [last.id],
        values: around.carried(record)
      })
      state.last = undefined
      this.close(state)
    }
  }

  due({ last }: Quiet): number {
    // An event at the very end of the time still counts, so it must be over.
    return last === undefined ? Number.POSITIVE_INFINITY : last.at + this.spanMillis + 1
  }

  isIdle({ last }: Quiet): boolean {
    return last === undefined
  }

  bytes({ beyond }: Quiet): number {
    return beyond.length * sizes.numbers
  }

  encode({ last, beyond }: Quiet): unknown {
    return [last, ...beyond].map((beat) => (beat === undefined ? null : [beat.at, beat.id]))
  }

  decode(value: unknown): Quiet {
    const beats = asList(value).map((each) => {
      if (each === null) return undefined
      const [at, id] = asList(each)
      return { at: asNumber(at), id: asText(id) }
    })
    return { last: beats[0], beyond: beats.slice(1).filter((beat) => beat !== undefined) }
  }
}
