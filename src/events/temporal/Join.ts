/** Two streams meet: every event of one with every event of the other that is near enough in time. */
import type { HolonEvent } from "../../protocol/Event.ts"
import { partialsMax, sizes } from "./Bounds.ts"
import type { KeyRecord } from "./Keys.ts"
import type { Scalar } from "./Match.ts"
import type { Operator, Surroundings } from "./Operator.ts"
import { insert } from "./Ordered.ts"
import { type Join as Body, pairKind, predicateOf, readScalar, sideOf } from "./Reading.ts"
import { asList, asNumber, asText } from "./State.ts"

/** An event that waits for others. */
interface Side {
  readonly at: number
  readonly id: string
  /** The value both must have. */
  readonly on: Scalar | undefined
  readonly document: Readonly<Record<string, unknown>>
  readonly bytes: number
}

/** What is kept of a key: events of both streams in order of time. */
export interface Meeting {
  readonly left: Array<Side>
  readonly right: Array<Side>
  bytes: number
}

const leftBit = 1
const rightBit = 2

export class Join implements Operator<Meeting> {
  readonly spanMillis: number
  readonly lateMillis: number
  private readonly names: { readonly left: string; readonly right: string }
  private readonly on: ((event: HolonEvent) => Scalar | undefined) | undefined
  private readonly holds: (document: unknown) => boolean

  constructor(body: Body, lateMillis: number) {
    this.spanMillis = body.withinMillis
    this.lateMillis = lateMillis
    this.names = { left: body.left.as, right: body.right.as }
    this.on = body.on === undefined ? undefined : readScalar(body.on)
    this.holds = body.where === undefined ? () => true : predicateOf(body.where, pairKind(body))
  }

  begin(): Meeting {
    return { left: [], right: [], bytes: 0 }
  }

  opens(): boolean {
    return true
  }

  take(record: KeyRecord<Meeting>, event: HolonEvent, hits: number, around: Surroundings<Meeting>): void {
    const on = this.on?.(event)
    if (this.on !== undefined && on === undefined) return
    const { state } = record
    const { left, right } = state
    const side = newSide(event.at, event.id, on, sideOf(event))
    if ((hits & leftBit) !== 0) this.meet(side, right, (other) => this.pair(side, other, record, around))
    if ((hits & rightBit) !== 0) this.meet(side, left, (other) => this.pair(other, side, record, around))
    // Only now, so that an event that belongs to both streams does not meet itself.
    if ((hits & leftBit) !== 0) this.keep(state, left, side, around)
    if ((hits & rightBit) !== 0) this.keep(state, right, side, around)
  }

  private meet(side: Side, others: ReadonlyArray<Side>, pair: (other: Side) => void): void {
    for (const other of others) {
      if (other.at > side.at + this.spanMillis) return
      if (other.at >= side.at - this.spanMillis && other.on === side.on) pair(other)
    }
  }

  private pair(left: Side, right: Side, record: KeyRecord<Meeting>, around: Surroundings<Meeting>): void {
    const pair = { [this.names.left]: left.document, [this.names.right]: right.document }
    if (!this.holds(pair)) return
    around.tell(record, {
      kind: "match",
      at: Math.max(left.at, right.at),
      events: [left.id, right.id],
      values: around.carry?.(pair) ?? {}
    })
  }

  private keep(state: Meeting, sides: Array<Side>, side: Side, around: Surroundings<Meeting>): void {
    insert(sides, side, (other) => other.at > side.at)
    state.bytes += side.bytes
    if (sides.length <= partialsMax) return
    state.bytes -= sides.shift()?.bytes ?? 0
    around.drop(1)
  }

  advance({ state, clock }: KeyRecord<Meeting>): void {
    const least = clock - this.spanMillis - this.lateMillis
    for (const sides of [state.left, state.right]) {
      let count = 0
      while (count < sides.length && (sides[count]?.at ?? least) < least) count++
      for (const { bytes } of sides.splice(0, count)) state.bytes -= bytes
    }
  }

  due({ left, right }: Meeting): number {
    const oldest = Math.min(left[0]?.at ?? Number.POSITIVE_INFINITY, right[0]?.at ?? Number.POSITIVE_INFINITY)
    return oldest + this.spanMillis + this.lateMillis + 1
  }

  isIdle({ left, right }: Meeting): boolean {
    return left.length === 0 && right.length === 0
  }

  bytes({ bytes }: Meeting): number {
    return bytes
  }

  encode({ left, right }: Meeting): unknown {
    return [left, right].map((sides) => sides.map(({ at, id, on, document }) => [at, id, on ?? null, document]))
  }

  decode(value: unknown): Meeting {
    const [left = [], right = []] = asList(value).map((sides) =>
      asList(sides).map((each): Side => {
        const [at, id, on, document] = asList(each)
        const isValue = typeof on === "string" || typeof on === "number" || typeof on === "boolean"
        const isMap = typeof document === "object" && document !== null
        return newSide(asNumber(at), asText(id), isValue ? on : undefined, isMap ? { ...document } : {})
      })
    )
    const bytes = [...left, ...right].reduce((sum, side) => sum + side.bytes, 0)
    return { left, right, bytes }
  }
}

/** Documents are as large as what is said in them. */
const newSide = (at: number, id: string, on: Scalar | undefined, document: Side["document"]): Side => ({
  at,
  id,
  on,
  document,
  bytes: sizes.partial + 2 * JSON.stringify(document).length
})
