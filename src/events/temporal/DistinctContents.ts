/** The different values that a window which moves on holds. */
import { sizes } from "./Bounds.ts"
import type { Contents } from "./Contents.ts"
import { asScalars, distinctMax } from "./Distinct.ts"
import type { Scalar } from "./Match.ts"
import { asList, asNumber } from "./State.ts"

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

  get bytes(): number {
    return sizes.numbers * this.panes.length + 2 * sizes.value * this.newestPane.size
  }

  get nextExpiry(): number {
    const first = this.panes[0]
    return first === undefined ? Number.POSITIVE_INFINITY : (first.index + this.panesMax) * this.paneMillis
  }

  get lastExpiry(): number {
    const last = this.panes.at(-1)
    return last === undefined ? Number.POSITIVE_INFINITY : (last.index + this.panesMax) * this.paneMillis
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
  readonly lastExpiry = Number.POSITIVE_INFINITY
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
  get bytes(): number {
    return 8 * this.values.length + sizes.value * this.times.size
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
