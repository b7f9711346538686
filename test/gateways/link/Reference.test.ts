import { readFileSync, writeFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { codeTable } from "../../../src/protocol/Codes.ts"
import { caps, goodbyeReasons, imageStates, levels, resets, sync } from "../../../src/protocol/Frame.ts"
import { decodeDown, decodeUp } from "../../../src/protocol/FrameCodec.ts"
import { renderCodes, renderFrames, renderNames } from "./FrameReference.ts"

const file = new URL("../../../docs/reference/link.md", import.meta.url)
const generated = {
  "frames up": () => renderFrames("up"),
  "frames down": () => renderFrames("down"),
  names: () => renderNames({ caps, sync }, { resets, goodbyeReasons, levels, imageStates }),
  codes: () => renderCodes(codeTable.values())
}

/** Puts what is generated between its marks. `HOLON_WRITE_REFERENCE=1` writes the page. */
const refreshed = (page: string): string => {
  let text = page
  for (const [mark, render] of Object.entries(generated)) {
    const [begin, end] = [`<!-- ${mark}: generated -->`, `<!-- ${mark}: end -->`]
    const from = text.indexOf(begin)
    const to = text.indexOf(end)
    assert.isAbove(to, from, mark)
    text = `${text.slice(0, from + begin.length)}\n${render()}\n${text.slice(to)}`
  }
  return text
}

describe("the reference page of the link", () => {
  it("has the tables of the codec", () => {
    const page = readFileSync(file, "utf8")
    const fresh = refreshed(page)
    if (process.env.HOLON_WRITE_REFERENCE === "1") writeFileSync(file, fresh)
    else assert.strictEqual(page, fresh)
  })

  it("shows frames that the codec understands", () => {
    const page = readFileSync(file, "utf8")
    const shown = [...page.matchAll(/^(up|down) +([\w-]+) +((?:[0-9a-f]{2} ?)+)$/gm)]
    assert.isAtLeast(shown.length, 8)
    for (const [, direction, type, hex = ""] of shown) {
      const bytes = Buffer.from(hex.replaceAll(" ", ""), "hex")
      const frame =
        direction === "up" ? Result.getOrThrow(decodeUp(bytes, 512)) : Result.getOrThrow(decodeDown(bytes, 512))
      assert.strictEqual(frame.type, type)
    }
  })
})
