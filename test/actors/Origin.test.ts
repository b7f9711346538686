import { assert, describe, it } from "@effect/vitest"
import { originOf, originOfMessage, rootsOf } from "../../src/actors/Origin.ts"
import { runtimeAsker } from "../../src/protocol/Asker.ts"

const request = "01938c0e-2f6a-7c41-b1c0-5e2f8a9d0c11"
const asked = originOfMessage({ ...runtimeAsker, root: "asked" }, request, undefined)
const fact = (root?: string) => ({
  type: "x.y",
  data: 1,
  ...(root !== undefined && { because: { causes: ["c"], root } })
})

describe("chains that a commit goes on with", () => {
  it("are that of the asker and those that its events name, each once", () => {
    assert.deepStrictEqual(rootsOf(asked, { events: [fact(), fact()] }), ["asked"])
    assert.deepStrictEqual(rootsOf(asked, { events: [fact("a"), fact(), fact("a")] }), ["a", "asked"])
    assert.deepStrictEqual(rootsOf(asked, { events: [fact("a")] }), ["a"])
    assert.deepStrictEqual(rootsOf(originOfMessage(runtimeAsker, request, undefined), { events: [fact()] }), [request])
    assert.deepStrictEqual(rootsOf(originOf(runtimeAsker), { events: [fact()] }), [])
  })

  it("are those of samples only where they say so: what boards measure writes no row of the index", () => {
    assert.deepStrictEqual(rootsOf(asked, { samples: [fact(), fact()] }), [])
    assert.deepStrictEqual(rootsOf(asked, { samples: [fact(), fact("a"), fact("a"), fact("b")] }), ["a", "b"])
    assert.deepStrictEqual(rootsOf(asked, { events: [fact()], samples: [fact(), fact("a")] }), ["asked", "a"])
    assert.deepStrictEqual(rootsOf(asked, {}), [])
  })
})
