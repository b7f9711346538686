/** One pattern, and events told in short: who speaks, when it happened, when it comes. */
import { Result, Schema } from "effect"
import { documentOf } from "../../../src/events/matching/Document.ts"
import { EventTime } from "../../../src/events/temporal/EventTime.ts"
import type { Interest } from "../../../src/events/temporal/Interest.ts"
import { makeMachine } from "../../../src/events/temporal/MakeMachine.ts"
import type { Match } from "../../../src/events/temporal/Match.ts"
import type { PatternMachine } from "../../../src/events/temporal/PatternMachine.ts"
import { predicateOf } from "../../../src/events/temporal/Reading.ts"
import type { ConditionTree } from "../../../src/protocol/condition/Condition.ts"
import { parse } from "../../../src/protocol/condition/Parse.ts"
import type { HolonEvent } from "../../../src/protocol/Event.ts"
import { Pattern, type PatternBody } from "../../../src/protocol/pattern/Pattern.ts"
import { isOfTypes } from "../../../src/protocol/pattern/TypeMatch.ts"

/** The bits of all interests that an event fulfils, without an index. */
const hitsOf = (interests: ReadonlyArray<Interest>): ((event: HolonEvent) => number) => {
  const tests = interests.map(({ types, condition }) => ({ types, holds: predicateOf(condition) }))
  return (event) =>
    tests.reduce(
      (hits, { types, holds }, index) =>
        isOfTypes(types, event.type) && holds(documentOf(event)) ? hits | (1 << index) : hits,
      0
    )
}

/** 2026-01-01T00:00:00Z: times in these tests count from here, ms. */
export const epoch = 1_767_225_600_000

/** The tree of a condition. */
export const condition = (text: string): ConditionTree => Result.getOrThrow(parse(text)).tree

/** The term of a field. */
export const field = (...path: readonly [string, ...Array<string>]) => ({ _tag: "Field" as const, path })

export const pattern = (body: PatternBody, rest: Partial<Pattern> = {}): Pattern =>
  Schema.decodeUnknownSync(Pattern)({
    name: "tested",
    priority: "normal",
    by: [["source", "id"]],
    actions: [],
    ...rest,
    body
  })

/** One event. `at` counts from the epoch; it comes when it happens, unless `comes` says later. */
export interface Told {
  readonly id: number
  readonly at: number
  readonly comes?: number
  /** When it was written, where it comes again later. */
  readonly wrote?: number
  readonly who?: string
  readonly type?: string
  readonly zone?: string
  readonly data?: HolonEvent["data"]
}

export const idOf = (id: number): string => `00000000-0000-7000-8000-${id.toString(16).padStart(12, "0")}`

export const eventOf = ({
  id,
  at,
  comes = at,
  wrote = comes,
  who = "press-1",
  type = "board.telemetry",
  zone,
  data = {}
}: Told): HolonEvent => ({
  id: idOf(id),
  type,
  source: { actor: "device", id: who },
  seq: id,
  ts: { ms: epoch + wrote, ctr: 0, node: "0000000000000000" },
  at: epoch + at,
  vsm: "root",
  ...(zone === undefined ? {} : { zone }),
  severity: "info",
  data,
  causes: []
})

/** A match in short: its kind, its time from the epoch, and the numbers of its events. */
export const shortOf = ({ kind, at, events }: Match): string =>
  `${kind} at ${at - epoch} of ${events.map((id) => Number.parseInt(id.slice(-12), 16)).join(", ")}`

export class Rig {
  readonly matches: Array<Match> = []
  time = new EventTime()
  machine: PatternMachine
  private readonly given: Pattern
  private readonly numbers = new Map<number, number>()
  private readonly hits: (event: HolonEvent) => number

  constructor(given: Pattern, { allowLateMillis = 0 }: { readonly allowLateMillis?: number } = {}) {
    this.given = allowLateMillis === 0 ? given : { ...given, allowLateMillis }
    this.machine = this.made(this.given, 1)
    this.hits = hitsOf(this.machine.interests)
  }

  private made(given: Pattern, version: number): PatternMachine {
    return makeMachine(given, {
      version,
      time: this.time,
      deliver: (match) => this.matches.push(match)
    })
  }

  tell(...told: ReadonlyArray<Told>): this {
    for (const each of told) {
      // A source counts its events as they come; one that comes again has the number it had.
      const seq = this.numbers.get(each.id) ?? this.numbers.size + 1
      this.numbers.set(each.id, seq)
      const event = { ...eventOf(each), seq }
      const source = this.time.admit(event)
      if (source === undefined) continue
      const hits = this.hits(event)
      if (hits !== 0) this.machine.take(event, source, hits)
    }
    return this
  }

  /** Time passes, and nothing comes. */
  pass(until: number): this {
    this.time.advance(epoch + until)
    if (this.machine.next <= this.time.now) this.machine.advance()
    return this
  }

  /** Stops it, and goes on with new ones from what they left. */
  cut(): this {
    const [time, machine] = [this.time.snapshot(), this.machine.snapshot()]
    this.time = new EventTime()
    this.time.restore(time)
    this.machine = this.made(this.given, 1)
    if (!this.machine.restore(machine)) throw new Error("a machine does not know its own snapshot")
    return this
  }

  /** Puts another version in its place. Answers whether it goes on from the state. */
  swap(next: Pattern): boolean {
    const state = this.machine.snapshot()
    this.machine.end()
    this.machine = this.made(next, this.machine.version + 1)
    return this.machine.restore(state)
  }

  get short(): ReadonlyArray<string> {
    return this.matches.map(shortOf)
  }
}
