import { assert, describe, it } from "@effect/vitest"
import {
  baseAfter,
  feltOf,
  intensityOf,
  isStricter,
  thresholdsKnown
} from "../../../../src/systems/policy/algedonic/Intensity.ts"

const heat = { base: 60, pain: 80, agony: 95 }
const battery = { base: 40, pain: 20, agony: 5 }
const rounded = (value: number) => Math.round(value * 10_000) / 10_000

describe("the intensity of what was measured", () => {
  it("is nothing below the base, 0.85 at pain, 0.95 at agony, and less than 1 beyond", () => {
    assert.deepStrictEqual(
      [60, 70, 80, 87.5, 95, 110].map((value) => rounded(intensityOf(value, heat))),
      [0, 0.425, 0.85, 0.9, 0.95, 0.9816]
    )
    assert.isAtMost(intensityOf(1e9, heat), 1)
    assert.strictEqual(intensityOf(-1e9, heat), 0)
  })

  it("grows the other way where less is worse", () => {
    assert.deepStrictEqual(
      [100, 40, 30, 20, 5].map((value) => rounded(intensityOf(value, battery))),
      [0, 0, 0.425, 0.85, 0.95]
    )
    assert.isAbove(intensityOf(0, battery), 0.95)
  })

  it("never falls when it becomes worse, for any thresholds", () => {
    for (const thresholds of thresholdsKnown.values()) {
      const span = thresholds.agony - thresholds.base
      let before = 0
      for (let part = -1; part <= 3; part += 0.01) {
        const next = intensityOf(thresholds.base + span * part, thresholds)
        assert.isAtLeast(next, before)
        before = next
      }
    }
  })

  it("takes 250 ms of work for pain of 0.7, and 40 ms for pleasure", () => {
    const thresholds = thresholdsKnown.get("work_latency_ms")
    const felt = (value: number) => feltOf({ source: "s", metric: "work_latency_ms", value }, thresholds)
    assert.strictEqual(rounded(felt(250)?.intensity ?? 0), 0.7)
    assert.deepStrictEqual(felt(40), { valence: "pleasure", intensity: 0.9 })
    assert.strictEqual(felt(41)?.valence, "pain")
  })

  it("is what was said where that is more, and unknown where nothing says it", () => {
    const feeling = { source: "s", metric: "temperature_c" }
    assert.strictEqual(feltOf({ ...feeling, value: 70, intensity: 0.9 }, heat)?.intensity, 0.9)
    assert.strictEqual(feltOf({ ...feeling, value: 110, intensity: 0.1 }, heat)?.intensity, intensityOf(110, heat))
    assert.isUndefined(feltOf({ ...feeling, value: 70 }, undefined))
    assert.isUndefined(feltOf(feeling, heat))
  })
})

describe("getting used to what lasts", () => {
  it("moves the base by a tenth of the way a minute, and never to where pain is beyond doubt", () => {
    assert.strictEqual(baseAfter(60, 70, 60_000, heat), 61)
    assert.strictEqual(baseAfter(60, 70, 0, heat), 60)
    let base = 60
    for (let minute = 0; minute < 1000; minute++) base = baseAfter(base, 1e6, 60_000, heat)
    assert.strictEqual(base, 78)
    assert.strictEqual(intensityOf(80, { ...heat, base }), 0.85)
    assert.strictEqual(intensityOf(95, { ...heat, base }), 0.95)
    assert.strictEqual(baseAfter(40, 0, 600_000_000, battery), 22)
  })
})

describe("thresholds that people set", () => {
  it("hurt no later than those that everybody knows", () => {
    assert.isTrue(isStricter({ base: 40, pain: 60, agony: 70 }, heat))
    assert.isFalse(isStricter({ base: 60, pain: 80, agony: 96 }, heat))
    assert.isFalse(isStricter({ base: 60, pain: 81, agony: 95 }, heat))
    assert.isTrue(isStricter({ base: 60, pain: 30, agony: 10 }, battery))
    assert.isFalse(isStricter({ base: 60, pain: 10, agony: 5 }, battery))
    assert.isFalse(isStricter({ base: 90, pain: 80, agony: 70 }, heat))
  })
})
