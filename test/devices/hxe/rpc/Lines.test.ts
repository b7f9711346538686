import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { Lines } from "../../../../devices/hxe/rpc/Lines.ts"

const Text = Schema.String.check(Schema.isMaxLength(30))
const Cut = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 9 }))

describe("Lines", () => {
  it.prop(
    "are the same, however the bytes are cut",
    { texts: Schema.Array(Text), cuts: Schema.NonEmptyArray(Cut) },
    ({ cuts, texts }) => {
      // A half of a surrogate pair is no text.
      const clean = texts.map((text) => text.toWellFormed().replaceAll(/[\r\n]/g, " "))
      const bytes = new TextEncoder().encode(clean.map((text) => `${text}\n`).join(""))
      const lines = new Lines()
      const got: Array<string> = []
      for (let from = 0, cut = 0; from < bytes.length; cut++) {
        const end = from + (cuts[cut % cuts.length] ?? 1)
        for (const line of lines.push(bytes.subarray(from, end))) got.push("text" in line ? line.text : line.fault)
        from = end
      }
      assert.deepStrictEqual(
        got,
        clean.map((text) => text.trim()).filter((text) => text !== "")
      )
    }
  )

  it("do not end before their end", () => {
    const lines = new Lines()
    assert.deepStrictEqual(lines.push(Buffer.from("abc")), [])
    assert.deepStrictEqual(lines.push(Buffer.from("\n\nd")), [{ text: "abc" }])
  })
})
