/** The values that a window which moves on with time holds, and what they come to. */
import type { Accumulator } from "./Accumulators.ts"
import { asScalars, distinctMax } from "./Distinct.ts"
import type { Scalar } from "./Match.ts"
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

/**
 * The last so many panes of time. A window that ends at t holds the pane of t and those before it, `panes` in all. The
 * panes before the newest are kept put together, so that an event costs the same however many there are.
 */
export class Panes<V, A extends Accumulator<V, A>> implements Contents<V> {
  readonly isFull = true
  private readonly empty: () => A
  private readonly paneMillis: number
  private readonly panesMax: number
  /** In order of time. Panes in which nothing happened are not there. */
  private panes: Array<Pane<A>> = []
  private readonly older: A
  /** Shared by all keys: it holds nothing between two calls. */
  private readonly scratch: A

  constructor(empty: () => A, scratch: A, paneMillis: number, panesMax: number) {
    this.empty = empty
    this.scratch = scratch
    this.older = empty()
    this.paneMillis = paneMillis
    this.panesMax = panesMax
  }

  get isEmpty(): boolean {
    return this.panes.length === 0
  }

  get nextExpiry(): number {
    const first = this.panes[0]
    return first === undefined ? Number.POSITIVE_INFINITY : (first.index + this.panesMax) * this.paneMillis
  }

  add(value: V, at: number, now: number): void {
    const index = Math.floor(at / this.paneMillis)
    const newest = this.panes.at(-1)
    if (newest !== undefined && newest.index === index) return newest.values.add(value, at)
    if (index <= Math.floor(now / this.paneMillis) - this.panesMax) return
    if (newest === undefined || newest.index < index) {
      if (newest !== undefined) this.older.absorb(newest.values)
      this.paneOf(index, this.panes.length).values.add(value, at)
      return
    }
    let place = this.panes.length - 1
    while (place > 0 && (this.panes[place - 1]?.index ?? 0) >= index) place--
    this.paneOf(index, place).values.add(value, at)
    this.renewOlder()
  }

  private paneOf(index: number, place: number): Pane<A> {
    const found = this.panes[place]
    if (found !== undefined && found.index === index) return found
    const pane = { index, values: this.empty() }
    this.panes.splice(place, 0, pane)
    return pane
  }

  expire(now: number): void {
    const first = Math.floor(now / this.paneMillis) - this.panesMax + 1
    let count = 0
    while (count < this.panes.length && (this.panes[count]?.index ?? first) < first) count++
    if (count === 0) return
    this.panes.splice(0, count)
    this.renewOlder()
  }

  private renewOlder(): void {
    this.older.clear()
    for (let place = 0; place < this.panes.length - 1; place++) {
      const pane = this.panes[place]
      if (pane !== undefined) this.older.absorb(pane.values)
    }
  }

  result(): number | undefined {
    const newest = this.panes.at(-1)
    if (newest !== undefined && this.older.count === 0) return newest.values.result()
    const { scratch } = this
    scratch.clear()
    scratch.absorb(this.older)
    if (newest !== undefined) scratch.absorb(newest.values)
    return scratch.result()
  }

  encode(): unknown {
    return this.panes.map(({ index, values }) => [index, values.encode()])
  }

  decode(value: unknown): void {
    this.panes = asList(value).map((pane) => {
      const [index, encoded] = asList(pane)
      const values = this.empty()
      values.decode(encoded)
      return { index: asNumber(index), values }
    })
    this.renewOlder()
  }
}

/** Different values in the last so many panes: each is known with the newest pane it was in. */
export class DistinctPanes implements Contents<Scalar> {
  readonly isFull = true
  private readonly paneMillis: number
  private readonly panesMax: number
  private readonly newestPane = new Map<Scalar, number>()
  /** Values that were in a pane, in order of time; some have been in a newer one since. */
  private panes: Array<{ readonly index: number; readonly values: Set<Scalar> }> = []

  constructor(paneMillis: number, panesMax: number) {
    this.paneMillis = paneMillis
    this.panesMax = panesMax
  }

  get isEmpty(): boolean {
    return this.panes.length === 0
  }

  get nextExpiry(): number {
    const first = this.panes[0]
    return first === undefined ? Number.POSITIVE_INFINITY : (first.index + this.panesMax) * this.paneMillis
  }

  add(value: Scalar, at: number, now: number): void {
    const index = Math.floor(at / this.paneMillis)
    if (index <= Math.floor(now / this.paneMillis) - this.panesMax) return
    this.place(value, index)
  }

  private place(value: Scalar, index: number): void {
    const known = this.newestPane.get(value)
    if (known !== undefined && known >= index) return
    if (known === undefined && this.newestPane.size >= distinctMax) return
    this.newestPane.set(value, index)
    let place = this.panes.length
    while (place > 0 && (this.panes[place - 1]?.index ?? 0) >= index) place--
    const found = this.panes[place]
    if (found !== undefined && found.index === index) found.values.add(value)
    else this.panes.splice(place, 0, { index, values: new Set([value]) })
    // A value that comes in every pane would otherwise be kept as often as there are panes.
    if (known !== undefined) this.panes.find((pane) => pane.index === known)?.values.delete(value)
  }

  expire(now: number): void {
    const first = Math.floor(now / this.paneMillis) - this.panesMax + 1
    for (let pane = this.panes[0]; pane !== undefined && pane.index < first; pane = this.panes[0]) {
      for (const value of pane.values) this.newestPane.delete(value)
      this.panes.shift()
    }
  }

  result(): number {
    return this.newestPane.size
  }

  encode(): unknown {
    return this.panes.map(({ index, values }) => [index, [...values]])
  }

  decode(value: unknown): void {
    this.newestPane.clear()
    this.panes = asList(value).map((pane) => {
      const [number, values] = asList(pane)
      const index = asNumber(number)
      for (const each of asScalars(values)) this.newestPane.set(each, index)
      return { index, values: new Set(asScalars(values)) }
    })
  }
}

/** The last so many values, in the order in which they come. */
export class LastDistinct implements Contents<Scalar> {
  readonly nextExpiry = Number.POSITIVE_INFINITY
  private readonly countMax: number
  private values: Array<Scalar> = []
  /** Where the next one goes once there are enough. */
  private place = 0
  private readonly times = new Map<Scalar, number>()

  constructor(countMax: number) {
    this.countMax = countMax
  }
  get isEmpty(): boolean {
    return this.values.length === 0
  }
  get isFull(): boolean {
    return this.values.length === this.countMax
  }
  add(value: Scalar): void {
    this.times.set(value, (this.times.get(value) ?? 0) + 1)
    if (!this.isFull) {
      this.values.push(value)
      return
    }
    const gone = this.values[this.place]
    this.values[this.place] = value
    this.place = (this.place + 1) % this.countMax
    if (gone === undefined) return
    const left = (this.times.get(gone) ?? 1) - 1
    if (left === 0) this.times.delete(gone)
    else this.times.set(gone, left)
  }
  expire(): void {}
  result(): number {
    return this.times.size
  }
  encode(): unknown {
    return [...this.values.slice(this.place), ...this.values.slice(0, this.place)]
  }
  decode(value: unknown): void {
    this.values = []
    this.place = 0
    this.times.clear()
    for (const each of asScalars(value)) this.add(each)
  }
}
