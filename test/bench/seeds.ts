/** How fast the simulator goes through seeds: each 60 virtual seconds with 20 boards on three nodes. */
import { Effect } from "effect"
import { simulate } from "../../src/simulation/Simulate.ts"
import { type BenchOptions, figure } from "./Rounds.ts"

const goal = 1_000
const firstSeed = 1

export const seeds = async ({ isQuick }: BenchOptions): Promise<void> => {
  const runs = isQuick ? 100 : 500
  const perMinute: Array<number> = []
  for (let round = 0; round < (isQuick ? 1 : 3); round++) {
    const { seconds, summary } = await Effect.runPromise(simulate({ seed: firstSeed + round * runs, runs }))
    if (summary.findings.length > 0) console.log(`  ${summary.findings.length} findings: run holon simulate`)
    perMinute.push((runs * 60) / seconds)
  }
  console.log("\nthe simulator")
  figure("seeds of 60 virtual seconds", "/min", perMinute, { atLeast: goal })
}
