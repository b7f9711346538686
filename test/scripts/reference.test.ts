import { readFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { referencePages, root } from "../../scripts/reference-pages.ts"
import { decodeDown, decodeUp } from "../../src/protocol/FrameCodec.ts"
import { downShapes, upShapes } from "../../src/protocol/FrameTable.ts"

const pageOf = (name: string): string => readFileSync(join(root, "docs", "reference", name), "utf8")

describe("the reference", () => {
  for (const [name, text] of referencePages())
    it(`says in ${name} what the code says (node scripts/reference.ts writes it anew)`, () => {
      assert.strictEqual(pageOf(name), text)
    })
})

describe("the page of the link", () => {
  it("has a table for each frame of the codec, in its order", () => {
    const [up = "", down = ""] = pageOf("link.md").split("## Frames down")
    const titles = (text: string) => [...text.matchAll(/^#### (.*)$/gm)].map(([, title]) => title)
    const expected = (shapes: typeof upShapes) => shapes.map(({ number, type }) => `${number} ${type}`)
    assert.deepStrictEqual(titles(up), expected(upShapes))
    assert.deepStrictEqual(titles(down), expected(downShapes))
  })

  it("shows frames that the codec understands", () => {
    const shown = [...pageOf("link.md").matchAll(/^(up|down) +([\w-]+) +((?:[0-9a-f]{2} ?)+)$/gm)]
    assert.isAtLeast(shown.length, 8)
    for (const [, direction, type, hex = ""] of shown) {
      const bytes = Buffer.from(hex.replaceAll(" ", ""), "hex")
      const frame =
        direction === "up" ? Result.getOrThrow(decodeUp(bytes, 512)) : Result.getOrThrow(decodeDown(bytes, 512))
      assert.strictEqual(frame.type, type)
    }
  })
})
