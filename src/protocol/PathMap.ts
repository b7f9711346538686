/**
 * A map of which every version stays as it is: a copy is one short array, for versions share the places of their paths. Most
 * reports change values at paths that are there.
 */

/** One version. */
export interface ReadonlyPathMap<A> {
  readonly size: number
  readonly get: (path: string) => A | undefined
  readonly forEach: (visit: (value: A, path: string) => void) => void
  readonly copy: () => PathMap<A>
}

/** Places of deleted paths that are carried along, beside as many as there are live ones. */
const holesMax = 32

/** A version under way. */
export class PathMap<A> implements ReadonlyPathMap<A> {
  /** Shared between versions, and only ever added to: a place beyond the values of a version is none of its own. */
  private places: Map<string, number>
  private values: Array<A | undefined>
  private live: number

  private constructor(places: Map<string, number>, values: Array<A | undefined>, live: number) {
    this.places = places
    this.values = values
    this.live = live
  }

  static empty<A>(): PathMap<A> {
    return new PathMap<A>(new Map(), [], 0)
  }

  get size(): number {
    return this.live
  }

  get(path: string): A | undefined {
    const place = this.places.get(path)
    // Reading beyond the end of an array is slow.
    return place === undefined || place >= this.values.length ? undefined : this.values[place]
  }

  copy(): PathMap<A> {
    return new PathMap(this.places, this.values.slice(), this.live)
  }

  set(path: string, value: A): void {
    const place = this.places.get(path)
    if (place !== undefined && place < this.values.length) {
      if (this.values[place] === undefined) this.live++
      this.values[place] = value
      return
    }
    // Another version has added paths of its own since, or too many of ours are gone.
    if (this.places.size !== this.values.length || this.values.length > 2 * this.live + holesMax) this.renumber()
    this.places.set(path, this.values.length)
    this.values.push(value)
    this.live++
  }

  delete(path: string): void {
    const place = this.places.get(path)
    if (place === undefined || place >= this.values.length || this.values[place] === undefined) return
    this.values[place] = undefined
    this.live--
  }

  forEach(visit: (value: A, path: string) => void): void {
    for (const [path, place] of this.places) {
      const value = place < this.values.length ? this.values[place] : undefined
      if (value !== undefined) visit(value, path)
    }
  }

  private renumber(): void {
    const places = new Map<string, number>()
    const values: Array<A> = []
    this.forEach((value, path) => {
      places.set(path, values.push(value) - 1)
    })
    this.places = places
    this.values = values
  }
}
