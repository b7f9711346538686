import { assert, describe, it } from "@effect/vitest"
import { TDigest } from "../../../src/events/temporal/TDigest.ts"
import { randomFrom } from "../../support/Random.ts"

describe("a t-digest", () => {
  const shapes: ReadonlyArray<readonly [string, (next: () => number) => number]> = [
    ["even", (next) => next() * 1000],
    ["skewed", (next) => -Math.log(1 - next()) * 50],
    ["of two humps", (next) => (next() < 0.5 ? next() : 1000 + next())],
    ["of few values", (next) => Math.floor(next() * 5)],
    [
      "in order",
      (() => {
        let value = 0
        return () => value++
      })()
    ]
  ]
  it.each(shapes)("is near the quantiles of many values: %s", (_, value) => {
    const next = randomFrom(11)
    const values = Array.from({ length: 50_000 }, () => value(next))
    const sorted = values.toSorted((one, other) => one - other)
    for (const share of [0, 0.001, 0.01, 0.25, 0.5, 0.9, 0.99, 0.999, 1]) {
      // Whole, and put together of many.
      const whole = new TDigest(share)
      const together = new TDigest(share)
      for (let at = 0; at < values.length; at += 500) {
        const part = new TDigest(share)
        for (const each of values.slice(at, at + 500)) {
          part.add(each)
          whole.add(each)
        }
        together.absorb(part)
      }
      for (const found of [whole.result(), together.result()]) {
        if (found === undefined) throw new Error("no quantile")
        // In rank, for values may be far apart: within half a cluster of the scale, which is much nearer at both ends.
        const low = sorted.findIndex((each) => each >= found) / sorted.length
        const high = sorted.findLastIndex((each) => each <= found) / sorted.length
        const allowed = 0.0005 + (Math.PI / 100) * Math.sqrt(share * (1 - share))
        assert.isTrue(low - allowed <= share && share <= high + allowed, `${share}: ${found} at ${low} to ${high}`)
      }
      assert.isBelow(JSON.stringify(whole.encode()).length, 10_000)
    }
  })

  it("is exact for up to two hundred values, and goes on from a snapshot", () => {
    const digest = new TDigest(0.5)
    for (let value = 200; value > 0; value--) digest.add(value)
    assert.strictEqual(digest.result(), 100.5)
    const copy = new TDigest(0.5)
    copy.decode(digest.encode())
    for (let value = 0; value < 1000; value++) {
      digest.add(value * value)
      copy.add(value * value)
      assert.strictEqual(copy.result(), digest.result())
    }
  })
})
