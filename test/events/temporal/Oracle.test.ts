import { assert, describe, it } from "@effect/vitest"
import type { Match } from "../../../src/events/temporal/Match.ts"
import type { Aggregate, Pattern, Threshold } from "../../../src/protocol/pattern/Pattern.ts"
import { condition, epoch, field, pattern, Rig, type Told } from "./Rig.ts"
import { type Counted, counted, grid, inTime, type Recipe, random, story } from "./Story.ts"

/** Long enough after any story for all to be over. */
const end = 4_000_000
const boards = ["press-1", "press-2", "press-3"]
const seeds = Array.from({ length: 60 }, (_, index) => index + 1)

/** A match in short, with what was computed. */
const shown = ({ key, kind, at, events, values }: Match) => {
  const { value } = values
  const ids = events.map((id) => Number.parseInt(id.slice(-12), 16))
  return line(key, kind, at - epoch, ids, typeof value === "number" ? value : undefined)
}
const line = (key: string, kind: string, at: number, ids: ReadonlyArray<number>, value?: number) =>
  `${key} ${kind} at ${at} of ${ids.join(" ")}${value === undefined ? "" : ` = ${value.toFixed(9)}`}`

/** What the machine says when it is left in peace, and when it is woken and cut at any point; that must be the same. */
const machineSays = (
  seed: number,
  given: Pattern,
  told: ReadonlyArray<Told>,
  allowLateMillis = 0
): ReadonlyArray<string> => {
  const peaceful = new Rig(given, { allowLateMillis }).tell(...told).pass(end)
  const next = random(seed + 1_000_000)
  const disturbed = new Rig(given, { allowLateMillis })
  let now = told[0]?.comes ?? 0
  for (const each of told) {
    const { comes = each.at } = each
    if (next() < 0.3) disturbed.pass(now + Math.floor(next() * (comes - now)))
    disturbed.tell(each)
    if (next() < 0.15) disturbed.cut()
    now = comes
  }
  for (let time = now; time < now + 60_000; time += 1 + Math.floor(next() * 5000)) disturbed.pass(time)
  disturbed.pass(end)
  const byId = (one: Match, other: Match) => (one.id < other.id ? -1 : 1)
  assert.deepStrictEqual(disturbed.matches.toSorted(byId), peaceful.matches.toSorted(byId), `seed ${seed}`)
  assert.strictEqual(new Set(peaceful.matches.map(({ id }) => id)).size, peaceful.matches.length, `seed ${seed}`)
  return peaceful.matches.map(shown).toSorted()
}

/** Holds the machine against a reference that keeps every event of a board and computes from scratch. */
const agrees = (
  given: Pattern,
  recipe: Recipe,
  reference: (who: string, events: ReadonlyArray<Counted>) => ReadonlyArray<string>,
  { allowLateMillis = 0, fewest = 300 } = {}
) => {
  let matches = 0
  for (const seed of seeds) {
    const told = story(random(seed), recipe)
    const expected = boards.flatMap((who) => reference(who, counted(told, who))).toSorted()
    assert.deepStrictEqual(machineSays(seed, given, told, allowLateMillis), expected, `seed ${seed}`)
    matches += expected.length
  }
  // A reference that never says anything would agree with a machine that does not either.
  assert.isAbove(matches, fewest)
}

const delayed: Recipe = { events: 120, types: ["a", "b", "c"], hasDelays: true }
const onTime = (events: ReadonlyArray<Counted>) => events.filter(({ isLate }) => !isLate)
const ofType = (type: string) => ({ from: [type] as const })
const n = ({ told: { data } }: Counted): number =>
  typeof data === "object" && data !== null && "n" in data && typeof data.n === "number" ? data.n : Number.NaN

const fulfils = ({ operator, value: limit }: Threshold, value: number | undefined): boolean =>
  value !== undefined && (operator === ">" ? value > limit : value < limit)

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

/** The states of a value that lasts, told by a list of what was seen and when. */
class Cycle {
  private readonly when: { readonly over: Threshold; readonly back: Threshold; readonly forMillis: number }
  private isActive = false
  private since: number | undefined
  constructor(when: { readonly over: Threshold; readonly back: Threshold; readonly forMillis: number }) {
    this.when = when
  }
  see(value: number | undefined, at: number): "enter" | "exit" | undefined {
    const wants = fulfils(this.isActive ? this.when.back : this.when.over, value)
    this.since = wants ? (this.since ?? at) : undefined
    if (this.since === undefined || at - this.since < this.when.forMillis) return undefined
    this.isActive = !this.isActive
    this.since = undefined
    return this.isActive ? "enter" : "exit"
  }
}

