import { assert, describe, it } from "@effect/vitest"
import { takenBack } from "../../../../src/systems/policy/engine/Canary.ts"
import { randomFrom } from "../../../support/Random.ts"

const tally = (decisions: number, denials: number, errors = 0) => ({ decisions, denials, errors })

describe("takenBack", () => {
  it("takes back what denies a third more", () => {
    assert.strictEqual(
      takenBack(tally(6000, 600), tally(1000, 135)),
      "135 of 1000 were denied or failed, where 100 were to be expected"
    )
  })
  it("counts errors as it does denials", () => {
    assert.isDefined(takenBack(tally(6000, 600), tally(1000, 100, 35)))
  })
  it("takes back what denies again and again where nothing was denied before, and lets a single denial be", () => {
    assert.isDefined(takenBack(tally(6000, 0), tally(1000, 5)))
    assert.isDefined(takenBack(tally(20, 0), tally(20, 12)))
    assert.isUndefined(takenBack(tally(6000, 0), tally(1000, 1)))
    assert.isUndefined(takenBack(tally(20, 0), tally(20, 1)))
  })
  it("lets be what denies less, as much, or nothing at all", () => {
    for (const denials of [0, 50, 100, 110]) assert.isUndefined(takenBack(tally(6000, 600), tally(1000, denials)))
  })
  it("makes nothing of a few more of a few", () => {
    assert.isUndefined(takenBack(tally(60, 6), tally(10, 3)))
  })
  it("has nothing to say where nothing was decided", () => {
    assert.isUndefined(takenBack(tally(0, 0), tally(100, 100)))
    assert.isUndefined(takenBack(tally(100, 1), tally(0, 0)))
  })

  it("finds what is a third worse, and seldom takes back what is as good, over many tries", () => {
    const random = randomFrom(11)
    const drawn = (decisions: number, share: number) =>
      tally(decisions, Array.from({ length: decisions }, () => random() < share).filter(Boolean).length)
    const tries = 300
    const count = (share: number) =>
      Array.from({ length: tries }, () => takenBack(drawn(6000, 0.1), drawn(2000, share))).filter(
        (reason) => reason !== undefined
      ).length
    assert.isAbove(count(0.15), tries * 0.98)
    assert.isBelow(count(0.1), tries * 0.02)
  })
})
