/** A load for measuring the matcher: events of a fleet, and patterns of which each looks for one type and two thresholds. */
import { Result } from "effect"
import { bindText } from "../../protocol/condition/Bind.ts"
import type { BoundCondition } from "../../protocol/condition/Bound.ts"
import { events as source } from "../../protocol/condition/Source.ts"
import { Matcher } from "./Matcher.ts"

/** Types of events; a pattern looks for one of them. */
const typeCount = 50
/** Events that are made once and played round and round. */
const eventCount = 4096

/** Numbers in [0, 1) from a seed (mulberry32). */
const randomFrom = (seed: number): (() => number) => {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** One rule in plain numbers, so that other engines can be given the same. */
export interface BenchRule {
  readonly type: string
  readonly temp: number
  readonly cpu: number
}

/** An event as a condition sees it. */
export interface BenchEvent {
  readonly type: string
  readonly data: Readonly<Record<string, number | boolean | string>>
}

/** Events with twelve fields, and rules of which about one in a hundred matches an event. */
export const benchLoad = (patterns: number, seed = 1) => {
  const random = randomFrom(seed)
  const events: ReadonlyArray<BenchEvent> = Array.from({ length: eventCount }, () => ({
    type: `board.t${Math.floor(random() * typeCount)}`,
    data: {
      temp: random() * 100,
      cpu: random(),
      fan: random() < 0.5,
      rpm: random() * 3000,
      volt: random() * 24,
      amp: random() * 4,
      mode: "auto",
      count: Math.floor(random() * 1000),
      door: random() < 0.1,
      load: random(),
      power: random() * 500
    }
  }))
  // A fiftieth has the type of an event, and seven tenths of the events pass each of the thresholds.
  const rules: ReadonlyArray<BenchRule> = Array.from({ length: patterns }, (_, index) => ({
    type: `board.t${index % typeCount}`,
    temp: 25 + random() * 10,
    cpu: 0.25 + random() * 0.1
  }))
  return { events, rules }
}

/** A rule as somebody would write it. */
export const textOf = ({ type, temp, cpu }: BenchRule): string =>
  `type == "${type}" and temp > ${temp} and cpu > ${cpu}`

/** A rule, read and bound. */
export const conditionOf = (rule: BenchRule): BoundCondition => Result.getOrThrow(bindText(textOf(rule), source))

/** A matcher that knows the rules, by their numbers. */
export const benchMatcher = (rules: ReadonlyArray<BenchRule>): Matcher<number> => {
  const matcher = new Matcher<number>()
  for (const [id, rule] of rules.entries()) matcher.set(id, conditionOf(rule))
  return matcher
}

/** Events a second that `take` takes, over at least so many milliseconds. */
export const eventsPerSecond = (
  events: ReadonlyArray<BenchEvent>,
  millis: number,
  take: (event: BenchEvent) => void
): number => {
  const startedAt = performance.now()
  let taken = 0
  for (;;) {
    for (const event of events) take(event)
    taken += events.length
    const spent = performance.now() - startedAt
    if (spent >= millis) return (taken / spent) * 1000
  }
}
