/** What is looked for in one field: values, ranges, beginnings, or that it is there at all. */
import type { Access } from "./Access.ts"
import { IntervalIndex } from "./IntervalIndex.ts"

/** Items by what they ask of one field. */
export class FieldIndex<A> {
  readonly #equal = new Map<unknown, Array<A>>()
  readonly #ranges = new IntervalIndex<A>()
  /** By length, then by the beginning itself. */
  readonly #prefixes = new Map<number, Map<string, Array<A>>>()
  readonly #present: Array<A> = []

  add(access: Exclude<Access, { readonly _tag: "Scan" }>, item: A): void {
    switch (access._tag) {
      case "Equal":
        for (const value of access.values) into(this.#equal, value, item)
        return
      case "Range":
        return this.#ranges.add(access.low, access.high, item)
      case "Prefix": {
        const { length } = access.prefix
        const prefixes = this.#prefixes.get(length) ?? new Map<string, Array<A>>()
        this.#prefixes.set(length, prefixes)
        return into(prefixes, access.prefix, item)
      }
      case "Present":
        this.#present.push(item)
    }
  }

  remove(access: Exclude<Access, { readonly _tag: "Scan" }>, item: A): void {
    switch (access._tag) {
      case "Equal":
        for (const value of access.values) outOf(this.#equal, value, item)
        return
      case "Range":
        return this.#ranges.remove(item)
      case "Prefix": {
        const { length } = access.prefix
        const prefixes = this.#prefixes.get(length)
        if (prefixes === undefined) return
        outOf(prefixes, access.prefix, item)
        if (prefixes.size === 0) this.#prefixes.delete(length)
        return
      }
      case "Present":
        takeOut(this.#present, item)
    }
  }

  /** Whether nothing is looked for any more. */
  get isEmpty(): boolean {
    return this.#equal.size === 0 && this.#ranges.size === 0 && this.#prefixes.size === 0 && this.#present.length === 0
  }

  /** How many items ask for one of these values. */
  crowdAt(values: ReadonlyArray<unknown>): number {
    return values.reduce<number>((sum, value) => sum + (this.#equal.get(value)?.length ?? 0), 0)
  }

  /** Calls `found` with what the value of the field may fulfil. */
  probe(value: unknown, found: (item: A) => void): void {
    const equal = this.#equal.size === 0 ? undefined : this.#equal.get(value)
    if (equal !== undefined) for (const item of equal) found(item)
    if (typeof value === "number") {
      if (this.#ranges.size > 0) this.#ranges.at(value, found)
    } else if (typeof value === "string") {
      for (const [length, prefixes] of this.#prefixes) {
        const items = length <= value.length ? prefixes.get(value.slice(0, length)) : undefined
        if (items !== undefined) for (const item of items) found(item)
      }
    }
    for (const item of this.#present) found(item)
  }
}

const into = <K, A>(map: Map<K, Array<A>>, key: K, item: A): void => {
  const known = map.get(key)
  if (known === undefined) map.set(key, [item])
  else known.push(item)
}

const outOf = <K, A>(map: Map<K, Array<A>>, key: K, item: A): void => {
  const known = map.get(key)
  if (known === undefined) return
  takeOut(known, item)
  if (known.length === 0) map.delete(key)
}

/** Their order says nothing: the last one takes the place. */
const takeOut = <A>(items: Array<A>, item: A): void => {
  const at = items.indexOf(item)
  const last = items.pop()
  if (at >= 0 && at < items.length && last !== undefined) items[at] = last
}
