import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import { decodeUp, encodeUp } from "../../src/protocol/FrameCodec.ts"
import {
  depthMax,
  entriesMax,
  isTwinMap,
  keyBytesMax,
  refuseTwinMap,
  refuseTwinPatch,
  refuseTwinValue,
  TwinMapSchema,
  TwinPatchSchema,
  textBytesMax
} from "../../src/protocol/TwinSchema.ts"
import { twinMap, twinPatch } from "./Frames.ts"

const nested = (levels: number): unknown => (levels === 0 ? 1 : { a: nested(levels - 1) })
const listed = (levels: number): unknown => (levels === 0 ? 1 : [listed(levels - 1)])
const entries = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, index) => [`k${index}`, 1]))

const refusals: ReadonlyArray<
  readonly [name: string, value: unknown, code: number, path: ReadonlyArray<string | number>]
> = [
  ["null outside a patch", { a: { b: null } }, 211, ["a", "b"]],
  ["bytes", { a: Uint8Array.of(1) }, 211, ["a"]],
  ["undefined", { a: undefined }, 211, ["a"]],
  ["a function", { a: () => 1 }, 211, ["a"]],
  ["a date", { a: new Date(0) }, 211, ["a"]],
  ["NaN", { a: Number.NaN }, 211, ["a"]],
  ["infinity", { a: [Number.POSITIVE_INFINITY] }, 211, ["a", 0]],
  ["a whole number beyond 2^53-1", { a: 2 ** 53 }, 211, ["a"]],
  ["text with NUL", { a: "x\u0000" }, 211, ["a"]],
  ["a lone surrogate", { a: "\udc00" }, 211, ["a"]],
  ["a lone surrogate in a key", { "\udc00": 1 }, 211, ["\udc00"]],
  ["an empty key", { "": 1 }, 211, [""]],
  ["a control character in a key", { "a\u0085": 1 }, 211, ["a\u0085"]],
  ["a key of 65 bytes", { ["é".repeat(33)]: 1 }, 211, ["é".repeat(33)]],
  ["__proto__", JSON.parse('{"__proto__":1}'), 211, ["__proto__"]],
  ["long text", { a: "é".repeat(textBytesMax / 2 + 1) }, 90, ["a"]],
  ["a long list", { a: Array.from({ length: entriesMax + 1 }, () => 0) }, 90, ["a"]],
  ["a wide map", { a: entries(entriesMax + 1) }, 90, ["a"]],
  ["nine levels of maps", nested(depthMax + 1), 210, Array.from({ length: depthMax }, () => "a")],
  ["nine levels of lists", { a: listed(depthMax) }, 210, ["a", ...Array.from({ length: depthMax - 1 }, () => 0)]],
  ["a list", [1], 211, []]
]

describe("a twin map", () => {
  for (const [name, value, code, path] of refusals)
    it(`refuses ${name} with ${code}, naming its path`, () => {
      const refusal = refuseTwinMap(value)
      assert.strictEqual(refusal?.code, code)
      assert.deepStrictEqual(refusal?.path, path)
      assert.isFalse(isTwinMap(value))
      const decoded = Schema.decodeUnknownResult(TwinMapSchema)(value)
      assert.isTrue(Result.isFailure(decoded))
    })

  it("takes what is just inside the limits", () => {
    for (const value of [
      {},
      nested(depthMax),
      { a: listed(depthMax - 1) },
      entries(entriesMax),
      { a: "é".repeat(textBytesMax / 2) },
      { ["é".repeat(keyBytesMax / 2)]: -0 },
      { a: Number.MAX_SAFE_INTEGER, b: -Number.MAX_SAFE_INTEGER, c: 5e-324, d: [], e: {} },
      { constructor: 1, toString: 2 }
    ])
      assert.isUndefined(refuseTwinMap(value))
  })

  it("takes null in a patch, never in a list", () => {
    assert.isUndefined(refuseTwinPatch({ a: null, b: { c: null } }))
    assert.deepInclude(refuseTwinPatch({ a: [{ b: null }] }), { code: 211, path: ["a", 0, "b"] })
    assert.deepInclude(refuseTwinValue(null), { code: 211, path: [] })
  })

  it.prop("passes the doors and the link alike", { state: twinMap, patch: twinPatch }, ({ state, patch }) => {
    assert.isUndefined(refuseTwinMap(state))
    assert.isUndefined(refuseTwinPatch(patch))
    const report = { type: "report", seq: 1, state: patch, samples: [{ dt: 0, values: state }] } as const
    assert.deepStrictEqual(decodeUp(encodeUp(report), 262_144), Result.succeed(report))
    const json = Schema.toCodecJson(TwinPatchSchema)
    const text = JSON.stringify(Schema.encodeSync(json)(patch))
    assert.deepStrictEqual(Schema.decodeUnknownSync(json)(JSON.parse(text)), patch)
  })

  /** What can be written down in CBOR and is refused at the doors is refused on the link, with the same code. */
  for (const [name, value, code] of refusals) {
    const isSayable = !["bytes", "undefined", "a function", "a date", "NaN", "infinity", "a list"].includes(name)
    if (!isSayable || name.includes("surrogate")) continue
    it(`refuses ${name} on the link too`, () => {
      const body = new Map<number, unknown>([
        [2, "a"],
        [3, asMap(value)]
      ])
      const bytes = encodeUp({ type: "private", seq: 1, number: 128, body })
      // The same body under the number of an event.
      const frame = Uint8Array.from([0x83, 0x0f, 0x01, ...bytes.subarray(4)])
      const decoded = decodeUp(frame, 262_144)
      assert.strictEqual(Result.isFailure(decoded) ? decoded.failure.code : 0, code)
    })
  }
})

/** Private frames write maps as `Map`, whose keys may be anything. */
const asMap = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(asMap)
  if (typeof value !== "object" || value === null) return value
  return new Map(Object.entries(value).map(([key, inner]) => [key, asMap(inner)]))
}
