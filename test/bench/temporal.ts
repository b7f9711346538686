/** What an event costs in a pattern that looks at time, against keeping every value of the window and adding them up. */
import { Result } from "effect"
import { PartitionEngine } from "../../src/events/engine/PartitionEngine.ts"
import { benchLoad, textOf } from "../../src/events/matching/BenchLoad.ts"
import type { StoredPattern } from "../../src/events/Patterns.ts"
import { EventTime } from "../../src/events/temporal/EventTime.ts"
import { makeMachine } from "../../src/events/temporal/MakeMachine.ts"
import type { HolonEvent } from "../../src/protocol/Event.ts"
import type { Aggregate, PatternBody, Window } from "../../src/protocol/pattern/Pattern.ts"
import { readPattern } from "../../src/protocol/pattern/PatternText.ts"
import { eventOf, field, pattern } from "../events/temporal/Rig.ts"
import { type BenchOptions, compare, figure, percentile, type Variant } from "./Rounds.ts"

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
  await manyKeys(options)
  snapshots(options)
}

const patternCount = 1000
/** Events between two pieces of a snapshot: what a node does meanwhile. */
const eventsBetween = 10

const storedOf = (index: number, question: string): StoredPattern => {
  const source = `pattern "p${index}" { by source.id ${question} }`
  const read = Result.getOrThrow(readPattern(source))
  const by = { author: "", createdBy: "", createdAt: 0, updatedBy: "", updatedAt: 0 }
  return { id: `${index}`, name: read.name, version: 1, source, pattern: read, isOn: true, ...by }
}

/** An engine with a thousand patterns, ten of which look at an event, fed with what so many boards say, an event a millisecond. */
class Fed {
  readonly engine = new PartitionEngine("all")
  private readonly events = benchLoad(1).events
  private readonly boards: number
  private number = 0

  constructor(boards: number, questionOf: (rule: string) => string) {
    this.boards = boards
    this.engine.setPatterns(
      benchLoad(patternCount).rules.map((rule, index) => storedOf(index, questionOf(textOf(rule))))
    )
  }

  next(count: number): ReadonlyArray<HolonEvent> {
    return Array.from({ length: count }, () => {
      const id = ++this.number
      // Neither boards nor types come in a rhythm with each other.
      const said = this.events[Math.floor(id * 1.618) % this.events.length]
      if (said === undefined) throw new Error("no event")
      return eventOf({ id, at: id, who: `press-${id % this.boards}`, type: said.type, data: said.data })
    })
  }

  /** Events a second of the processor. */
  rate(count: number): number {
    return 1e9 / timed(this.next(count), (event) => this.engine.take(event))
  }

  get keys(): number {
    let keys = 0
    for (const name of this.engine.metrics().keys()) keys += this.engine.numbersOf(name)?.keys ?? 0
    return keys
  }
}

const average = (over: string) => (rule: string) => `when avg(temp) > 1000 over ${over} where ${rule}`

const manyKeys = async ({ isQuick }: BenchOptions): Promise<void> => {
  const forms: ReadonlyArray<readonly [string, number, (rule: string) => string]> = [
    ["where, told once in ten minutes", 100, (rule) => `where ${rule} suppress 10min`],
    ["sliding 1min, 10 boards", 10, average("sliding 1min")],
    ["sliding 1min, 100 boards", 100, average("sliding 1min")],
    ["sliding 10s, 10,000 boards", 10_000, average("sliding 10s")],
    ["tumbling 10s, 100 boards", 100, average("tumbling 10s")],
    ["counts over sliding 1min, 100 boards", 100, (rule) => `when count > 99 over sliding 1min where ${rule}`],
    ["sequences within 10s, 100 boards", 100, (rule) => `seq ${rule} ~> no.such within 10s`],
    ["silence for 1min, 100 boards", 100, (rule) => `silence where ${rule} for 1min`]
  ]
  const fed = forms.map(([name, boards, questionOf]) => ({ name, fed: new Fed(boards, questionOf) }))
  const count = isQuick ? 10_000 : 40_000
  for (const each of fed) each.fed.rate(count)
  await compare(
    `events a second of one core, ${patternCount} patterns of which ten are fed by an event`,
    fed.map((each) => ({ name: each.name, unit: "/s", run: async () => each.fed.rate(count) })),
    isQuick ? 3 : 7
  )
  for (const each of fed) console.log(`  ${each.name}: ${each.fed.keys.toLocaleString("en")} keys`)
}

/** What a snapshot costs at once, and how long the longest piece of one holds up all else. */
const snapshots = ({ isQuick }: BenchOptions): void => {
  const fed = new Fed(100, average("sliding 1min"))
  for (let round = 0; round < 12; round++) fed.rate(10_000)
  console.log(`\na snapshot of ${fed.keys.toLocaleString("en")} keys`)
  const rounds = isQuick ? 2 : 5
  const whole: Array<number> = []
  const pieces: Array<number> = []
  for (let round = 0; round < rounds; round++) {
    whole.push(millisOf(() => fed.engine.snapshot()))
    const cut = fed.engine.cut()
    for (let isLeft = true; isLeft; ) {
      pieces.push(millisOf(() => (isLeft = cut.next() !== undefined)))
      for (const event of fed.next(eventsBetween)) fed.engine.take(event)
    }
    if (!cut.isWhole) throw new Error("a snapshot was not drawn to its end")
  }
  figure("all at once", "ms", whole)
  figure(`each of ${Math.round(pieces.length / rounds)} pieces, with events between`, "ms", pieces)
  console.log(`  99 of 100 pieces take at most ${percentile(pieces, 0.99).toFixed(2)} ms`)
}

/** Of the processor: the clock on the wall also counts what others do on this machine. */
const millisOf = (run: () => void): number => {
  const start = process.cpuUsage()
  run()
  const { user, system } = process.cpuUsage(start)
  return (user + system) / 1000
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
