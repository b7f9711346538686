import { assert, describe, it } from "@effect/vitest"
import { decodeStored, decodeStoredAll, encodeStored } from "../../src/protocol/Stored.ts"

describe("Stored", () => {
  for (const [name, value] of [
    ["the largest safe integers", [2 ** 53 - 1, -(2 ** 53 - 1), 2 ** 32, -(2 ** 32), -(2 ** 31) - 1]],
    ["fractions at both ends of the range", [0.1, 1e300, 5e-324, -71.25]],
    ["byte strings", new Uint8Array([0, 255, 3])],
    ["keys that objects have by themselves", { constructor: "x", toString: 1, hasOwnProperty: true, "": 0 }],
    ["empty values and nesting", { a: { b: [[], {}, null, ""] } }],
    ["text beyond ASCII, and NUL", "é\u{1F600}\u0000"],
    ["long text", "x".repeat(70_000)]
  ] as const) {
    it(`returns ${name} unchanged`, () => assert.deepStrictEqual(decodeStored(encodeStored(value)), value))
  }

  it("writes plain maps of the standard", () =>
    assert.strictEqual(Buffer.from(encodeStored({ a: 1, b: [true] })).toString("hex"), "a2616101616281f5"))

  it("leaves the bytes it reads as they were", () => {
    const bytes = new Uint8Array([0xa1, 0x61, 0x61, 0x01])
    decodeStored(bytes)
    assert.deepStrictEqual(bytes, new Uint8Array([0xa1, 0x61, 0x61, 0x01]))
  })

  it("throws on bytes that end too early", () => {
    assert.throws(() => decodeStored(new Uint8Array([0xa1, 0x61])))
  })

  it("returns items that stand one behind the other, and throws where the last has no end", () => {
    const items = [[1, "two"], { three: null }, 4, false, new Uint8Array([5])]
    const bytes = Buffer.concat(items.map(encodeStored))
    assert.deepStrictEqual(decodeStoredAll(bytes), items)
    assert.throws(() => decodeStoredAll(bytes.subarray(0, -1)))
  })
})
