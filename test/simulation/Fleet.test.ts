import { assert, describe, it } from "@effect/vitest"
import { checks } from "../../src/simulation/Checks.ts"
import { faultKinds } from "../../src/simulation/Faults.ts"
import { runFleet } from "../../src/simulation/Fleet.ts"
import { emptySummary, plus, summaryOf } from "../../src/simulation/Summary.ts"

const runs = 24
const testMillis = 120_000

/** Promises that only a bug makes a run check. */
const silent: ReadonlyArray<string> = ["no defect of an agent"]

describe("a fleet in virtual time", () => {
  it(
    "keeps every promise under faults, and every promise and every fault has had its turn",
    () => {
      let summary = emptySummary
      for (let seed = 1; seed <= runs; seed++) summary = plus(summary, summaryOf(runFleet({ seed })))
      assert.deepStrictEqual(summary.findings, [])
      const unchecked = Object.keys(checks).filter((check) => !(check in summary.checks) && !silent.includes(check))
      assert.deepStrictEqual(unchecked, [])
      const unstruck = faultKinds.filter((kind) => !(kind in summary.faults))
      assert.deepStrictEqual(unstruck, [])
    },
    testMillis
  )

  it(
    "runs the same way for the same seed, and another way for another",
    () => {
      const lines = runFleet({ seed: 7, trace: true }).lines
      assert.isAbove(lines.length, 1000)
      assert.deepStrictEqual(runFleet({ seed: 7, trace: true }).lines, lines)
      assert.notDeepEqual(runFleet({ seed: 8, trace: true }).lines, lines)
      assert.deepStrictEqual(runFleet({ seed: 7 }).lines, [])
    },
    testMillis
  )
})
