/**
 * Many conditions over one stream: an event costs what it may fulfil, not what there is. Each alternative of a condition is
 * stored under the one of its atoms that the fewest events fulfil; an event brings up what stands under its own values, and
 * only of that the other atoms are tested, each at most once an event, however many conditions share it.
 */
import type { BoundCondition } from "../../protocol/condition/Bound.ts"
import { rowPredicate } from "../condition/Closure.ts"
import { fixedInterval } from "../condition/Fixed.ts"
import type { Row } from "../condition/RowTests.ts"
import { type Access, planFor } from "./Access.ts"
import { type Atom, conjunctionsOf } from "./Conjunctions.ts"
import { FieldIndex } from "./FieldIndex.ts"
import { Fields } from "./Fields.ts"

/** An atom of which there is one, whoever asks it. */
interface Test {
  readonly key: string
  readonly holds: (row: Row) => boolean
  users: number
  /** The event for which `isTrue` stands. */
  epoch: number
  isTrue: boolean
}

/** An alternative of a condition. */
interface Alternative<Id> {
  readonly of: Entry<Id>
  readonly access: Access
  /** Numbers that must lie in an interval, in threes: the place of the field, low end, high end. Quicker than any test. */
  readonly ranges: Float64Array
  readonly rest: ReadonlyArray<Test>
}

interface Entry<Id> {
  readonly id: Id
  alternatives: ReadonlyArray<Alternative<Id>>
  /** The event that it was told for. */
  epoch: number
}

/** What the matcher has done since it was made. */
export interface MatcherCounters {
  readonly events: number
  /** Alternatives that were brought up. */
  readonly candidates: number
  /** Atoms that were tested. */
  readonly tested: number
  readonly hits: number
}

/** Conditions by id. */
export class Matcher<Id> {
  readonly #fields = new Fields()
  readonly #tests = new Map<string, Test>()
  readonly #entries = new Map<Id, Entry<Id>>()
  /** By the place of the field. */
  readonly #indexes: Array<FieldIndex<Alternative<Id>> | undefined> = []
  readonly #scanned = new Set<Alternative<Id>>()
  readonly #row: Array<unknown> = []
  /** The same row's numbers; NaN where there is none. */
  #numbers = new Float64Array(0)
  #hit: (id: Id) => void = () => {}
  readonly #present: Array<number> = []
  #epoch = 0
  #candidates = 0
  #tested = 0
  #hits = 0

  get size(): number {
    return this.#entries.size
  }

  get counters(): MatcherCounters {
    return { events: this.#epoch, candidates: this.#candidates, tested: this.#tested, hits: this.#hits }
  }

  /** Adds a condition, or replaces the one of its id. */
  set(id: Id, condition: BoundCondition): void {
    this.delete(id)
    const entry: Entry<Id> = { id, alternatives: [], epoch: 0 }
    entry.alternatives = conjunctionsOf(condition).map((conjunction) => {
      const { access, settled } = planFor(conjunction, this.#crowdOf)
      const ranges: Array<number> = []
      const rest: Array<Test> = []
      for (const atom of conjunction) {
        if (atom === settled) continue
        const range = fixedInterval(atom)
        if (range === undefined) rest.push(this.#testOf(atom))
        else ranges.push(this.#fields.placeOf(range.path), ...range.interval)
      }
      const alternative = { of: entry, access, ranges: Float64Array.from(ranges), rest }
      if (access._tag === "Scan") this.#scanned.add(alternative)
      else this.#indexAt(this.#fields.placeOf(access.path)).add(access, alternative)
      return alternative
    })
    this.#entries.set(id, entry)
    this.#widen()
  }

  delete(id: Id): void {
    const entry = this.#entries.get(id)
    if (entry === undefined) return
    this.#entries.delete(id)
    for (const alternative of entry.alternatives) {
      const { access, rest } = alternative
      if (access._tag === "Scan") this.#scanned.delete(alternative)
      else this.#unindex(access, alternative)
      for (const test of rest) if (--test.users === 0) this.#tests.delete(test.key)
    }
  }

  /** Calls `hit` with the id of each condition that the document fulfils, once each, in no order. */
  match(document: unknown, hit: (id: Id) => void): void {
    this.#epoch++
    this.#hit = hit
    this.#fields.walk(document, this.#keep)
    const present = this.#present
    for (let at = 0; at < present.length; at++) {
      const place = present[at] ?? 0
      this.#indexes[place]?.probe(this.#row[place], this.#judge)
    }
    if (this.#scanned.size > 0) for (const alternative of this.#scanned) this.#judge(alternative)
    for (let at = 0; at < present.length; at++) {
      const place = present[at] ?? 0
      this.#row[place] = undefined
      this.#numbers[place] = Number.NaN
    }
    present.length = 0
  }

  readonly #keep = (place: number, value: unknown): void => {
    this.#row[place] = value
    if (typeof value === "number") this.#numbers[place] = value
    this.#present.push(place)
  }

  readonly #judge = ({ of, ranges, rest }: Alternative<Id>): void => {
    this.#candidates++
    if (of.epoch === this.#epoch) return
    const numbers = this.#numbers
    for (let at = 0; at < ranges.length; at += 3) {
      const value = numbers[ranges[at] ?? 0] ?? Number.NaN
      if (!(value >= (ranges[at + 1] ?? 0) && value <= (ranges[at + 2] ?? 0))) return
    }
    for (let at = 0; at < rest.length; at++) {
      const test = rest[at]
      if (test !== undefined && !this.#holds(test)) return
    }
    of.epoch = this.#epoch
    this.#hits++
    this.#hit(of.id)
  }

  /** Room for every field that anybody reads. */
  #widen(): void {
    const { count } = this.#fields
    while (this.#row.length < count) this.#row.push(undefined)
    if (this.#numbers.length < count) this.#numbers = new Float64Array(2 * count).fill(Number.NaN)
  }

  #holds(test: Test): boolean {
    if (test.epoch !== this.#epoch) {
      test.epoch = this.#epoch
      test.isTrue = test.holds(this.#row)
      this.#tested++
    }
    return test.isTrue
  }

  #testOf(atom: Atom): Test {
    const key = JSON.stringify(atom)
    const known = this.#tests.get(key)
    if (known !== undefined) {
      known.users++
      return known
    }
    const holds = rowPredicate(atom, (path) => this.#fields.placeOf(path))
    const test: Test = { key, holds, users: 1, epoch: 0, isTrue: false }
    this.#tests.set(key, test)
    return test
  }

  readonly #crowdOf = (access: Access): number =>
    access._tag === "Equal" ? (this.#indexes[this.#fields.placeOf(access.path)]?.crowdAt(access.values) ?? 0) : 0

  #indexAt(place: number): FieldIndex<Alternative<Id>> {
    const known = this.#indexes[place]
    if (known !== undefined) return known
    const index = new FieldIndex<Alternative<Id>>()
    this.#indexes[place] = index
    return index
  }

  #unindex(access: Exclude<Access, { readonly _tag: "Scan" }>, alternative: Alternative<Id>): void {
    const place = this.#fields.placeOf(access.path)
    const index = this.#indexes[place]
    index?.remove(access, alternative)
    if (index?.isEmpty === true) this.#indexes[place] = undefined
  }
}
