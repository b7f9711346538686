/** What a device costs while nothing happens, and what it costs to wake it. */
import type { MemoryAnswer, MemoryRequest } from "./memory-worker.ts"
import { stop, worker } from "./Processes.ts"
import { type BenchOptions, figure, percentile } from "./Rounds.ts"

const count = 10_000
const alone = 300
const goals = { idleBytes: 24_000, attachedBytes: 40_000, aloneMillis: 1, allMillis: 3_000 }

export const memory = async ({ isQuick }: BenchOptions): Promise<void> => {
  const answers: Array<MemoryAnswer> = []
  for (let round = 0; round < (isQuick ? 1 : 3); round++) {
    const fleet = worker<MemoryRequest, MemoryAnswer>("./memory-worker.ts", ["--expose-gc"])
    answers.push(await fleet.ask({ count, alone }))
    await stop(fleet.child)
  }
  console.log(`\n${count} devices in one process`)
  const all = (pick: (answer: MemoryAnswer) => number): ReadonlyArray<number> => answers.map(pick)
  figure(
    "idle device, its cell included",
    "bytes",
    all((answer) => answer.idleCell),
    { atMost: goals.idleBytes }
  )
  figure(
    "attached device: cell, twin, link, engine",
    "bytes",
    all((answer) => answer.attached),
    {
      atMost: goals.attachedBytes
    }
  )
  figure(
    "wake of one alone, median",
    "ms",
    all((answer) => percentile(answer.aloneMillis, 0.5)),
    {
      atMost: goals.aloneMillis
    }
  )
  figure(
    "wake of one alone, p99",
    "ms",
    all((answer) => percentile(answer.aloneMillis, 0.99))
  )
  figure(
    `wake of all ${count}`,
    "ms",
    all((answer) => answer.allMillis),
    { atMost: goals.allMillis }
  )
}
