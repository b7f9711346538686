import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { callModeOf } from "../../../src/protocol/hxe/CallMode.ts"
import { readHxe } from "../../../src/protocol/hxe/HxeReader.ts"
import { writeHxe } from "../../../src/protocol/hxe/HxeWriter.ts"
import { u32 } from "./RawImage.ts"

const image = (version: 1 | 2, words: ReadonlyArray<number>, entry = 0) =>
  Result.getOrThrow(readHxe(writeHxe({ version, entry, code: Uint8Array.from(words.flatMap(u32)) })))

const ret = 0x2500_0000
const call = (immediate: number): number => 0x2400_0000 | (immediate & 0xfff)
/** A literal that looks like a call. */
const literal = [0x6010_0000, call(0x7ff)]

const auto = (words: ReadonlyArray<number>, entry = 0) => callModeOf(image(1, words, entry))

describe("callModeOf", () => {
  it("is relative for version 2, whatever is asked for", () => {
    const words = [call(0x10), ret, ret, ret, ret]
    assert.strictEqual(callModeOf(image(2, words)), "relative")
    assert.strictEqual(callModeOf(image(2, words), "absolute"), "relative")
  })

  it("is what is asked for in version 1", () => {
    assert.strictEqual(callModeOf(image(1, [ret]), "absolute"), "absolute")
    assert.strictEqual(callModeOf(image(1, [call(8), ret, ret]), "relative"), "relative")
  })

  it("is relative where there is no call, or every call stays in the code", () => {
    assert.strictEqual(auto([ret]), "relative")
    assert.strictEqual(auto([call(2), ret, ret]), "relative")
    assert.strictEqual(auto([ret, call(-1), ret]), "relative")
  })

  it("is absolute where a relative call leaves the code and the absolute ones do not", () => {
    assert.strictEqual(auto([call(12), ret, ret, ret]), "absolute")
    assert.strictEqual(auto([call(8), call(8), ret]), "absolute")
  })

  it("is absolute where a call would call itself", () => {
    assert.strictEqual(auto([ret, ret, call(0), ret], 8), "absolute")
  })

  it("is relative where any absolute target is outside the code or within a word", () => {
    assert.strictEqual(auto([call(16), ret, ret, ret]), "relative")
    assert.strictEqual(auto([call(12), call(6), ret, ret]), "relative")
    assert.strictEqual(auto([call(-1), call(12), ret, ret]), "relative")
  })

  it("does not look at literals, nor at calls through a register", () => {
    assert.strictEqual(auto([call(12), ...literal, ret]), "absolute")
    assert.strictEqual(auto([call(12), 0x2403_07ff, ret, ret]), "absolute")
    assert.strictEqual(auto([...literal, ret]), "relative")
  })
})
