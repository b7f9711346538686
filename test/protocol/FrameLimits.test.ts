import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { decodeDown, decodeUp, encodeUp, type FrameRefused } from "../../src/protocol/FrameCodec.ts"

/** The bytes of a frame of any type with any body: a private frame, whose body is not checked, under another number. */
const frameOf = (type: number, body: Readonly<Record<number, unknown>>): Uint8Array => {
  const entries = Object.entries(body).map(([key, value]) => [Number(key), value] as const)
  const bytes = encodeUp({ type: "private", seq: 1, number: 128, body: new Map<number, unknown>(entries) })
  return Uint8Array.from([0x83, 0x18, type, 0x01, ...bytes.subarray(4)])
}

const id = new Uint8Array(16)
const hash = new Uint8Array(32)
const hello = { 1: 1, 2: 1, 3: "a", 4: 1, 5: 1, 6: 0, 8: "p", 9: "f", 10: 0, 11: 512 }
const welcome = { 1: 1, 2: 5, 3: 0, 4: 0, 5: 1, 6: 1, 7: 512, 8: 1, 9: 1, 10: 0, 11: 0 }
const offer = { 1: 1, 2: hash, 3: 0, 4: 1, 5: id, 6: 256, 7: 1 }
const half = 2 ** 32
const letters = (count: number) => "é".repeat(count / 2)

type Case = readonly [name: string, type: number, body: object, key: number, inside: unknown, outside: unknown]

const up: ReadonlyArray<Case> = [
  ["id", 1, hello, 3, "a".repeat(63), "a".repeat(64)],
  ["boot", 1, hello, 4, 1, 0],
  ["boot", 1, hello, 4, half - 1, half],
  ["link", 1, hello, 5, 65_535, 65_536],
  ["link", 1, hello, 5, 1, 0],
  ["profile", 1, hello, 8, letters(32), letters(34)],
  ["firmware", 1, hello, 9, letters(32), letters(34)],
  ["caps", 1, hello, 10, half - 1, half],
  ["rx", 1, hello, 11, 512, 511],
  ["requests", 1, hello, 12, 64, 65],
  ["reset", 1, hello, 16, 255, 256],
  ["load", 3, { 1: 0, 8: 1 }, 3, 1, 1.5],
  ["power", 3, { 1: 0, 8: 1 }, 7, 0, -0.5],
  ["power", 3, { 1: 0, 8: 1 }, 7, 0.5, Number.NaN],
  [
    "samples",
    8,
    {},
    4,
    Array.from({ length: 512 }, () => [0, new Map()]),
    Array.from({ length: 513 }, () => [0, new Map()])
  ],
  ["done", 12, { 1: id }, 2, 1, 2],
  ["note", 12, { 1: id }, 3, letters(128), letters(130)],
  ["code", 13, { 1: id }, 2, 65_535, 65_536],
  ["detail", 13, { 1: id, 2: 0 }, 4, letters(256), letters(258)],
  ["name", 15, {}, 2, "a".repeat(64), "a".repeat(65)],
  ["name", 15, {}, 2, "a.b-c.d_0", "a..b"],
  ["level", 15, { 2: "a" }, 4, 4, 5],
  ["program", 15, { 2: "a" }, 5, "p".repeat(31), "p".repeat(32)],
  ["text", 16, { 2: 0 }, 3, letters(1024), letters(1026)],
  ["missing", 18, { 1: 1, 2: 0, 3: 1 }, 7, Array.from({ length: 16 }, () => 1), Array.from({ length: 17 }, () => 1)],
  ["cpu", 41, {}, 1, [new Map([[9, 1]])], [new Map([[9, 1.25]])]]
]

const down: ReadonlyArray<Case> = [
  ["rx", 2, welcome, 7, 512, 511],
  ["node", 2, welcome, 12, letters(64), letters(66)],
  ["rate", 2, welcome, 14, 65_535, 65_536],
  ["detail", 5, { 1: 1 }, 2, letters(256), letters(258)],
  ["name", 11, { 1: id, 4: 1 }, 2, letters(64), letters(66)],
  ["ttl", 11, { 1: id, 2: "a" }, 4, 86_400_000, 86_400_001],
  ["program", 11, { 1: id, 2: "a", 4: 1 }, 5, "p".repeat(31), "p".repeat(32)],
  ["xfer", 32, offer, 1, 1, 0],
  ["chunk", 32, offer, 6, 2 ** 31, 2 ** 31 - 1],
  ["chunk", 32, offer, 6, 1, 0],
  ["instance", 32, offer, 9, "p".repeat(31), "p".repeat(32)],
  ["level", 43, { 1: 1, 2: "p", 3: 1, 4: 1 }, 5, 3, 4],
  ["id", 43, { 1: 1, 2: "p", 4: 1 }, 3, 65_535, 65_536],
  ["epsilon", 44, { 1: 1, 2: "p", 3: 1, 4: true }, 5, 1e300, Number.POSITIVE_INFINITY],
  ["target", 45, { 1: 1, 4: id }, 3, letters(32), letters(34)]
]

