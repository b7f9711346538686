import { assert, describe, it } from "@effect/vitest"
import { makeNoted } from "../../src/runtime/Attaching.ts"

describe("evidence", () => {
  it("is noted once in ten seconds for each type and board", () => {
    let now = 0
    const isNew = makeNoted(() => now)
    const flood = { type: "link.flood", id: "a" } as const
    assert.deepStrictEqual([isNew(flood), isNew(flood), isNew({ ...flood, id: "b" })], [true, false, true])
    assert.isTrue(isNew({ type: "link.denied", id: "a" }))
    now = 9999
    assert.isFalse(isNew(flood))
    now = 10_000
    assert.isTrue(isNew(flood))
  })

  it("is remembered for a bounded number of boards", () => {
    const isNew = makeNoted(() => 0)
    for (let index = 0; index < 10_001; index++) assert.isTrue(isNew({ type: "link.flood", id: `board-${index}` }))
    assert.isTrue(isNew({ type: "link.flood", id: "board-0" }), "the oldest is forgotten")
    assert.isFalse(isNew({ type: "link.flood", id: "board-10000" }))
  })
})
