/**
 * Steps one after another, for one key. Every event that is a first step begins a sequence of its own; each sequence goes on
 * with the first event that is its next step, or ends there when the very next event is not.
 *
 * A match is told when its last step comes. What comes out of order takes its place among the events before the watermark,
 * and the sequences from there on are followed again; a match that was told is not told twice, and not taken back.
 */
import type { HolonEvent } from "../../protocol/Event.ts"
import { partialsMax, sizes } from "./Bounds.ts"
import type { KeyRecord } from "./Keys.ts"
import type { Operator, Surroundings } from "./Operator.ts"
import { insert } from "./Ordered.ts"
import { asList, asNumber, asText, asTexts } from "./State.ts"

/** A sequence that has begun. Never changed, so that states can share it. */
interface Begun {
  /** When it began, event time, ms. */
  readonly start: number
  /** Events of its steps so far. */
  readonly ids: ReadonlyArray<string>
}

/** An event before which another may still come. */
interface Entry {
  readonly at: number
  readonly id: string
  readonly hits: number
  /** Where a match carries something of it. */
  readonly carried: Readonly<Record<string, unknown>>
  /** First events of the matches it completed: there is one match at most for each. */
  completed: Array<string> | undefined
}

/** What is kept of a key. */
export interface Steps {
  /** Sequences as they were before the entries, oldest first. */
  base: ReadonlyArray<Begun>
  /** In order of time. */
  entries: Array<Entry>
  /** Sequences as they are now: the base and what the entries made of it. */
  current: ReadonlyArray<Begun>
}

/** Entries that are kept before those behind the watermark are worked into the base. */
const entriesUsual = 32
const nothing = {}
const none: ReadonlyArray<Begun> = []

export class Sequence implements Operator<Steps> {
  readonly spanMillis: number
  readonly lateMillis = 0
  /** For each step whether it must be the very next event. */
  private readonly isNext: ReadonlyArray<boolean>
  private readonly stepBits: number
  private readonly lastStep: number

  constructor(links: ReadonlyArray<"next" | "eventually">, withinMillis: number) {
    this.spanMillis = withinMillis
    this.isNext = [false, ...links.map((link) => link === "next")]
    this.lastStep = links.length
    this.stepBits = (1 << (links.length + 1)) - 1
  }

  begin(): Steps {
    return { base: none, entries: [], current: none }
  }

  /** An event that is no step matters only to a sequence that has begun. */
  opens(hits: number): boolean {
    return (hits & this.stepBits) !== 0
  }

  take(record: KeyRecord<Steps>, event: HolonEvent, hits: number, around: Surroundings<Steps>): void {
    const { state, clock } = record
    const { at, id } = event
    if (!this.opens(hits) && state.current.length === 0 && state.entries.length === 0) return
    const entry: Entry = { at, id, hits, carried: around.carry?.(event) ?? nothing, completed: undefined }
    const place = insert(state.entries, entry, (other) => other.at > at)
    if (place === state.entries.length - 1) {
      state.current = this.step(state.current, entry, record, around)
    } else {
      let current = state.base
      for (const each of state.entries) current = this.step(current, each, record, around)
      state.current = current
    }
    if (state.entries.length > entriesUsual) this.settle(state, clock)
  }

  /** The sequences after an event. Without surroundings nothing is told. */
  private step(
    partials: ReadonlyArray<Begun>,
    entry: Entry,
    record: KeyRecord<Steps> | undefined,
    around: Surroundings<Steps> | undefined
  ): ReadonlyArray<Begun> {
    const { at, id, hits } = entry
    if (partials.length === 0) return (hits & 1) === 0 ? partials : [{ start: at, ids: [id] }]
    if ((hits & 1) === 0 && !partials.some((each) => this.isMoved(each, entry))) return partials
    const after: Array<Begun> = []
    for (const partial of partials) {
      if (!this.isMoved(partial, entry)) {
        after.push(partial)
        continue
      }
      const { start, ids } = partial
      if (at - start > this.spanMillis || (hits & (1 << ids.length)) === 0) continue
      const moved = { start, ids: [...ids, id] }
      if (ids.length < this.lastStep) after.push(moved)
      else if (record !== undefined && around !== undefined) complete(moved, entry, record, around)
    }
    if ((hits & 1) !== 0) after.push({ start: at, ids: [id] })
    if (after.length > partialsMax) {
      after.shift()
      around?.drop(1)
    }
    return after
  }

