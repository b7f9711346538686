import { assert, describe, it } from "@effect/vitest"
import { SnapshotMalformed } from "../../../src/events/temporal/State.ts"
import type { PatternBody } from "../../../src/protocol/pattern/Pattern.ts"
import { condition, epoch, field, pattern, Rig } from "./Rig.ts"

const hot: Extract<PatternBody, { readonly _tag: "When" }> = {
  _tag: "When",
  aggregate: { _tag: "Avg", of: field("temp") },
  threshold: { operator: ">", value: 90 },
  where: condition("fan == false"),
  over: { _tag: "Sliding", millis: 10_000 }
}
const sample = (id: number, at: number, temp: number) => ({ id, at, data: { temp, fan: false } })

describe("another version of a pattern", () => {
  it("goes on in the midst of a window when only its limit, its actions or what it tells are others", () => {
    const rig = new Rig(pattern(hot))
    rig.tell(sample(1, 0, 80), sample(2, 1000, 82))
    const moved = pattern(
      { ...hot, threshold: { operator: ">", value: 81 }, clear: { operator: "<", value: 70 }, forMillis: 500 },
      { priority: "critical", emit: { temp: field("temp") }, actions: [{ _tag: "Raise", signal: "hot" }] }
    )
    assert.isTrue(rig.swap(moved))
    // The average of all three is 82; of the last alone it would be 84.
    rig.tell(sample(3, 2000, 84), sample(4, 2500, 82)).pass(10_000)
    assert.deepStrictEqual(rig.short, ["enter at 2500 of 4"])
    assert.deepStrictEqual(rig.matches[0]?.values, { value: 82, temp: 82 })
    assert.strictEqual(rig.matches[0]?.version, 2)
  })

  const others: ReadonlyArray<readonly [string, ReturnType<typeof pattern>]> = [
    ["window", pattern({ ...hot, over: { _tag: "Sliding", millis: 20_000 } })],
    ["aggregate", pattern({ ...hot, aggregate: { _tag: "Max", of: field("temp") } })],
    ["condition", pattern({ ...hot, where: condition("fan == true") })],
    ["key", pattern(hot, { by: [["zone"]] })],
    ["time for which late events are waited for", pattern(hot, { allowLateMillis: 1000 })],
    ["types", pattern(hot, { from: ["board.telemetry"] })],
    ["operator", pattern({ _tag: "Silence", step: {}, forMillis: 10_000 })]
  ]
  it.each(others)("begins anew with another %s", (_, next) => {
    const rig = new Rig(pattern(hot))
    rig.tell(sample(1, 0, 80))
    assert.isFalse(rig.swap(next))
  })

  it("says for as long as its window that it may not know all, and only then", () => {
    const rig = new Rig(pattern({ ...hot, where: condition("fan == false or fan == true") }))
    rig.tell(sample(1, 0, 80), sample(2, 60_000, 99))
    assert.isTrue(rig.matches.at(-1)?.isWarm)
    assert.isFalse(rig.swap(pattern(hot)))
    rig.tell(sample(3, 61_000, 99), sample(4, 66_000, 10), sample(5, 80_000, 99))
    assert.deepStrictEqual(
      rig.matches.map(({ at, isWarm }) => [at - epoch, isWarm]),
      [
        [60_000, true],
        [61_000, false],
        [80_000, true]
      ]
    )
  })

  it("has watched since it was made, though nothing came", () => {
    const rig = new Rig(
      pattern({ _tag: "Sequence", first: { from: ["a"] }, rest: [{ link: "next", step: {} }], withinMillis: 60_000 })
    )
    rig.tell({ id: 1, at: 0, type: "b" }, { id: 2, at: 3_600_000, type: "a" }, { id: 3, at: 3_601_000 })
    assert.deepStrictEqual(
      rig.matches.map(({ isWarm }) => isWarm),
      [true]
    )
  })

  it("has matches with other ids, and the same version the same", () => {
    const first = new Rig(pattern(hot)).tell(sample(1, 0, 99))
    const again = new Rig(pattern(hot)).tell(sample(1, 0, 99))
    const second = new Rig(pattern(hot))
    second.swap(pattern(hot))
    second.tell(sample(1, 0, 99))
    assert.strictEqual(again.matches[0]?.id, first.matches[0]?.id)
    assert.notStrictEqual(second.matches[0]?.id, first.matches[0]?.id)
  })

  it("refuses bytes that are no snapshot", () => {
    const rig = new Rig(pattern(hot))
    const state = rig.machine.snapshot()
    assert.throws(() => rig.machine.restore(state.subarray(0, 20)), SnapshotMalformed)
    assert.throws(() => rig.machine.restore(new Uint8Array([0x01])), SnapshotMalformed)
  })
})
