/** `holon pattern bench`: what this machine does a second with so many patterns. */
import { Console, Effect } from "effect"
import { Command, Flag } from "effect/cli"
import { benchLoad, benchMatcher, eventsPerSecond } from "../../events/matching/BenchLoad.ts"
import { examples } from "../Examples.ts"
import { json } from "../Globals.ts"
import { wholeNumber } from "../Numbers.ts"

const warmMillis = 500
const measuredMillis = 2000

export const patternBench = Command.make(
  "bench",
  {
    json,
    patterns: wholeNumber("patterns", 1, 100_000).pipe(
      Flag.withDescription("How many patterns look at each event (default: 1000)"),
      Flag.withDefault(1000)
    )
  },
  Effect.fn(function* ({ json: isJson, patterns }) {
    const { events, rules } = benchLoad(patterns)
    const startedAt = performance.now()
    const matcher = benchMatcher(rules)
    const compileMillis = performance.now() - startedAt
    let matched = 0
    const hit = (): void => {
      matched++
    }
    const take = (event: object): void => matcher.match(event, hit)
    eventsPerSecond(events, warmMillis, take)
    const before = matcher.counters
    matched = 0
    const rate = eventsPerSecond(events, measuredMillis, take)
    const { events: seen, candidates } = matcher.counters
    const counted = seen - before.events
    const figures = {
      patterns,
      eventsPerSecond: Math.round(rate),
      matchesPerEvent: matched / counted,
      candidatesPerEvent: (candidates - before.candidates) / counted,
      compileMillis: Math.round(compileMillis)
    }
    yield* Console.log(
      isJson
        ? JSON.stringify(figures)
        : `${patterns} patterns: ${figures.eventsPerSecond.toLocaleString("en")} events a second on one core; ${figures.candidatesPerEvent.toFixed(1)} patterns were tried for an event, ${figures.matchesPerEvent.toFixed(2)} matched`
    )
  })
).pipe(
  Command.withDescription("Measure on this machine how many events a second the matcher takes; needs no node"),
  examples(["--patterns 10000 --json"])
)
