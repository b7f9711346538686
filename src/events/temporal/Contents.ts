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
  /** When all has dropped out, if nothing comes. */
  readonly lastExpiry: number
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
  readonly lastExpiry = Number.POSITIVE_INFINITY
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
  /** What the panes hold, in order of time. Panes in which nothing happened are not there. */
  private panes: Array<A> = []
  /** The number of each, counted from the beginning of time. */
  private indexes: Array<number> = []
  /** What the panes of the older half and all behind them in it come to; the last is that of the oldest pane. */
  private tails: Array<A> | undefined
  /** What the newer half comes to, without the newest pane. Most keys never have more than that one. */
  private newer: A | undefined

  constructor(paning: Paning<A>) {
    this.paning = paning
  }

  get isEmpty(): boolean {
    return this.panes.length === 0
  }

  get bytes(): number {
    return this.panes.length * (this.paning.keepsTails ? 2 * sizes.numbers : sizes.sketch)
  }

  get nextExpiry(): number {
    return this.expiryOf(0)
  }

  get lastExpiry(): number {
    return this.expiryOf(this.indexes.length - 1)
  }

  private expiryOf(place: number): number {
    if (this.indexes.length === 0) return Number.POSITIVE_INFINITY
    return ((this.indexes[place] ?? 0) + this.paning.panesMax) * this.paning.paneMillis
  }

  add(value: V, at: number, now: number): void {
    const { paneMillis, panesMax } = this.paning
    const { panes, indexes } = this
    const index = Math.floor(at / paneMillis)
    const last = panes.length - 1
    const newest = panes[last]
    const newestIndex = newest === undefined ? Number.NEGATIVE_INFINITY : (indexes[last] ?? 0)
    if (newest !== undefined && newestIndex === index) return newest.add(value, at)
    if (index <= Math.floor(now / paneMillis) - panesMax) return
    if (newestIndex < index) {
      if (newest !== undefined) this.withNewer().absorb(newest)
      this.paneOf(index, panes.length).add(value, at)
      return
    }
    let place = last
    while (place > 0 && (indexes[place - 1] ?? 0) >= index) place--
    this.paneOf(index, place).add(value, at)
    this.turn()
  }

  private withNewer(): A {
    this.newer ??= this.paning.empty()
    return this.newer
  }

  private paneOf(index: number, place: number): A {
    const found = this.panes[place]
    if (found !== undefined && this.indexes[place] === index) return found
    const pane = this.paning.empty()
    if (place === this.panes.length) {
      this.panes.push(pane)
      this.indexes.push(index)
    } else {
      this.panes.splice(place, 0, pane)
      this.indexes.splice(place, 0, index)
    }
    return pane
  }

  expire(now: number): void {
    const { paneMillis, panesMax } = this.paning
    const { panes, indexes } = this
    const first = Math.floor(now / paneMillis) - panesMax + 1
    let count = 0
    while (count < indexes.length && (indexes[count] ?? first) < first) count++
    if (count === 0) return
    if (count === 1) {
      panes.shift()
      indexes.shift()
    } else {
      panes.splice(0, count)
      indexes.splice(0, count)
    }
    if (this.tails === undefined || count > this.tails.length) this.turn()
    else this.tails.length -= count
  }

  /** Puts all panes but the newest together anew. */
  private turn(): void {
    const count = Math.max(0, this.panes.length - 1)
    this.build(this.paning.keepsTails ? count : 0, count)
  }

  /** The older half has so many panes, and both halves so many. */
  private build(older: number, count: number): void {
    this.newer?.clear()
    if (older === 0) this.tails = undefined
    else {
      const tails: Array<A> = []
      let behind: A | undefined
      for (let place = older - 1; place >= 0; place--) {
        const tail = this.paning.empty()
        this.absorbPane(tail, place)
        if (behind !== undefined) tail.absorb(behind)
        tails.push(tail)
        behind = tail
      }
      this.tails = tails
    }
    for (let place = older; place < count; place++) this.absorbPane(this.withNewer(), place)
  }

  private absorbPane(to: A, place: number): void {
    const pane = this.panes[place]
    if (pane !== undefined) to.absorb(pane)
  }

  result(): number | undefined {
    const { tails, newer } = this
    const tail = tails?.[tails.length - 1]
    const newest = this.panes[this.panes.length - 1]
    const hasNewer = newer !== undefined && newer.count > 0
    if (newest !== undefined && tail === undefined && !hasNewer) return newest.result()
    const { scratch } = this.paning
    scratch.clear()
    if (tail !== undefined) scratch.absorb(tail)
    if (hasNewer) scratch.absorb(newer)
    if (newest !== undefined) scratch.absorb(newest)
    return scratch.result()
  }

  encode(): unknown {
    return [this.tails?.length ?? 0, this.panes.map((values, place) => [this.indexes[place], values.encode()])]
  }

  /** The halves are put together as they were, so that sums come out the same to the last bit. */
  decode(value: unknown): void {
    const [older, panes] = asList(value)
    this.panes = []
    this.indexes = []
    for (const pane of asList(panes)) {
      const [index, encoded] = asList(pane)
      const values = this.paning.empty()
      values.decode(encoded)
      this.panes.push(values)
      this.indexes.push(asNumber(index))
    }
    this.build(asNumber(older), Math.max(0, this.panes.length - 1))
  }
}
