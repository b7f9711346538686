import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { consume, firstNumber, highestOf, placeOf, windowSize } from "../../../src/actors/device/Numbering.ts"

const Sequence = Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 150 }))).check(
  Schema.isMinLength(20),
  Schema.isMaxLength(200)
)

describe("Numbering", () => {
  it.prop("is a set of numbers with an edge 64 beyond the gapless ones", { sequence: Sequence }, ({ sequence }) => {
    let numbering = firstNumber
    const seen = new Set<number>()
    for (const seq of sequence) {
      let gapless = 0
      while (seen.has(gapless + 1)) gapless++
      const expected = seen.has(seq) ? "seen" : seq > gapless + windowSize ? "beyond" : "new"
      assert.strictEqual(placeOf(numbering, seq), expected)
      if (expected !== "new") continue
      numbering = consume(numbering, seq)
      seen.add(seq)
      assert.strictEqual(highestOf(numbering), Math.max(...seen))
    }
    let gapless = 0
    while (seen.has(gapless + 1)) gapless++
    assert.strictEqual(numbering.last, gapless)
  })

  it("closes a gap of the whole window at once", () => {
    let numbering = firstNumber
    for (let seq = 2; seq <= windowSize; seq++) numbering = consume(numbering, seq)
    assert.strictEqual(numbering.last, 0)
    assert.deepStrictEqual(consume(numbering, 1), { last: windowSize, low: 0, high: 0 })
  })
})
