/** The values that a window which moves on with time holds, and what they come to. */
import type { Accumulator } from "./Accumulators.ts"
import { sizes } from "./Bounds.ts"
import { asList, asNumber } from "./State.ts"

/** Of one key. Times are event times, ms. */
export interface Contents<V> {
  /** Adds a value of an event that happened at `at`; the window ends at `now`, which never goes back. */
  add(value: V, at: number, now: number): void
  /** Drops what a window that ends at `now` no longer holds. */
  expire(now: number): void
  /** When something drops out next, if nothing comes. */
  readonly nextExpiry: number
  readonly isEmpty: boolean
  /** About how many it takes. */
  readonly bytes: number
  /** Whether it holds as much as it is ever going to. */
  readonly isFull: boolean
  result(): number | undefined
  encode(): unknown
  decode(value: unknown): void
}

/** Everything since the first event of the key. */
export class Running<V, A extends Accumulator<V, A>> implements Contents<V> {
  readonly nextExpiry = Number.POSITIVE_INFINITY
  readonly isFull = true
  private readonly all: A

  constructor(empty: () => A) {
    this.all = empty()
  }
  get isEmpty(): boolean {
    return this.all.count === 0
  }
  get bytes(): number {
    return this.all.bytes
  }
  add(value: V, at: number): void {
    this.all.add(value, at)
  }
  expire(): void {}
  result(): number | undefined {
    return this.all.result()
  }
  encode(): unknown {
    return this.all.encode()
  }
  decode(value: unknown): void {
    this.all.decode(value)
  }
}

interface Pane<A> {
  /** Counts panes from the beginning of time. */
  readonly index: number
  readonly values: A
}

/** How the panes of a window are put together. */
export interface Paning<A> {
  readonly empty: () => A
  /** Shared by all keys: it holds nothing between two calls. */
  readonly scratch: A
  readonly paneMillis: number
  readonly panesMax: number
  /** Whether an accumulator is so small that one more can be kept for each pane. */
  readonly keepsTails: boolean
}

/**
 * The last so many panes of time. A window that ends at t holds the pane of t and those before it, `panesMax` in all.
 *
 * The panes before the newest are kept put together in two halves. Of the older half it is known what every pane and those
 * behind it come to, so that a pane can drop out; when that half is used up, the newer one takes its place. So an event
 * costs the same however many panes there are.
 */
export class Panes<V, A extends Accumulator<V, A>> implements Contents<V> {
  readonly isFull = true
  private readonly paning: Paning<A>
  /** In order of time. Panes in which nothing happened are not there. */
  private panes: Array<Pane<A>> = []
  /** What the panes of the older half and all behind them in it come to; the last is that of the oldest pane. */
  private tails: Array<A> = []
  /** What the newer half comes to, without the newest pane. */
  private readonly newer: A

  constructor(paning: Paning<A>) {
    this.paning = paning
    this.newer = paning.empty()
  }

  get isEmpty(): boolean {
    return this.panes.length === 0
  }

  get bytes(): number {
    return this.panes.length * (this.paning.keepsTails ? 2 * sizes.numbers : sizes.sketch)
  }

  get nextExpiry(): number {
    const first = this.panes[0]
    if (first === undefined) return Number.POSITIVE_INFINITY
    return (first.index + this.paning.panesMax) * this.paning.paneMillis
  }

  add(value: V, at: number, now: number): void {
    const { paneMillis, panesMax } = this.paning
    const index = Math.floor(at / paneMillis)
    const newest = this.panes.at(-1)
    if (newest !== undefined && newest.index === index) return newest.values.add(value, at)
    if (index <= Math.floor(now / paneMillis) - panesMax) return
    if (newest === undefined || newest.index < index) {
      if (newest !== undefined) this.newer.absorb(newest.values)
      this.paneOf(index, this.panes.length).values.add(value, at)
      return
    }
    let place = this.panes.length - 1
    while (place > 0 && (this.panes[place - 1]?.index ?? 0) >= index) place--
    this.paneOf(index, place).values.add(value, at)
    this.turn()
  }

  private paneOf(index: number, place: number): Pane<A> {
    const found = this.panes[place]
    if (found !== undefined && found.index === index) return found
    const pane = { index, values: this.paning.empty() }
    this.panes.splice(place, 0, pane)
    return pane
  }

  expire(now: number): void {
    const { paneMillis, panesMax } = this.paning
    const first = Math.floor(now / paneMillis) - panesMax + 1
    let count = 0
    while (count < this.panes.length && (this.panes[count]?.index ?? first) < first) count++
    if (count === 0) return
    this.panes.splice(0, count)
    if (count > this.tails.length) this.turn()
    else this.tails.length -= count
  }

  /** Puts all panes but the newest together anew. */
  private turn(): void {
    const count = Math.max(0, this.panes.length - 1)
    this.build(this.paning.keepsTails ? count : 0, count)
  }

  /** The older half has so many panes, and both halves so many. */
  private build(older: number, count: number): void {
    this.tails = []
    this.newer.clear()
    for (let place = older - 1; place >= 0; place--) {
      const tail = this.paning.empty()
      this.absorbPane(tail, place)
      const behind = this.tails.at(-1)
      if (behind !== undefined) tail.absorb(behind)
      this.tails.push(tail)
    }
    for (let place = older; place < count; place++) this.absorbPane(this.newer, place)
  }

  private absorbPane(to: A, place: number): void {
    const pane = this.panes[place]
    if (pane !== undefined) to.absorb(pane.values)
  }

  result(): number | undefined {
    const tail = this.tails.at(-1)
    const newest = this.panes.at(-1)
    if (newest !== undefined && tail === undefined && this.newer.count === 0) return newest.values.result()
    const { scratch } = this.paning
    scratch.clear()
    if (tail !== undefined) scratch.absorb(tail)
    scratch.absorb(this.newer)
    if (newest !== undefined) scratch.absorb(newest.values)
    return scratch.result()
  }

  encode(): unknown {
    return [this.tails.length, this.panes.map(({ index, values }) => [index, values.encode()])]
  }

  /** The halves are put together as they were, so that sums come out the same to the last bit. */
  decode(value: unknown): void {
    const [older, panes] = asList(value)
    this.panes = asList(panes).map((pane) => {
      const [index, encoded] = asList(pane)
      const values = this.paning.empty()
      values.decode(encoded)
      return { index: asNumber(index), values }
    })
    this.build(asNumber(older), Math.max(0, this.panes.length - 1))
  }
}
