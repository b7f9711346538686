import { assert, describe, it } from "@effect/vitest"
import { WallClock } from "../../../devices/agent/WallClock.ts"

describe("WallClock", () => {
  it("knows no offset before the first exchange", () => {
    assert.isUndefined(new WallClock().offset)
  })

  it("takes the middle of the way as the instant of the answer", () => {
    const clock = new WallClock()
    clock.observe(1000, 1100, 1_000_050)
    assert.strictEqual(clock.offset, 999_000)
  })

  it("believes the shortest of the last eight ways", () => {
    const clock = new WallClock()
    clock.observe(0, 4, 1_000_002)
    clock.observe(100, 900, 1_000_900)
    assert.strictEqual(clock.offset, 1_000_000)
    // The good one is the ninth from the end by now: clocks drift, and it counts no longer.
    for (let n = 1; n <= 7; n++) clock.observe(n * 1000, n * 1000 + 100, 1_000_000 + n * 1000 + 50 + 7)
    assert.strictEqual(clock.offset, 1_000_007)
  })

  it("drops an answer that came before its question", () => {
    const clock = new WallClock()
    clock.observe(100, 50, 1_000_000)
    assert.isUndefined(clock.offset)
  })
})
