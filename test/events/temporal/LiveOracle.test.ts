import { describe, it } from "@effect/vitest"
import type { Aggregate } from "../../../src/protocol/pattern/Pattern.ts"
import { agrees, delayed, line, n, onTime } from "./Agreement.ts"
import { Cycle } from "./Cycle.ts"
import { field, pattern } from "./Rig.ts"
import { type Counted, grid, inTime } from "./Story.ts"

/** Mean of what a window holds, and the other aggregates, by their definitions. */
const definitions: Readonly<Record<string, (events: ReadonlyArray<Counted>) => number | undefined>> = {
  Count: (events) => events.length,
  Sum: (events) => events.reduce((sum, each) => sum + n(each), 0),
  Avg: (events) => (events.length === 0 ? undefined : events.reduce((sum, each) => sum + n(each), 0) / events.length),
  Max: (events) => (events.length === 0 ? undefined : Math.max(...events.map(n))),
  Min: (events) => (events.length === 0 ? undefined : Math.min(...events.map(n))),
  Distinct: (events) => new Set(events.map(n)).size,
  Stddev: (events) => {
    if (events.length < 2) return undefined
    const mean = events.reduce((sum, each) => sum + n(each), 0) / events.length
    return Math.sqrt(events.reduce((sum, each) => sum + (n(each) - mean) ** 2, 0) / (events.length - 1))
  },
  Quantile: (events) => {
    const sorted = events.map(n).toSorted((one, other) => one - other)
    const rank = 0.8 * (sorted.length - 1)
    const [low, high] = [sorted[Math.floor(rank)], sorted[Math.ceil(rank)]]
    return low === undefined || high === undefined ? undefined : low + (high - low) * (rank - Math.floor(rank))
  },
  Slope: (events) => {
    const seconds = events.map(({ told }) => told.at / 1000)
    const middle = seconds.reduce((sum, each) => sum + each, 0) / events.length
    const squares = seconds.reduce((sum, each) => sum + (each - middle) ** 2, 0)
    return squares === 0
      ? undefined
      : events.reduce((sum, each, at) => sum + ((seconds[at] ?? 0) - middle) * n(each), 0) / squares
  },
  Delta: (events) => {
    const sorted = inTime(events)
    const [first, last] = [sorted[0], sorted.at(-1)]
    return first === undefined || last === undefined ? undefined : n(last) - n(first)
  }
}

const aggregates: ReadonlyArray<readonly [Aggregate, over: number, back: number]> = [
  [{ _tag: "Count" }, 7.5, 3.5],
  [{ _tag: "Sum", of: field("n") }, 40.5, 20.5],
  [{ _tag: "Avg", of: field("n") }, 6.12345, 5.12345],
  [{ _tag: "Max", of: field("n") }, 9.5, 5.5],
  [{ _tag: "Min", of: field("n") }, 2.5, 0.5],
  [{ _tag: "Distinct", of: ["n"] }, 6.5, 3.5],
  [{ _tag: "Stddev", of: field("n") }, 3.12345, 2.12345],
  [{ _tag: "Quantile", of: field("n"), q: 0.8 }, 8.12345, 6.12345],
  [{ _tag: "Slope", of: field("n") }, 0.212345, -0.112345],
  [{ _tag: "Delta", of: field("n") }, 2.5, -2.5]
]

describe("a window that moves on, and a reference that keeps every event", () => {
  it.each(aggregates)("agree on %o over a sliding window with hysteresis and dwell", (aggregate, over, back) => {
    const cycle = {
      over: { operator: ">", value: over },
      back: { operator: "<", value: back },
      forMillis: 1500
    } as const
    const given = pattern({
      _tag: "When",
      aggregate,
      threshold: cycle.over,
      clear: cycle.back,
      forMillis: cycle.forMillis,
      over: { _tag: "Sliding", millis: 10_000 }
    })
    const reference = live(aggregate, cycle, (events, now) => events.filter(holds(now)))
    agrees(given, delayed, (who, events) => reference(who, onTime(events)), { fewest: 100 })
  })

  it("agree on what late events change that are still allowed", () => {
    const aggregate: Aggregate = { _tag: "Sum", of: field("n") }
    const cycle = {
      over: { operator: ">", value: 30.5 },
      back: { operator: "<", value: 15.5 },
      forMillis: 500
    } as const
    const given = pattern({
      _tag: "When",
      aggregate,
      threshold: cycle.over,
      clear: cycle.back,
      forMillis: cycle.forMillis,
      over: { _tag: "Sliding", millis: 10_000 }
    })
    const allowLateMillis = 4000
    const reference = live(aggregate, cycle, (events, now) => events.filter(holds(now)))
    const taken = ({ told, clock }: Counted) => told.at >= clock - allowLateMillis
    agrees(given, delayed, (who, events) => reference(who, events.filter(taken)), { allowLateMillis })
  })

  it.each(aggregates)("agree on %o of the last seven events", (aggregate, over, back) => {
    const cycle = { over: { operator: ">", value: over }, back: { operator: "<", value: back }, forMillis: 0 } as const
    const limits = aggregate._tag === "Count" ? { ...cycle, over: { operator: ">", value: 5.5 } as const } : cycle
    const given = pattern({
      _tag: "When",
      aggregate,
      threshold: limits.over,
      clear: cycle.back,
      over: { _tag: "LastEvents", count: 7 }
    })
    const reference = live(aggregate, limits, (events) => events.slice(-7))
    agrees(given, delayed, (who, events) => reference(who, onTime(events)), { fewest: 100 })
  })

  /** What a window of ten seconds holds that ends at a time, in panes of a hundred ms. */
  const holds = (now: number) => (each: Counted) =>
    Math.floor(each.told.at / 100) > Math.floor(now / 100) - 100 && each.told.at <= now

  /** Looks at every moment there is, at all events that have come by then. */
  const live =
    (
      aggregate: Aggregate,
      limits: ConstructorParameters<typeof Cycle>[0],
      windowOf: (events: ReadonlyArray<Counted>, now: number) => ReadonlyArray<Counted>
    ) =>
    (who: string, events: ReadonlyArray<Counted>): ReadonlyArray<string> => {
      const cycle = new Cycle(limits)
      const lines: Array<string> = []
      const come: Array<Counted> = []
      let now = Number.NaN
      const look = (at: number) => {
        const value = definitions[aggregate._tag]?.(windowOf(come, at))
        const change = cycle.see(value, at)
        if (change !== undefined) lines.push(line(who, change, at, [come.at(-1)?.told.id ?? 0], value))
      }
      const passTo = (time: number, isIncluded: boolean) => {
        for (let at = now + grid; at < time || (isIncluded && at === time); at += grid) look(at)
        if (time > now) now = time
      }
      for (const each of events) {
        if (come.length === 0) now = each.told.at
        passTo(each.clock, true)
        passTo(each.told.at, false)
        come.push(each)
        look(now)
      }
      if (come.length > 0) passTo(now + 30_000, true)
      return lines
    }
})
