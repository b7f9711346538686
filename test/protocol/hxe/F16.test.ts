import { assert, describe, it } from "@effect/vitest"
import { f16Bits, f16Value } from "../../../src/protocol/hxe/F16.ts"

const table: ReadonlyArray<readonly [value: number, bits: number]> = [
  [0.1, 0x2e66],
  [1 / 3, 0x3555],
  [1, 0x3c00],
  [-2.5, 0xc100],
  [12.5, 0x4a40],
  [2049, 0x6800],
  [2051, 0x6802],
  [-40, 0xd100],
  [65504, 0x7bff],
  [65519.99, 0x7bff],
  [125, 0x57d0],
  [65520, 0x7c00],
  [Number.POSITIVE_INFINITY, 0x7c00],
  [2 ** -14, 0x0400],
  [2 ** -24, 0x0001],
  [2 ** -25, 0x0000],
  [1.5 * 2 ** -24, 0x0002],
  [2.5 * 2 ** -24, 0x0002],
  [1023.5 * 2 ** -24, 0x0400],
  [Number.NEGATIVE_INFINITY, 0xfc00],
  [Number.NaN, 0x7e00],
  [0, 0x0000],
  [-0, 0x8000],
  [Number.MIN_VALUE, 0x0000],
  [-Number.MIN_VALUE, 0x8000],
  [Number.MAX_VALUE, 0x7c00]
]

describe("f16Bits", () => {
  for (const [value, bits] of table)
    it(`writes ${value} as ${bits.toString(16).padStart(4, "0")}`, () => assert.strictEqual(f16Bits(value), bits))

  it("gives back the bits of every pattern, and 7e00 for every NaN", () => {
    for (let bits = 0; bits < 0x1_0000; bits++) {
      const isNone = (bits & 0x7c00) === 0x7c00 && (bits & 0x3ff) !== 0
      const written = f16Bits(f16Value(bits))
      if (written !== (isNone ? 0x7e00 : bits)) assert.fail(`${bits.toString(16)} became ${written.toString(16)}`)
    }
  })

  it("rounds to the nearer of every two neighbours, and to the even one from halfway", () => {
    for (let bits = 0; bits < 0x7bff; bits++) {
      const low = f16Value(bits)
      const high = f16Value(bits + 1)
      const halfway = (low + high) / 2
      const slightly = (high - low) * 2 ** -20
      assert.isTrue(low < high)
      const even = bits % 2 === 0 ? bits : bits + 1
      const written = [halfway - slightly, halfway, halfway + slightly].map(f16Bits)
      if (written[0] !== bits || written[1] !== even || written[2] !== bits + 1)
        assert.fail(`between ${low} and ${high}: ${written}`)
      if (f16Bits(-halfway) !== (even | 0x8000)) assert.fail(`at ${-halfway}`)
    }
  })
})

describe("f16Value", () => {
  it("reads subnormal, normal and unending numbers by the definition of binary16", () => {
    assert.strictEqual(f16Value(0x03ff), 1023 * 2 ** -24)
    assert.strictEqual(f16Value(0x3c01), 1 + 2 ** -10)
    assert.strictEqual(f16Value(0xfbff), -65504)
    assert.strictEqual(f16Value(0xfc00), Number.NEGATIVE_INFINITY)
    assert.isTrue(Object.is(f16Value(0x8000), -0))
    assert.isNaN(f16Value(0x7c01))
  })
})