const wrongTypes: ReadonlyArray<readonly [type: number, body: object, key: number, values: ReadonlyArray<unknown>]> = [
  [3, { 8: 1 }, 1, [-1, 1.5, "1", null, id, [1], new Map(), true]],
  [3, { 1: 0, 8: 1 }, 6, [1.5, "1", null, id]],
  [3, { 1: 0, 8: 1 }, 3, ["1", null, true, id]],
  [1, hello, 3, [1, id, null]],
  [1, hello, 15, [1, new Map(), [-1], ["a"]]],
  [
    1,
    hello,
    17,
    [
      [],
      new Map([[1, id]]),
      new Map([
        [1, id],
        [2, hash]
      ]),
      new Map<unknown, unknown>([["1", id]])
    ]
  ],
  [8, { 2: new Map() }, 3, [1, null, "true"]],
  [8, {}, 4, [new Map(), [[0]], [[0.5, new Map()]], [[0, []]], [0]]],
  [10, { 1: 1 }, 2, [[], new Map([[1, 1]]), new Map([["/a", "b"]])]],
  [13, { 2: 0 }, 1, [hash, "018f3a6e-4c00-7abc-8def-0123456789ab", 1]],
  [20, { 1: "p" }, 2, [[[1, 2]], [[null, 1, 1]], [[1, true, 1]], [[1, 1, "1"]]]],
  [34, { 2: 1 }, 7, [id, "x"]],
  [41, {}, 1, [new Map(), [[]], [new Map([[4, new Uint8Array(9)]])]]]
]

type Decode = (bytes: Uint8Array, bytesMax: number) => Result.Result<object, FrameRefused>

const codeOf = (decoded: Result.Result<object, { readonly code: number }>): number =>
  Result.isFailure(decoded) ? decoded.failure.code : 0

describe("limits of fields", () => {
  const check = (decode: Decode, [name, type, body, key, inside, outside]: Case): void => {
    assert.strictEqual(codeOf(decode(frameOf(type, { ...body, [key]: inside }), 262_144)), 0, `${name} inside`)
    const refused = decode(frameOf(type, { ...body, [key]: outside }), 262_144)
    assert.strictEqual(codeOf(refused), 34, `${name} outside`)
    assert.strictEqual(Result.isFailure(refused) ? refused.failure.field?.[0] : undefined, key)
  }
  for (const each of up) it(`${each[0]} of frame ${each[1]}`, () => check(decodeUp, each))
  for (const each of down) it(`${each[0]} of frame ${each[1]}`, () => check(decodeDown, each))
})

describe("values of the wrong type", () => {
  for (const [type, body, key, values] of wrongTypes)
    it(`in field ${key} of frame ${type} are malformed`, () => {
      for (const value of values) {
        const refused = decodeUp(frameOf(type, { ...body, [key]: value }), 262_144)
        assert.strictEqual(codeOf(refused), 200, String(value))
        assert.strictEqual(Result.isFailure(refused) ? refused.failure.field?.[0] : undefined, key)
      }
    })
})

describe("places of a list", () => {
  it("may be followed by what a later version adds", () => {
    const bytes = frameOf(20, { 1: "p", 2: [[1, 2, 3, [4, new Map([[5, 6]])]]] })
    assert.deepStrictEqual(
      decodeUp(bytes, 512),
      Result.succeed({ type: "value", seq: 1, program: "p", values: [{ id: 1, value: 2, at: 3 }] })
    )
  })
})

describe("the head of a refused frame", () => {
  const refusal = (...bytes: ReadonlyArray<number>) =>
    Result.getOrThrow(Result.flip(decodeUp(Uint8Array.from(bytes), 512)))

  it("names no number where it has none", () => {
    assert.deepStrictEqual(refusal(0x83, 0x03, 0x00, 0xa0), {
      code: 200,
      detail: "missing",
      frameType: 3,
      field: [1]
    })
  })

  it("is not made up where it is cut short", () => {
    assert.deepStrictEqual(refusal(0x83), { code: 200, detail: "cut short" })
    assert.deepStrictEqual(refusal(0x83, 0x08), { code: 200, detail: "cut short", frameType: 8 })
    assert.deepStrictEqual(refusal(0x83, 0x08, 0x1a, 0x00), { code: 200, detail: "cut short", frameType: 8 })
  })

  it("holds 32 bits", () => {
    assert.deepStrictEqual(refusal(0x83, 0x08, 0x1b, 0, 0, 0, 1, 0, 0, 0, 0, 0xa0), {
      code: 200,
      detail: "second element is not a number",
      frameType: 8
    })
  })
})
