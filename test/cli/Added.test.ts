import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { added } from "../../src/cli/Added.ts"

describe("what a list has got", () => {
  it.prop(
    "is what was put at its end, however much it has forgotten at its beginning",
    { before: Schema.Array(Schema.Int), news: Schema.Array(Schema.Int), forgotten: Schema.Int },
    ({ before, news, forgotten }) => {
      // Entries that are all different, as messages with their times nearly always are.
      const seen = before.map((_, index) => ({ at: index }))
      const fresh = news.map((_, index) => ({ at: seen.length + index }))
      const after = [...seen, ...fresh].slice(Math.abs(forgotten) % (seen.length + 1))
      assert.deepStrictEqual(added(seen, after), fresh)
    }
  )

  it("is all of it when nothing of the former is left", () => {
    assert.deepStrictEqual(added(["a", "b"], ["c"]), ["c"])
    assert.deepStrictEqual(added([], ["c"]), ["c"])
    assert.deepStrictEqual(added(["a"], []), [])
  })
})
