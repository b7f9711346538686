import { assert, describe, it } from "@effect/vitest"
import { healthOf, limitAfter, limitAt, smoothed } from "../../../../src/systems/policy/recursion/DepthLimit.ts"

const idle = { cpu: 0, memory: 0, lagMillis: 0 }

describe("the depth that a cluster bears", () => {
  it("is 2, 3, 4, 5, 6 by its health, for a depth of 5, and 7 and 8 only where people have set more", () => {
    assert.deepStrictEqual(
      [0, 0.25, 0.5, 0.75, 1].map((health) => limitAt(5, health)),
      [2, 3, 4, 5, 6]
    )
    assert.deepStrictEqual([limitAt(6, 1), limitAt(8, 1), limitAt(2, 0)], [7, 8, 2])
  })

  it("follows the scarcest of processor, memory, event loop and spawns", () => {
    assert.strictEqual(healthOf(idle, 0), 1)
    assert.closeTo(healthOf({ ...idle, cpu: 0.85 }, 0), 0.5, 1e-9)
    assert.closeTo(healthOf({ ...idle, memory: 0.9 }, 0), 0.5, 1e-9)
    assert.closeTo(healthOf({ ...idle, lagMillis: 275 }, 0), 0.5, 1e-9)
    assert.closeTo(healthOf(idle, 0.275), 0.5, 1e-9)
    assert.strictEqual(healthOf({ cpu: 2, memory: 2, lagMillis: 9000 }, 1), 0)
  })

  it("falls at once and rises by one a minute", () => {
    const at = { depthLimit: 5, raisedAt: 0 }
    assert.deepStrictEqual(limitAfter(at, 2, 100_000), { depthLimit: 2, raisedAt: 0 })
    assert.deepStrictEqual(limitAfter(at, 8, 100_000), { depthLimit: 6, raisedAt: 100_000 })
    assert.deepStrictEqual(limitAfter({ depthLimit: 6, raisedAt: 100_000 }, 8, 159_999).depthLimit, 6)
    assert.strictEqual(limitAfter({ depthLimit: 6, raisedAt: 100_000 }, 8, 160_000).depthLimit, 7)
  })

  it("is moved by a fifth of each look", () => {
    assert.closeTo(smoothed(1, 0), 0.8, 1e-9)
  })
})
