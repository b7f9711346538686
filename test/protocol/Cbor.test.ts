import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { faultOf, levelsMax } from "../../src/protocol/Cbor.ts"
import { CborReader, major } from "../../src/protocol/CborReader.ts"
import { CborWriter } from "../../src/protocol/CborWriter.ts"

const hex = (text: string): Uint8Array => Uint8Array.from(text.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16))
const faultOfHex = (text: string): string | undefined => faultOf(hex(text))

describe("keys of a map", () => {
  it("may not repeat, whatever the length of their heads", () => {
    assert.strictEqual(faultOfHex("a201000100"), "key twice")
    assert.strictEqual(faultOfHex("a20100180100"), "key twice")
    assert.strictEqual(faultOfHex("a2616100616100"), "key twice")
    assert.strictEqual(faultOfHex("a261610078016100"), "key twice")
    assert.strictEqual(faultOfHex("a2416100416100"), "key twice")
  })

  it("differ by type, length and content", () => {
    assert.isUndefined(faultOfHex("a201002000"))
    assert.isUndefined(faultOfHex("a2616100416100"))
    assert.isUndefined(faultOfHex("a2616100616200"))
    assert.isUndefined(faultOfHex("a261610062616100"))
  })

  it("may be the same in different maps", () => {
    assert.isUndefined(faultOfHex("a201a1010002a10100"))
    assert.isUndefined(faultOfHex("82a10100a10100"))
  })

  const wide = (count: number, last: number): string => {
    const keys = Array.from({ length: count }, (_, key) => `18${(key + 24).toString(16).padStart(2, "0")}00`)
    return `b8${(count + 1).toString(16).padStart(2, "0")}${keys.join("")}19${last.toString(16).padStart(4, "0")}00`
  }

  it("may not repeat in wide maps either", () => {
    for (const count of [15, 16, 17, 40, 200]) {
      assert.strictEqual(faultOfHex(wide(count, 24)), "key twice", `first of ${count}`)
      assert.strictEqual(faultOfHex(wide(count, 23 + count)), "key twice", `last of ${count}`)
      assert.isUndefined(faultOfHex(wide(count, 24 + count)), `none of ${count}`)
    }
  })

  it("are neither lists nor maps", () => {
    assert.strictEqual(faultOfHex("a18000"), "key that is a list or a map")
    assert.strictEqual(faultOfHex("a1a000"), "key that is a list or a map")
  })
})

describe("levels", () => {
  it(`are ${levelsMax} at most, empty ones too`, () => {
    const nested = (levels: number, inner: string): string => "81".repeat(levels) + inner
    assert.isUndefined(faultOfHex(nested(levelsMax - 1, "80")))
    assert.isUndefined(faultOfHex(nested(levelsMax, "00")))
    assert.strictEqual(faultOfHex(nested(levelsMax, "80")), "nested too deep")
    assert.strictEqual(faultOfHex(nested(levelsMax + 1, "00")), "nested too deep")
  })
})

describe("integers", () => {
  it("stay within ±(2^53-1)", () => {
    assert.isUndefined(faultOfHex("1b001fffffffffffff"))
    assert.strictEqual(faultOfHex("1b0020000000000000"), "integer beyond 2^53-1")
    assert.isUndefined(faultOfHex("3b001ffffffffffffe"))
    assert.strictEqual(faultOfHex("3b001fffffffffffff"), "integer beyond -(2^53-1)")
    assert.strictEqual(faultOfHex("1bffffffffffffffff"), "integer beyond 2^53-1")
  })
})

