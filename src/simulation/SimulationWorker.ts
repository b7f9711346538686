/** A thread that runs seeds: it is given ranges of them and answers with a summary of each. */
import { parentPort } from "node:worker_threads"
import { runFleet } from "./Fleet.ts"
import { emptySummary, plus, summaryOf } from "./Summary.ts"

/** Seeds to run, in steps of one. */
export interface SeedRange {
  readonly from: number
  readonly runs: number
}

// Errors are values here, made by the thousand; a trace of one seed runs in the main thread and has stacks.
Error.stackTraceLimit = 0

parentPort?.on("message", ({ from, runs }: SeedRange) => {
  let summary = emptySummary
  for (let seed = from; seed < from + runs; seed++) summary = plus(summary, summaryOf(runFleet({ seed })))
  parentPort?.postMessage(summary)
})
