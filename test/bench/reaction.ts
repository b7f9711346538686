/** How long it takes from a board's frame to what a pattern has done about it, durably, while all boards report on. */
import { PgClient } from "@effect/sql-pg"
import { Effect, Layer, Redacted, Result } from "effect"
import { Patterns } from "../../src/events/Patterns.ts"
import { readPattern } from "../../src/protocol/pattern/PatternText.ts"
import * as PatternStore from "../../src/runtime/storage/PatternStore.ts"
import { startPostgres } from "../support/Postgres.ts"
import { startNode, stop, worker, writeConfig } from "./Processes.ts"
import { type BenchOptions, percentile, show } from "./Rounds.ts"
import type { ReactionAnswer, ReactorsRequest } from "./reactors.ts"

const boardCount = 1000
const patternCount = 1000
const lines = 100
/** All boards together, frames a second. */
const rates = [1000, 2500, 5000, 10_000] as const
const goalMillis = 60
/** One in so many ms has something to react to. */
const probeMillis = 20
const warmUp = { perSecond: 2000, millis: 5000 } as const
/** How old a node's list of patterns may be, and some more, ms. */
const settleMillis = 2000
/** Nobody is held up or cut off, however busy the machine is. */
const link = { times: { heartbeat: "10 minutes", lease: "21 minutes" }, newPerSecond: 10_000, window: 64 }

/** Half look for what no board reports, half average a line each; one has its board told. */
const texts: ReadonlyArray<string> = Array.from({ length: patternCount }, (_, index) => {
  const line = `line == "line-${index % lines}"`
  if (index === 0)
    return `pattern "reaction" {
      from board.telemetry by source.id
      where exists reported.probe
      emit { n: reported.probe }
      do tell(device, "\${source.id}", SetDesired, { patch: { reaction: "$n" } })
    }`
  return index % 2 === 0
    ? `pattern "hot-${index}" { from board.telemetry by source.id where ${line} and temp > ${61 + index / 100} and cpu > 0.8 }`
    : `pattern "warm-${index}" { from board.telemetry by line when avg(temp) > ${80 + index / 100} over sliding 10s where ${line} and cpu >= ${Math.floor(index / 200) / 10} and cpu < ${Math.floor(index / 200) / 10 + 0.1} }`
})

/** Into the store: each that comes by the API is checked against all others, which takes a while for so many. */
const add = (url: string): Promise<void> =>
  Effect.runPromise(
    Effect.gen(function* () {
      const patterns = yield* Patterns
      for (const source of texts)
        yield* patterns.put({ source, pattern: Result.getOrThrow(readPattern(source)), by: "bench" })
    }).pipe(Effect.provide(PatternStore.layer.pipe(Layer.provide(PgClient.layer({ url: Redacted.make(url) })))))
  )

const of = (answers: ReadonlyArray<ReactionAnswer>, what: "acknowledged" | "told" | "streamed") => ({
  p50: percentile(
    answers.map((answer) => answer[what].p50),
    0.5
  ),
  p99: percentile(
    answers.map((answer) => answer[what].p99),
    0.5
  )
})

const print = (perSecond: number, answers: ReadonlyArray<ReactionAnswer>): void => {
  const [acknowledged, told, streamed] = (["acknowledged", "told", "streamed"] as const).map((what) => {
    const { p50, p99 } = of(answers, what)
    return { p99, text: `p50 ${show(p50)}, p99 ${show(p99)}` }
  })
  const lost = answers.reduce((sum, answer) => sum + answer.lost, 0)
  const probes = answers.reduce((sum, answer) => sum + answer.probes, 0)
  const reached = percentile(
    answers.map((answer) => answer.perSecond),
    0.5
  )
  console.log(`  ${show(perSecond)} frames/s (${show(reached)} acknowledged), ${probes} reactions, ${lost} missing`)
  console.log(`    frame to its acknowledgement     ${acknowledged?.text} ms`)
  console.log(`    frame to the event of the match  ${streamed?.text} ms`)
  const isMet = lost === 0 && (told?.p99 ?? Number.NaN) <= goalMillis
  console.log(
    `    frame to what the board is told  ${told?.text} ms, goal p99 ≤ ${goalMillis}: ${isMet ? "met" : "MISSED"}`
  )
}

export const reaction = async ({ isQuick }: BenchOptions): Promise<void> => {
  const server = await startPostgres()
  const { path, mqttPorts, httpPorts } = await writeConfig(1, { link })
  const node = await startNode(path, 0, server.url)
  await add(server.url)
  const reactors = worker<ReactorsRequest, ReactionAnswer | undefined>("./reactors.ts")
  const [mqttPort = 0] = mqttPorts
  const [httpPort = 0] = httpPorts
  await reactors.ask({ do: "attach", mqttPort, httpPort, count: boardCount })
  await new Promise((resolve) => setTimeout(resolve, settleMillis))
  await reactors.ask({ do: "run", ...warmUp, probeMillis })
  console.log(`\n${patternCount} patterns, ${boardCount} boards; medians of rounds`)
  const rounds = isQuick ? 1 : 5
  const millis = isQuick ? 5000 : 10_000
  for (const perSecond of rates) {
    const answers: Array<ReactionAnswer> = []
    for (let round = 0; round < rounds; round++) {
      const answer = await reactors.ask({ do: "run", perSecond, millis, probeMillis })
      if (answer !== undefined) answers.push(answer)
    }
    print(perSecond, answers)
  }
  await stop(reactors.child)
  await stop(node)
  await server.stop()
}
