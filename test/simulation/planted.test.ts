import { assert, describe, it } from "@effect/vitest"
import { runFleet } from "../../src/simulation/Fleet.ts"
import { planted } from "../support/planted/Planted.ts"

/** How many seeds the simulator may need for one bug. */
const seedsMax = 150
const testMillis = 180_000

/** The first seed that shows the bug. */
const seedThatFinds = ({ ports, breaks }: (typeof planted)[number]): number | undefined => {
  for (let seed = 1; seed <= seedsMax; seed++) {
    if (runFleet({ seed, ports }).verdict.violations.has(breaks)) return seed
  }
  return undefined
}

describe("the simulator", () => {
  for (const bug of planted) {
    it(
      `finds "${bug.name}", and nothing in the sound system with the same seed`,
      () => {
        const seed = seedThatFinds(bug)
        assert.isDefined(seed, `none of ${seedsMax} seeds shows it`)
        console.log(`planted "${bug.name}" is found with seed ${seed}: ${bug.breaks}`)
        const sound = runFleet({ seed: seed ?? 0 })
        assert.deepStrictEqual([...sound.verdict.violations.values()], [])
      },
      testMillis
    )
  }
})
