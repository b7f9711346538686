import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { type KnobState, SetpointVerdict } from "../../../src/protocol/vsm/Knob.ts"
import { freshKnob, propose, recovered } from "../../../src/systems/coordination/Damping.ts"
import { isOscillating, motionOf } from "../../../src/systems/coordination/Oscillation.ts"
import { randomOf } from "../../support/Random.ts"
import { reversalsOf, run } from "./Plant.ts"

const isVerdict = Schema.is(SetpointVerdict)
const fresh = freshKnob({ min: 0, max: 100 })
const heat = { name: "heat", rank: 2, target: 0.6, band: 0.03 }
const save = { name: "save", rank: 1, target: 0.4, band: 0.03 }

/** Proposals one after another, each so many ms after the one before; answers what was applied. */
const turn = (
  state: KnobState,
  wanted: ReadonlyArray<readonly [value: number, by: string]>,
  everyMillis: number,
  from = 0
) => {
  let knob = state
  let escalations = 0
  const values: Array<number | undefined> = []
  wanted.forEach(([value, by], place) => {
    const answer = propose(knob, { value, by, min: 0, max: 100 }, from + place * everyMillis)
    if (answer._tag === "Malformed") throw answer
    knob = answer.state
    if (answer._tag === "Answer" && answer.escalated !== undefined) escalations++
    values.push(answer._tag === "Answer" ? answer.verdict.value : undefined)
  })
  return { knob, values, escalations }
}

describe("two two-point controllers that fight over one valve of a slow plant", () => {
  it("turn it back and forth for ever without damping, and settle with it", () => {
    const free = run([heat, save], 240, false)
    const damped = run([heat, save], 240, true)
    assert.isAbove(reversalsOf(free), 100)
    assert.isAtMost(reversalsOf(damped), 0.2 * reversalsOf(free))
    for (const { at, output } of damped)
      if (at >= 120) assert.closeTo(output, heat.target, 0.05, `${at} s: it stays where the higher rank wants it`)
    assert.isAbove(
      Math.max(...free.filter(({ at }) => at > 120).map(({ output }) => Math.abs(output - heat.target))),
      0.08
    )
  })
})

