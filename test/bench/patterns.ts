/** What the matcher and the whole engine of a partition take a second, against other ways to hold many patterns to an event. */
import { Result } from "effect"
import { Engine } from "json-rules-engine"
import sift from "sift"
import { rowPredicate, rowReader } from "../../src/events/condition/Closure.ts"
import { PartitionEngine } from "../../src/events/engine/PartitionEngine.ts"
import {
  type BenchEvent,
  type BenchRule,
  benchLoad,
  benchMatcher,
  conditionOf,
  textOf
} from "../../src/events/matching/BenchLoad.ts"
import type { StoredPattern } from "../../src/events/Patterns.ts"
import { pathKey, pathsOf } from "../../src/protocol/condition/Bound.ts"
import type { HolonEvent } from "../../src/protocol/Event.ts"
import { readPattern } from "../../src/protocol/pattern/PatternText.ts"
import { epoch, idOf } from "../events/temporal/Rig.ts"
import { type BenchOptions, compare, figure } from "./Rounds.ts"

const counts = [1, 100, 1000, 10_000] as const
/** Events a second of the matcher, by the number of patterns. */
const goals = new Map([
  [1000, 500_000],
  [10_000, 100_000]
])
const rulesEngineGoal = 50
const addGoalMillis = 20
/** Events on which all must agree before any is measured. */
const agreedEvents = 64
const enginePatterns = 1000
const engineEvents = 20_000
const boards = 100

/** Tells how many rules the event fulfils. */
type Matching = (event: BenchEvent) => number | Promise<number>

const matcher = (rules: ReadonlyArray<BenchRule>) => {
  const made = benchMatcher(rules)
  let hits = 0
  const hit = (): void => {
    hits++
  }
  return (event: BenchEvent): number => {
    hits = 0
    made.match(event, hit)
    return hits
  }
}

/** Each pattern's closure on a row of the fields that they read, which is read once an event. */
const closures = (rules: ReadonlyArray<BenchRule>) => {
  const conditions = rules.map(conditionOf)
  const paths = conditions[0] === undefined ? [] : pathsOf(conditions[0])
  const places = new Map(paths.map((path, place) => [pathKey(path), place]))
  const predicates = conditions.map((condition) => rowPredicate(condition, (path) => places.get(pathKey(path)) ?? -1))
  const read = rowReader(paths)
  return (event: BenchEvent): number => {
    const row = read(event)
    let hits = 0
    for (const predicate of predicates) if (predicate(row)) hits++
    return hits
  }
}

const siftFilters = (rules: ReadonlyArray<BenchRule>) => {
  const filters = rules.map(({ type, temp, cpu }) =>
    sift.default({ type, "data.temp": { $gt: temp }, "data.cpu": { $gt: cpu } })
  )
  return (event: BenchEvent): number => {
    let hits = 0
    for (const filter of filters) if (filter(event)) hits++
    return hits
  }
}

/** Facts without paths, which is its quickest way. */
const rulesEngine = (rules: ReadonlyArray<BenchRule>) => {
  const engine = new Engine()
  for (const { type, temp, cpu } of rules)
    engine.addRule({
      conditions: {
        all: [
          { fact: "type", operator: "equal", value: type },
          { fact: "temp", operator: "greaterThan", value: temp },
          { fact: "cpu", operator: "greaterThan", value: cpu }
        ]
      },
      event: { type: "hit" }
    })
  return async ({ type, data }: BenchEvent): Promise<number> => {
    const { events } = await engine.run({ type, temp: data.temp, cpu: data.cpu })
    return events.length
  }
}

/** Events a second of the processor: the clock on the wall also counts what others do on this machine. */
const rate = (events: ReadonlyArray<BenchEvent>, millis: number, take: Matching) => async (): Promise<number> => {
  let taken = 0
  const until = performance.now() + millis
  const start = process.cpuUsage()
  while (performance.now() < until)
    // A slow one does not get through all of them; a quick one looks at the clock seldom.
    for (let batch = 0; batch < 256; batch++) {
      const event = events[taken++ % events.length]
      const answer = event === undefined ? 0 : take(event)
      if (typeof answer === "number") continue
      await answer
      if (performance.now() >= until) break
    }
  const { user, system } = process.cpuUsage(start)
  return (taken / (user + system)) * 1_000_000
}

const agree = async (events: ReadonlyArray<BenchEvent>, all: ReadonlyArray<Matching>): Promise<void> => {
  for (const event of events.slice(0, agreedEvents)) {
    const answers = await Promise.all(all.map((take) => take(event)))
    if (new Set(answers).size > 1) throw new Error(`they do not agree: ${answers.join(", ")} matches`)
  }
}

const matching = async (count: number, { isQuick }: BenchOptions): Promise<void> => {
  const { events, rules } = benchLoad(count)
  const ways = {
    engine: rulesEngine(rules),
    sift: siftFilters(rules),
    closures: closures(rules),
    matcher: matcher(rules)
  }
  await agree(events, Object.values(ways))
  const millis = isQuick ? 300 : 1500
  const of = (name: string, take: Matching, goal?: number) => ({
    name,
    unit: "/s",
    run: rate(events, millis, take),
    ...(goal !== undefined && { goal: { atLeast: goal } })
  })
  // Warm, as in a node that has run for a minute.
  await rate(events, millis, ways.matcher)()
  const [, , loop, ours] = await compare(
    `events a second of one core, ${count} patterns of which one in a hundred matches`,
    [
      of("json-rules-engine", ways.engine),
      of("sift, a filter a pattern", ways.sift),
      of("every pattern's closure in a loop", ways.closures),
      of("matcher", ways.matcher, rulesEngineGoal)
    ],
    isQuick ? 3 : 7
  )
  const goal = goals.get(count)
  if (ours === undefined || loop === undefined || goal === undefined) return
  console.log(
    `  matcher with ${count} patterns, goal ≥ ${goal.toLocaleString("en")}/s: ${ours.median >= goal ? "met" : "MISSED"}; ${(ours.median / loop.median).toFixed(1)} times the loop`
  )
}