describe("a machine and a reference that keeps every event", () => {
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
    const holds = (now: number) => (each: Counted) =>
      Math.floor(each.told.at / 100) > Math.floor(now / 100) - 100 && each.told.at <= now
    agrees(
      given,
      delayed,
      live(aggregate, cycle, (events, now) => events.filter(holds(now))),
      { fewest: 100 }
    )
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
    agrees(
      given,
      delayed,
      live(aggregate, limits, (events) => events.slice(-7)),
      { fewest: 100 }
    )
  })

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
      for (const each of onTime(events)) {
        if (come.length === 0) now = each.told.at
        passTo(each.clock, true)
        passTo(each.told.at, false)
        come.push(each)
        look(now)
      }
      if (come.length > 0) passTo(now + 30_000, true)
      return lines
    }

  const tumbling = { _tag: "Tumbling", millis: 3000 } as const
  const frames = (events: ReadonlyArray<Counted>) => {
    const byEnd = new Map<number, Array<Counted>>()
    for (const each of events) {
      const close = (Math.floor(each.told.at / 3000) + 1) * 3000
      byEnd.set(close, [...(byEnd.get(close) ?? []), each])
    }
    return byEnd
  }
  const many = { operator: ">", value: 3.5 } as const
  const few = { operator: "<", value: 1.5 } as const
  const counts = { _tag: "When", aggregate: { _tag: "Count" }, threshold: many, over: tumbling } as const

  it("agree on windows that end", () => {
    agrees(pattern(counts), delayed, (who, events) =>
      [...frames(onTime(events))].flatMap(([close, inside]) =>
        inside.length > 3 ? [line(who, "match", close, [inside.at(-1)?.told.id ?? 0], inside.length)] : []
      )
    )
  })

  it("agree on windows that are opened again for late events, once matched or not", () => {
    const allowLateMillis = 4000
    agrees(
      pattern(counts),
      delayed,
      (who, events) => {
        const taken = events.filter(({ told, clock }) => told.at >= clock - allowLateMillis)
        return [...frames(taken)].flatMap(([close, inside]) => {
          // It is looked at when it ends, and then with every event that comes.
          const before = inside.filter(({ clock }) => clock < close)
          const after = inside.filter(({ clock }) => clock >= close)
          const looks = [before, ...after.map((_, index) => [...before, ...after.slice(0, index + 1)])]
          const found = looks.find((seen) => seen.length > 3)
          return found === undefined ? [] : [line(who, "match", close, [found.at(-1)?.told.id ?? 0], found.length)]
        })
      },
      { allowLateMillis }
    )
  })

  it("agree on states that last over windows that end, empty ones among them", () => {
    agrees(
      pattern({ ...counts, clear: few, forMillis: 3000 }),
      delayed,
      (who, events) => {
        const byEnd = frames(onTime(events))
        const cycle = new Cycle({ over: many, back: few, forMillis: 3000 })
        const ends = [...byEnd.keys()]
        const lines: Array<string> = []
        for (let close = Math.min(...ends); close <= Math.max(...ends) + 30_000; close += 3000) {
          const inside = byEnd.get(close) ?? []
          const change = cycle.see(inside.length, close)
          const last = inside.at(-1)
          if (change !== undefined) lines.push(line(who, change, close, last ? [last.told.id] : [], inside.length))
        }
        return lines
      },
      { fewest: 50 }
    )
  })

  it("agree on sessions", () => {
    const given = pattern({
      _tag: "When",
      aggregate: { _tag: "Sum", of: field("n") },
      threshold: { operator: ">", value: 20.5 },
      over: { _tag: "Session", gapMillis: 1000 }
    })
    agrees(given, delayed, (who, events) => {
      const sessions: Array<Array<Counted>> = []
      for (const each of inTime(onTime(events))) {
        const last = sessions.at(-1)
        if (last !== undefined && each.told.at - (last.at(-1)?.told.at ?? 0) < 1000) last.push(each)
        else sessions.push([each])
      }
      return sessions.flatMap((session) => {
        const sum = session.reduce((total, each) => total + n(each), 0)
        const newest = session.reduce((one, other) => (one.place > other.place ? one : other))
        const close = (session.at(-1)?.told.at ?? 0) + 1000
        return sum > 20.5 ? [line(who, "match", close, [newest.told.id], sum)] : []
      })
    })
  })

  /** After each event, all sequences of all events that have come by then. */
  const sequences =
    (types: ReadonlyArray<string>, links: ReadonlyArray<"next" | "eventually">, withinMillis: number) =>
    (who: string, events: ReadonlyArray<Counted>): ReadonlyArray<string> => {
      const lines = new Set<string>()
      const kept = onTime(events)
      kept.forEach((_, index) => {
        const sorted = inTime(kept.slice(0, index + 1))
        sorted.forEach((first, start) => {
          if (first.told.type !== types[0]) return
          const steps = [first]
          for (let at = start + 1; at < sorted.length && steps.length < types.length; at++) {
            const each = sorted[at]
            if (each === undefined || each.told.at - first.told.at > withinMillis) return
            if (each.told.type === types[steps.length]) steps.push(each)
            else if (links[steps.length - 1] === "next") return
          }
          if (steps.length < types.length) return
          lines.add(
            line(
              who,
              "match",
              steps.at(-1)?.told.at ?? 0,
              steps.map(({ told }) => told.id)
            )
          )
        })
      })
      return [...lines]
    }
  const sequence = (types: readonly [string, ...Array<string>], links: ReadonlyArray<"next" | "eventually">) => {
    const [first, ...rest] = types
    const steps = rest.map((type, index) => ({ link: links[index] ?? "next", step: ofType(type) }))
    const [second, ...others] = steps
    if (second === undefined) throw new Error("a sequence of one")
    return pattern({ _tag: "Sequence", first: ofType(first), rest: [second, ...others], withinMillis: 6000 })
  }

  it.each([
    [["a", "b"], ["eventually"]],
    [
      ["a", "b", "c"],
      ["eventually", "eventually"]
    ],
    [
      ["a", "a", "b"],
      ["eventually", "eventually"]
    ],
    [
      ["a", "b", "c"],
      ["next", "eventually"]
    ],
    [
      ["c", "a", "b"],
      ["eventually", "next"]
    ]
  ] as const)("agree on sequences of %o, %o, out of order", (types, links) => {
    agrees(sequence([...types], links), delayed, sequences(types, links, 6000), { fewest: 100 })
  })

  it("agree on sequences of the very next event among others", () => {
    const recipe = { events: 120, types: ["a", "b", "b", "other"], hasDelays: false }
    agrees(sequence(["a", "b", "b"], ["next", "next"]), recipe, sequences(["a", "b", "b"], ["next", "next"], 6000), {
      fewest: 100
    })
  })

  it("agree on absence", () => {
    const given = pattern({ _tag: "Absence", trigger: ofType("a"), absent: ofType("b"), withinMillis: 1500 })
    agrees(given, delayed, (who, events) => {
      const kept = onTime(events)
      return kept.flatMap(({ told, place }) => {
        const isAnswer = (other: Counted) =>
          other.told.type === "b" &&
          other.told.at <= told.at + 1500 &&
          (other.told.at > told.at || (other.told.at === told.at && other.place > place))
        return told.type === "a" && !kept.some(isAnswer) ? [line(who, "match", told.at + 1500, [told.id])] : []
      })
    })
  })

  it("agree on silence", () => {
    const given = pattern({ _tag: "Silence", step: ofType("a"), forMillis: 2400 })
    agrees(given, delayed, (who, events) => {
      const beats = inTime(onTime(events).filter(({ told }) => told.type === "a"))
      return beats.flatMap(({ told }, index) => {
        const after = beats.slice(index + 1).find((other) => other.told.at > told.at)
        const isFirst = beats[index - 1]?.told.at !== told.at
        const isLast = after === undefined || after.told.at > told.at + 2400
        return isFirst && isLast ? [line(who, "match", told.at + 2400, [told.id])] : []
      })
    })
  })

  it("agree on two streams that meet", () => {
    const given = pattern({
      _tag: "Join",
      left: { from: ["a"], as: "one" },
      right: { from: ["b", "c"], as: "other" },
      withinMillis: 1500,
      where: condition("one.n > other.n")
    })
    agrees(given, delayed, (who, events) => {
      const kept = onTime(events)
      return kept.flatMap((one) =>
        kept.flatMap((other) => {
          const isPair = one.told.type === "a" && other.told.type !== "a" && n(one) > n(other)
          const isNear = Math.abs(one.told.at - other.told.at) <= 1500
          return isPair && isNear
            ? [line(who, "match", Math.max(one.told.at, other.told.at), [one.told.id, other.told.id])]
            : []
        })
      )
    })
  })
})

describe("a key that many boards speak of", () => {
  const given = pattern(
    {
      _tag: "When",
      aggregate: { _tag: "Count" },
      threshold: { operator: ">", value: 6.5 },
      over: { _tag: "Tumbling", millis: 3000 }
    },
    { by: [] }
  )

  it("says the same however it is woken and cut", () => {
    let matches = 0
    for (const seed of seeds) matches += machineSays(seed, given, story(random(seed), delayed)).length
    assert.isAbove(matches, 100)
  })
})
