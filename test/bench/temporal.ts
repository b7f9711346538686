/** What an event costs in a pattern that looks at time, against keeping every value of the window and adding them up. */
import { EventTime } from "../../src/events/temporal/EventTime.ts"
import { makeMachine } from "../../src/events/temporal/MakeMachine.ts"
import type { HolonEvent } from "../../src/protocol/Event.ts"
import type { Aggregate, PatternBody, Window } from "../../src/protocol/pattern/Pattern.ts"
import { eventOf, field, pattern } from "../events/temporal/Rig.ts"
import { type BenchOptions, compare, type Variant } from "./Rounds.ts"

const boards = 200
const windowMillis = 60_000
const of = field("temp")

/** Each board reports so often, ms. */
const eventsOf = (count: number, everyMillis: number): ReadonlyArray<HolonEvent> =>
  Array.from({ length: count }, (_, index) =>
    eventOf({
      id: index + 1,
      at: Math.floor(index / boards) * everyMillis + ((index % boards) % 50),
      who: `press-${index % boards}`,
      data: { temp: 50 + ((index * 7919) % 400) / 10 }
    })
  )

/** Nanoseconds of the processor an event. */
const timed = (events: ReadonlyArray<HolonEvent>, take: (event: HolonEvent) => void): number => {
  const start = process.cpuUsage()
  for (const event of events) take(event)
  return (1000 * process.cpuUsage(start).user) / events.length
}

const admission = (events: ReadonlyArray<HolonEvent>): number => {
  const time = new EventTime()
  return timed(events, (event) => {
    if (time.admit(event) === undefined) throw new Error("an event was refused")
  })
}

const machine = (events: ReadonlyArray<HolonEvent>, body: PatternBody, hits = 1): number => {
  const time = new EventTime()
  let matches = 0
  const made = makeMachine(pattern(body), { version: 1, time, deliver: () => matches++ })
  const nanos = timed(events, (event) => {
    const source = time.admit(event)
    if (source !== undefined) made.take(event, source, hits)
    if (made.next <= time.now) made.advance()
  })
  if (matches > 0 || made.metrics.late > 0 || made.metrics.evaluated !== events.length)
    throw new Error("the load is not what it should be")
  return nanos
}

/** What somebody would write in an afternoon; late events and watermarks are not in it. */
const naive = (events: ReadonlyArray<HolonEvent>): number => {
  const windows = new Map<string, Array<{ readonly at: number; readonly value: number }>>()
  let matches = 0
  const nanos = timed(events, ({ source, at, data }) => {
    const value =
      typeof data === "object" && data !== null && "temp" in data && typeof data.temp === "number" ? data.temp : 0
    const kept = (windows.get(source.id) ?? []).filter((each) => each.at > at - windowMillis)
    kept.push({ at, value })
    windows.set(source.id, kept)
    if (kept.reduce((sum, each) => sum + each.value, 0) / kept.length > 1000) matches++
  })
  if (matches > 0) throw new Error("the load is not what it should be")
  return nanos
}

const when = (aggregate: Aggregate, over: Window): PatternBody => ({
  _tag: "When",
  aggregate,
  threshold: { operator: ">", value: 1e9 },
  over
})
const sliding = { _tag: "Sliding", millis: windowMillis } as const

export const temporal = async (options: BenchOptions): Promise<void> => {
  await perEvent(options, 20)
  await perEvent(options, 600)
}

const perEvent = async ({ isQuick }: BenchOptions, perWindow: number): Promise<void> => {
  const events = eventsOf(isQuick ? 150_000 : 300_000, windowMillis / perWindow)
  const rounds = isQuick ? 3 : 9
  const variant = (name: string, run: () => number): Variant => ({ name, unit: "ns", run: async () => run() })
  const of60 = (name: string, aggregate: Aggregate, over: Window = sliding) =>
    variant(name, () => machine(events, when(aggregate, over)))
  await compare(
    `an event in a window of a minute, of ${boards} keys with ${perWindow} values each`,
    [
      variant("every value kept and added up", () => naive(events)),
      variant("admission alone: source, watermark, number", () => admission(events)),
      of60("average, sliding", { _tag: "Avg", of }),
      of60("average, tumbling", { _tag: "Avg", of }, { _tag: "Tumbling", millis: windowMillis }),
      of60("largest, sliding", { _tag: "Max", of }),
      of60("slope, sliding", { _tag: "Slope", of }),
      of60("95th percentile, sliding", { _tag: "Quantile", of, q: 0.95 }),
      of60("average, last of as many events", { _tag: "Avg", of }, { _tag: "LastEvents", count: perWindow }),
      variant("silence", () => machine(events, { _tag: "Silence", step: {}, forMillis: windowMillis })),
      variant("an answer that nobody waits for", () =>
        machine(events, { _tag: "Absence", trigger: {}, absent: {}, withinMillis: windowMillis }, 2)
      )
    ],
    rounds
  )
}