describe("a knob", () => {
  it("follows a ramp as it is, however often it changes", () => {
    const ramp = Array.from({ length: 100 }, (_, place) => [place, "one"] as const)
    const { knob, values } = turn(fresh, ramp, 1000)
    assert.deepStrictEqual(
      values,
      ramp.map(([value]) => value)
    )
    assert.isUndefined(knob.damping)
  })

  it("does not mind noise below its dead band", () => {
    const noise = Array.from({ length: 60 }, (_, place) => [50 + (place % 2) * 0.9, "one"] as const)
    assert.isUndefined(turn(fresh, noise, 1000).knob.damping)
  })

  it("oscillates with four reversals that are large enough, with three commands of two against each other, and with many changes", () => {
    const swing = (low: number, high: number, count: number, everyMillis: number) =>
      turn(
        fresh,
        Array.from({ length: count }, (_, place) => [place % 2 === 0 ? low : high, "one"] as const),
        everyMillis
      )
    assert.isUndefined(swing(40, 60, 5, 6000).knob.damping, "three reversals")
    assert.isDefined(swing(40, 60, 6, 6000).knob.damping, "four")
    assert.isUndefined(swing(50, 53, 6, 6000).knob.damping, "too small")
    assert.isDefined(swing(50, 53, 12, 4000).knob.damping, "too often")
    const fight = [
      [10, "one"],
      [20, "one"],
      [10, "two"],
      [20, "one"],
      [10, "two"]
    ] as const
    assert.isDefined(turn(fresh, fight, 4000).knob.damping)
    assert.isUndefined(turn(fresh, fight, 6000).knob.damping, "they leave each other time")
  })

  it("belongs to the controller of the highest rank once two have fought, and others are refused with its name", () => {
    let knob = fresh
    for (let count = 0; count < 5; count++) {
      const answer = propose(
        knob,
        { value: 20 * (count % 2), by: count % 2 === 0 ? "low" : "high", rank: count % 2, min: 0, max: 100 },
        count * 1000
      )
      if (answer._tag !== "Malformed") knob = answer.state
    }
    assert.strictEqual(knob.damping?.owner, "high")
    const refused = propose(knob, { value: 0, by: "low", min: 0, max: 100 }, 6000)
    assert.strictEqual(refused._tag, "Contended")
    if (refused._tag === "Contended") assert.include(refused.conflict.message, "high")
  })

  it("gives back half of what it took after three dwells of quiet, until it is free", () => {
    const swing = Array.from({ length: 6 }, (_, place) => [40 + 20 * (place % 2), "one"] as const)
    const { knob } = turn(fresh, swing, 6000)
    assert.strictEqual(knob.damping?.gain, 0.5)
    const { dwellMillis = 0, quietSince = 0 } = knob.damping ?? {}
    assert.strictEqual(dwellMillis, 24_000, "two periods of 12 s")
    assert.strictEqual(recovered(knob, quietSince + 3 * dwellMillis - 1).damping?.gain, 0.5)
    assert.strictEqual(recovered(knob, quietSince + 3 * dwellMillis).damping?.gain, 1)
    assert.isUndefined(recovered(knob, quietSince + 6 * dwellMillis).damping)
  })

  it("says so when it was held back three times within ten minutes", () => {
    let knob = fresh
    let stubborn = 0
    const shake = (from: number) => {
      for (let count = 0; count < 120; count++) {
        const answer = propose(knob, { value: 100 * (count % 2), by: "one", min: 0, max: 100 }, from + count * 1000)
        if (answer._tag === "Answer" && answer.escalated?.isStubborn === true) stubborn++
        if (answer._tag === "Answer") knob = answer.state
      }
    }
    for (let round = 0; round < 4 && stubborn === 0; round++) {
      shake(round * 130_000)
      knob = { ...knob, damping: undefined as never }
      const { damping: _, ...free } = knob
      knob = free
    }
    assert.strictEqual(stubborn, 1)
  })

  it("refuses what it does not take", () => {
    const at = (value: number, min: number, max: number) => propose(fresh, { value, min, max, by: "one" }, 0)
    for (const answer of [at(101, 0, 100), at(-1, 0, 100), at(5, 5, 5), at(5, 9, 1)])
      assert.strictEqual(answer._tag, "Malformed")
  })

  it("stays within its range, keeps 32 setpoints, halves its gain to an eighth at most, whatever is proposed", () => {
    for (let seed = 1; seed <= 60; seed++) {
      const random = randomOf(seed)
      let knob = fresh
      let now = 0
      for (let count = 0; count < 300; count++) {
        now += random(4) === 0 ? random(60_000) : random(1500)
        const by = ["one", "two", "three"][random(3)] ?? "one"
        const answer = propose(knob, { value: random(101), by, rank: random(3), min: 0, max: 100 }, now)
        if (answer._tag === "Malformed") throw answer
        knob = answer.state
        assert.isAtMost(knob.applied.length, 32)
        if (knob.damping !== undefined) {
          assert.isAtLeast(knob.damping.gain, 1 / 8)
          assert.isAtLeast(knob.damping.dwellMillis, 10_000)
        }
        if (answer._tag !== "Answer") continue
        assert.isTrue(isVerdict(answer.verdict))
        assert.isAtLeast(answer.verdict.value, 0)
        assert.isAtMost(answer.verdict.value, 100)
      }
    }
  })

  it("is judged by what happened within the last minute", () => {
    const swing = Array.from({ length: 5 }, (_, place) => [40 + 20 * (place % 2), "one"] as const)
    const { knob } = turn(fresh, swing, 6000)
    assert.deepInclude(motionOf(knob, 24_000), { reversals: 3, amplitude: 0.2, opposing: 0, periodMillis: 12_000 })
    assert.isFalse(isOscillating(motionOf(knob, 90_000)))
  })
})
