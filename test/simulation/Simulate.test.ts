import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { runFleet } from "../../src/simulation/Fleet.ts"
import { simulate, traceOf } from "../../src/simulation/Simulate.ts"
import { emptySummary, plus, reportLines, summaryOf } from "../../src/simulation/Summary.ts"

const testMillis = 120_000

describe("simulate", () => {
  it.live(
    "finds on threads what the same seeds show in one process",
    () =>
      Effect.gen(function* () {
        const told: Array<number> = []
        const { summary, report } = yield* simulate({
          seed: 41,
          runs: 24,
          threads: 2,
          progress: (runs) => told.push(runs)
        })
        let expected = emptySummary
        for (let seed = 41; seed < 65; seed++) expected = plus(expected, summaryOf(runFleet({ seed })))
        assert.deepStrictEqual(summary, expected)
        assert.strictEqual(told.at(-1), 24)
        assert.include(report, "all checks hold")
      }),
    testMillis
  )

  it("shows each violation with the command that replays its seed, and each check that was never made", () => {
    const run = runFleet({ seed: 3 })
    run.verdict.violate("one result", "an example")
    const lines = reportLines(summaryOf(run), 1)
    assert.include(lines, "    holon simulate --seed 3 --trace")
    assert.isTrue(lines.some((line) => line.includes("one result: in 1 of 1 runs, first with seed 3")))
    assert.isTrue(reportLines(emptySummary, 1).some((line) => /reply after durable\s+0$/.test(line)))
  })

  it("traces one seed line by line", () => {
    const lines = traceOf(5)
    assert.isTrue(lines.some((line) => line.includes("FAULT")))
    assert.deepStrictEqual(lines, runFleet({ seed: 5, trace: true }).lines)
  })
})