describe("text", () => {
  const decoder = new TextDecoder("utf-8", { fatal: true })
  const isText = (bytes: Uint8Array): boolean => {
    try {
      decoder.decode(bytes)
      return true
    } catch {
      return false
    }
  }

  it("is UTF-8 as TextDecoder sees it, at every edge of its ranges", () => {
    const check = (...bytes: ReadonlyArray<number>): void => {
      const fault = faultOf(Uint8Array.from([0x60 | bytes.length, ...bytes]))
      assert.strictEqual(fault, isText(Uint8Array.from(bytes)) ? undefined : "text that is not UTF-8", `${bytes}`)
    }
    const edges = [0x00, 0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xff]
    for (let first = 0; first < 256; first++) {
      check(first)
      for (const second of edges) check(first, second)
    }
    for (let first = 0xdf; first < 256; first++)
      for (const second of edges)
        for (const third of [0x41, 0x80, 0xbf, 0xc0]) {
          check(first, second, third)
          check(first, second, third, 0x80)
          check(first, second, third, 0x41)
        }
  })

  it("keeps a byte order mark", () => {
    const writer = new CborWriter()
    writer.begin()
    writer.text("\ufeffa")
    const reader = new CborReader(writer.take())
    assert.strictEqual(reader.head(), major.text)
    assert.strictEqual(reader.takeText(), "\ufeffa")
  })

  it("comes back letter by letter, short or long", () => {
    const writer = new CborWriter()
    for (const unit of ["a", "é", "€", "😀"])
      for (let length = 0; length < 70; length++) {
        const text = "x".repeat(length) + unit + "y".repeat(length % 7)
        writer.begin()
        writer.text(text)
        const bytes = writer.take()
        assert.isUndefined(faultOf(bytes))
        const reader = new CborReader(bytes)
        reader.head()
        assert.strictEqual(reader.takeText(), text)
        assert.strictEqual(reader.at, bytes.length)
      }
  })
})

const written = (value: number): Uint8Array => {
  const writer = new CborWriter()
  writer.begin()
  writer.number(value)
  return writer.take()
}

const numberIn = (bytes: Uint8Array): number | boolean | null => {
  const reader = new CborReader(bytes)
  const type = reader.head()
  if (type === major.unsigned) return reader.argument
  return type === major.negative ? -1 - reader.argument : reader.takeSimple()
}

describe("floats", () => {
  it("are read from every half there is", () => {
    const float = new DataView(new ArrayBuffer(4))
    for (let bits = 0; bits < 0x10000; bits++) {
      const exponent = (bits >> 10) & 31
      const fraction = bits & 1023
      // The oracle: widen to a single by hand, let the platform read it.
      const sign = (bits & 0x8000) << 16
      if (exponent === 31) float.setUint32(0, sign | 0x7f800000 | (fraction << 13))
      else if (exponent > 0) float.setUint32(0, sign | ((exponent + 112) << 23) | (fraction << 13))
      else float.setFloat32(0, (bits & 0x8000 ? -1 : 1) * fraction * 2 ** -24)
      const expected = float.getFloat32(0)
      const value = numberIn(Uint8Array.from([0xf9, bits >> 8, bits & 255]))
      if (!Object.is(value, expected)) assert.fail(`${bits}: ${value}, not ${expected}`)
      if (Number.isNaN(expected) || Number.isSafeInteger(expected)) continue
      const [head, high, low] = written(expected)
      if (head !== 0xf9 || high !== bits >> 8 || low !== (bits & 255)) assert.fail(`${expected} is no half`)
    }
  })

  it.prop("are written in the narrowest width that keeps them", { value: Schema.Finite }, ({ value }) => {
    const bytes = written(value)
    assert.isUndefined(faultOf(bytes))
    assert.strictEqual(numberIn(bytes), value + 0)
    if (Number.isSafeInteger(value)) return
    if (Math.fround(value) !== value) assert.strictEqual(bytes.length, 9)
    else assert.include([3, 5], bytes.length)
  })

  it("are written as in RFC 8949, appendix A", () => {
    for (const [value, expected] of [
      [1.1, "fb3ff199999999999a"],
      [1.5, "f93e00"],
      [3.4028234663852886e38, "fa7f7fffff"],
      [1.0e300, "fb7e37e43c8800759c"],
      [2 ** -24, "f90001"],
      [0.00006103515625, "f90400"],
      [-4.1, "fbc010666666666666"],
      [Number.POSITIVE_INFINITY, "f97c00"],
      [Number.NaN, "f97e00"],
      [65504.5, "fa477fe080"],
      [-0, "00"],
      [1_000_000_000_000, "1b000000e8d4a51000"],
      [-1000, "3903e7"]
    ] as const)
      assert.deepStrictEqual(written(value), hex(expected), String(value))
  })
})

describe("bytes of no meaning", () => {
  it.prop("are never more than a fault", { bytes: Schema.Uint8Array }, ({ bytes }) => {
    const fault = faultOf(bytes)
    assert.isTrue(fault === undefined || fault.length > 0)
  })

  it("that a lenient decoder reads as an empty map are refused", () => {
    assert.isDefined(faultOfHex("ff"))
    assert.isDefined(faultOfHex("81ff"))
    assert.isDefined(faultOfHex("a1ff00"))
  })
})