  /** Whether an event changes a sequence: it is its next step, or it ends it. */
  private isMoved({ start, ids }: Begun, { at, hits }: Entry): boolean {
    return (hits & (1 << ids.length)) !== 0 || this.isNext[ids.length] === true || at - start > this.spanMillis
  }

  /** Works the entries before which nothing can come any more into the base. */
  private settle(state: Steps, clock: number): void {
    const { entries } = state
    const last = entries.at(-1)
    if (last === undefined || last.at <= clock) {
      state.base = state.current
      entries.length = 0
      return
    }
    let count = 0
    for (const entry of entries) {
      if (entry.at > clock) break
      state.base = this.step(state.base, entry, undefined, undefined)
      count++
    }
    if (count > 0) entries.splice(0, count)
  }

  advance({ state, clock }: KeyRecord<Steps>): void {
    const last = state.entries.at(-1)
    if (last !== undefined && last.at <= clock) this.settle(state, clock)
    const least = clock - this.spanMillis
    const isShared = state.base === state.current
    state.base = since(state.base, least)
    state.current = isShared ? state.base : since(state.current, least)
  }

  /** Entries that are behind the watermark are worked into the base with the next event: that nobody is to be woken for. */
  due({ base, entries, current }: Steps): number {
    const [first] = base
    const [begun] = current
    if (first === undefined && begun === undefined) return entries.at(-1)?.at ?? Number.POSITIVE_INFINITY
    const start = Math.min(first?.start ?? Number.POSITIVE_INFINITY, begun?.start ?? Number.POSITIVE_INFINITY)
    return start + this.spanMillis + 1
  }

  isIdle({ base, entries, current }: Steps): boolean {
    return base.length === 0 && entries.length === 0 && current.length === 0
  }

  bytes({ entries, current }: Steps): number {
    return (entries.length + current.length) * sizes.partial
  }

  encode({ base, entries }: Steps): unknown {
    return [
      base.map(({ start, ids }) => [start, ids]),
      entries.map(({ at, id, hits, carried, completed }) => [at, id, hits, carried, completed ?? []])
    ]
  }

  decode(value: unknown): Steps {
    const [partials, waiting] = asList(value)
    const base = asList(partials).map((each) => {
      const [start, ids] = asList(each)
      return { start: asNumber(start), ids: asTexts(ids) }
    })
    const entries = asList(waiting).map((each) => {
      const [at, id, hits, carried, completed] = asList(each)
      const isKnown = typeof carried === "object" && carried !== null
      return {
        at: asNumber(at),
        id: asText(id),
        hits: asNumber(hits),
        carried: isKnown ? { ...carried } : nothing,
        completed: [...asTexts(completed)]
      }
    })
    let current: ReadonlyArray<Begun> = base
    for (const entry of entries) current = this.step(current, entry, undefined, undefined)
    return { base, entries, current }
  }
}

/** Those that did not begin before a time. */
const since = (begun: ReadonlyArray<Begun>, least: number): ReadonlyArray<Begun> => {
  const first = begun[0]
  if (first === undefined || first.start >= least) return begun
  const rest = begun.filter(({ start }) => start >= least)
  return rest.length === 0 ? none : rest
}

const complete = ({ ids }: Begun, entry: Entry, record: KeyRecord<Steps>, around: Surroundings<Steps>): void => {
  const text = ids.join(" ")
  if (entry.completed?.includes(text) === true) return
  entry.completed = [...(entry.completed ?? []), text]
  around.tell(record, { kind: "match", at: entry.at, events: ids, values: entry.carried })
}
