/** Many runs on all cores, as one effect: what `holon simulate` does. */
import { availableParallelism } from "node:os"
import { Worker } from "node:worker_threads"
import { Clock, Effect } from "effect"
import { runFleet } from "./Fleet.ts"
import type { SeedRange } from "./SimulationWorker.ts"
import { emptySummary, plus, reportLines, type Summary } from "./Summary.ts"

/** Which seeds, on how many threads. */
export interface SimulateOptions {
  /** The first seed; the others follow it. */
  readonly seed: number
  readonly runs: number
  /** Threads; as many as cores when absent. */
  readonly threads?: number
  /** Told after each batch: runs done so far, and violations found. */
  readonly progress?: (runs: number, findings: number) => void
}

/** What all runs found together. */
export interface SimulateResult {
  readonly summary: Summary
  readonly seconds: number
  /** The report for people, line by line. */
  readonly report: ReadonlyArray<string>
}

/** Small enough for progress to be seen, large enough for the threads to have work. */
const batchRuns = 20

/** Nearly everything a run makes is garbage a moment later: a large nursery collects it in few, cheap sweeps. */
const maxYoungGenerationSizeMb = 64

/** The next batches, one after another. */
const batches = function* ({ seed, runs }: SimulateOptions): Generator<SeedRange, void> {
  for (let done = 0; done < runs; done += batchRuns) yield { from: seed + done, runs: Math.min(batchRuns, runs - done) }
}

const simulateOnThreads = (options: SimulateOptions): Effect.Effect<Summary> =>
  Effect.callback<Summary>((resume) => {
    const waiting = batches(options)
    const count = Math.max(1, Math.min(options.threads ?? availableParallelism(), Math.ceil(options.runs / batchRuns)))
    let summary = emptySummary
    let working = 0
    const workers = Array.from(
      { length: count },
      () =>
        new Worker(new URL("./SimulationWorker.ts", import.meta.url), { resourceLimits: { maxYoungGenerationSizeMb } })
    )
    const stop = () => Promise.all(workers.map((worker) => worker.terminate()))
    const next = (worker: Worker) => {
      const batch = waiting.next()
      if (batch.done !== true) {
        working++
        worker.postMessage(batch.value)
      } else if (working === 0) void stop().then(() => resume(Effect.succeed(summary)))
    }
    for (const worker of workers) {
      worker.on("message", (done: Summary) => {
        working--
        summary = plus(summary, done)
        options.progress?.(summary.runs, summary.findings.length)
        next(worker)
      })
      // A run that throws is a bug of the simulator or of the code under test: its stack says where.
      worker.on("error", (cause) => void stop().then(() => resume(Effect.die(cause))))
      next(worker)
    }
    return Effect.promise(stop)
  })

/** Runs the seeds. Never fails: what it finds stands in the result. */
export const simulate = Effect.fn("simulate")(function* (options: SimulateOptions) {
  const began = yield* Clock.currentTimeMillis
  const summary = yield* simulateOnThreads(options)
  const seconds = ((yield* Clock.currentTimeMillis) - began) / 1000
  return { summary, seconds, report: reportLines(summary, seconds) } satisfies SimulateResult
})

/** What happened in one seed, line by line, and what was found wrong. */
export const traceOf = (seed: number): ReadonlyArray<string> => runFleet({ seed, trace: true }).lines
