import { assert, describe, it } from "@effect/vitest"
import { Cost, timedEvery } from "../../../src/events/engine/Cost.ts"

/** Looks that each take what is said, ms; what they are taken to have cost after each. */
const costs = (looks: ReadonlyArray<number>): ReadonlyArray<number> => {
  const cost = new Cost()
  return looks.map((millis) => {
    if (cost.begin()) cost.add(millis)
    return cost.millis
  })
}

describe("the cost of a pattern", () => {
  it("is known with its first look", () => {
    assert.deepStrictEqual(costs([3]), [3])
  })

  it("counts looks that were not timed as the next one that is", () => {
    const even = costs(Array.from({ length: 10 * timedEvery + 1 }, () => 2))
    assert.strictEqual(even.at(-1), 2 * (10 * timedEvery + 1))
    assert.strictEqual(even.at(-2), 2 * (9 * timedEvery + 1))
  })

  it("never shrinks", () => {
    const uneven = costs(Array.from({ length: 200 }, (_, index) => index % 7))
    assert.deepStrictEqual(
      [...uneven].sort((one, other) => one - other),
      [...uneven]
    )
  })
})