/** Milliseconds from the text of one more pattern to the first event that was held to it, too. */
const adding = (texts: ReadonlyArray<string>, rounds: number): ReadonlyArray<number> => {
  const { events } = benchLoad(1)
  const engine = new PartitionEngine("all")
  const stored = texts.map((text, index) => storedOf(index, `where ${text}`))
  engine.setPatterns(stored)
  let number = 0
  const take = (): void => {
    for (const event of events.slice(0, 2)) engine.take(told(event, ++number))
    engine.takeFound()
  }
  take()
  return Array.from({ length: rounds }, (_, round) => {
    const startedAt = performance.now()
    const more = [...stored, storedOf(texts.length + round, `where temp > ${90 + round / 100} and cpu > 0.5`)]
    engine.setPatterns(more)
    take()
    return performance.now() - startedAt
  })
}

const storedOf = (index: number, clause: string): StoredPattern => {
  const source = `pattern "p${index}" { by source.id ${clause} }`
  const pattern = Result.getOrThrow(readPattern(source))
  const by = { author: "", createdBy: "", createdAt: 0, updatedBy: "", updatedAt: 0 }
  return { id: `${index}`, name: pattern.name, version: 1, source, pattern, isOn: true, ...by }
}

/** One event a millisecond of all boards together, each speaking in its turn. */
const told = ({ type, data }: BenchEvent, number: number): HolonEvent => ({
  id: idOf(number),
  type,
  source: { actor: "device", id: `press-${number % boards}` },
  seq: number,
  ts: { ms: epoch + number, ctr: 0, node: "0000000000000000" },
  at: epoch + number,
  vsm: "root",
  severity: "info",
  data,
  causes: []
})

/** The load goes on where the last round ended, as a stream does. */
const engineRate = (rules: ReadonlyArray<BenchRule>, clauseOf: (rule: string, index: number) => string) => {
  const { events } = benchLoad(1)
  const engine = new PartitionEngine("all")
  engine.setPatterns(rules.map((rule, index) => storedOf(index, clauseOf(textOf(rule), index))))
  let number = 0
  let matches = 0
  const run = async (): Promise<number> => {
    const load = Array.from({ length: engineEvents }, (_, index) => {
      const event = events[(number + index) % events.length]
      if (event === undefined) throw new Error("no event")
      return told(event, number + index + 1)
    })
    number += engineEvents
    const start = process.cpuUsage()
    for (const event of load) {
      engine.take(event)
      matches += engine.takeFound().length
    }
    const { user, system } = process.cpuUsage(start)
    return (engineEvents / (user + system)) * 1_000_000
  }
  return { run, matchesOf: () => matches / number }
}

/** Windows and sequences that no event brings to an end: what they cost is keeping them. */
const forms: ReadonlyArray<readonly [string, (rule: string, index: number) => string]> = [
  ["where: each is a match", (rule) => `where ${rule}`],
  ["where, told once in ten minutes of a board", (rule) => `where ${rule} suppress 10min`],
  ["averages over sliding 10 s", (rule) => `when avg(temp) > 1000 over sliding 10s where ${rule}`],
  ["averages of the last 10", (rule) => `when avg(temp) > 1000 over last 10 events where ${rule}`],
  ["sequences within 10 s", (rule) => `seq ${rule} ~> no.such within 10s`],
  ["then no, within 10 s", (rule) => `where ${rule} then no where ${rule} and door == true within 10s`]
]

const engine = async ({ isQuick }: BenchOptions): Promise<void> => {
  const { rules } = benchLoad(enginePatterns)
  const made = forms.map(([name, clauseOf]) => ({ name, ...engineRate(rules, clauseOf) }))
  for (const { run } of made) await run()
  await compare(
    `events a second of one core, all of a partition: admission, ${enginePatterns} patterns of which ten are fed by an event, ${boards} keys`,
    made.map(({ name, run }) => ({ name, unit: "/s", run })),
    isQuick ? 3 : 7
  )
  for (const { name, matchesOf } of made) console.log(`  ${name}: ${matchesOf().toFixed(2)} matches an event`)
}

export const patterns = async (options: BenchOptions): Promise<void> => {
  for (const count of counts) await matching(count, options)
  const rounds = options.isQuick ? 5 : 15
  const { rules } = benchLoad(10_000)
  console.log("\none more pattern: its text, the change of the set, the next event")
  figure("beside 10,000 of fifty types", "ms", adding(rules.map(textOf), rounds), { atMost: addGoalMillis })
  const ranges = rules.map(({ temp, cpu }) => `temp > ${temp} and cpu > ${cpu}`)
  figure("beside 10,000 thresholds of one field", "ms", adding(ranges, rounds), { atMost: addGoalMillis })
  await engine(options)
}
