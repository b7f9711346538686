import { assert, describe, it } from "@effect/vitest"
import { Effect, Result, Schema } from "effect"
import { compileWasm } from "../../../src/events/condition/Wasm.ts"
import { bindText } from "../../../src/protocol/condition/Bind.ts"
import { encodeInput } from "../../../src/protocol/condition/InputTable.ts"
import { twins } from "../../../src/protocol/condition/Source.ts"
import { memoryBytesMax, startWasm, WasmCondition } from "../../../src/protocol/condition/WasmCondition.ts"
import { TooLarge } from "../../../src/protocol/Errors.ts"

declare const WebAssembly: {
  readonly Module: {
    new (bytes: Uint8Array): object
    readonly imports: (module: object) => ReadonlyArray<object>
    readonly exports: (module: object) => ReadonlyArray<{ readonly name: string; readonly kind: string }>
  }
}

const compiled = (text: string) => compileWasm(Result.getOrThrow(bindText(text, twins)))

describe("the module of a condition", () => {
  it.effect("takes no more than 400 bytes for two comparisons", () =>
    Effect.gen(function* () {
      const { module, fields } = yield* compiled("reported.temp > 90 and cpu > 0.8")
      assert.isAtMost(module.length, 400)
      assert.deepStrictEqual(fields, [
        ["reported", "temp"],
        ["reported", "cpu"]
      ])
    })
  )

  it.effect("imports nothing, and exports memory and eval", () =>
    Effect.gen(function* () {
      const { module } = yield* compiled("name matches '^a+$' and errors has 1 and name < 'x'")
      const loaded = new WebAssembly.Module(module)
      assert.deepStrictEqual(WebAssembly.Module.imports(loaded), [])
      assert.sameDeepMembers(
        [...WebAssembly.Module.exports(loaded)],
        [
          { name: "memory", kind: "memory" },
          { name: "eval", kind: "function" }
        ]
      )
    })
  )

  it.effect("travels as JSON and decides as before", () =>
    Effect.gen(function* () {
      const condition = yield* compiled("name == 'päckchen 😀' or temp in [1, 2]")
      const codec = Schema.toCodecJson(WasmCondition)
      const json: unknown = JSON.parse(JSON.stringify(Schema.encodeSync(codec)(condition)))
      const decide = startWasm(Schema.decodeUnknownSync(codec)(json))
      assert.deepStrictEqual(decide({ reported: { name: "päckchen 😀" } }), Result.succeed(true))
      assert.deepStrictEqual(decide({ reported: { temp: 2 } }), Result.succeed(true))
      assert.deepStrictEqual(decide({ reported: { temp: 3, name: "päckchen" } }), Result.succeed(false))
      assert.deepStrictEqual(decide({}), Result.succeed(false))
    })
  )

  it.effect("forgets the values of the document before", () =>
    Effect.gen(function* () {
      const decide = startWasm(yield* compiled("name matches '(a|b)*c$' or b == 1"))
      const answers = [{ name: "abac", b: 2 }, { name: "abad" }, { b: 1 }, {}, { name: "c" }].map((reported) =>
        Result.getOrThrow(decide({ reported }))
      )
      assert.deepStrictEqual(answers, [true, false, true, false, true])
    })
  )

  it.effect("grows its memory for a document, and refuses one that is too large", () =>
    Effect.gen(function* () {
      const condition = yield* compiled("name contains 'needle'")
      const decide = startWasm(condition)
      const ofBytes = (count: number) => ({ reported: { name: `${"x".repeat(count - 6)}needle` } })
      assert.deepStrictEqual(decide(ofBytes(1000)), Result.succeed(true))
      assert.deepStrictEqual(decide(ofBytes(100_000)), Result.succeed(true))
      const most = memoryBytesMax - condition.inputAt - 11
      assert.deepStrictEqual(decide(ofBytes(most)), Result.succeed(true))
      const refused = decide(ofBytes(most + 1))
      assert.isTrue(Result.isFailure(refused))
      if (Result.isFailure(refused)) assert.instanceOf(refused.failure, TooLarge)
      assert.deepStrictEqual(decide(ofBytes(1000)), Result.succeed(true))
    })
  )

  it.effect("is refused when its texts and patterns make it too large for a board", () =>
    Effect.gen(function* () {
      const long = (at: number) => `a == "${String(at).padStart(4000, "x")}"`
      const tooLong = yield* Effect.flip(compiled(Array.from({ length: 16 }, (_, at) => long(at)).join(" or ")))
      assert.instanceOf(tooLong, TooLarge)
      const modules = yield* compiled(Array.from({ length: 7 }, (_, at) => long(at)).join(" or "))
      assert.isBelow(modules.module.length, 32_768)
      const tooMany = Array.from({ length: 10 }, (_, at) => long(at)).join(" or ")
      assert.instanceOf(yield* Effect.flip(compiled(tooMany)), TooLarge)
    })
  )

  it.effect("decides the largest expression", () =>
    Effect.gen(function* () {
      const decide = startWasm(yield* compiled('name matches "^[a-z]{120}[0-9]{120}$"'))
      const name = `${"q".repeat(120)}${"7".repeat(120)}`
      assert.deepStrictEqual(decide({ reported: { name } }), Result.succeed(true))
      assert.deepStrictEqual(decide({ reported: { name: name.slice(1) } }), Result.succeed(false))
      assert.deepStrictEqual(decide({ reported: { name: `${name}7` } }), Result.succeed(false))
    })
  )
})

describe("the table of values", () => {
  it("is what a board writes", () => {
    const { bytes, tableBytes } = encodeInput(
      [
        ["reported", "temp"],
        ["reported", "gone"],
        ["reported", "led"],
        ["reported", "list"],
        ["reported", "on"]
      ],
      { reported: { temp: 21.5, led: "on", list: [1, "é"], on: true } }
    )
    const hex = Buffer.from(bytes).toString("hex")
    assert.strictEqual(tableBytes, 44)
    assert.strictEqual(
      hex,
      [
        "0000" + "02" + "0000000000803540", // field 0, number, 21.5
        "0200" + "03" + "2c000000" + "02000000", // field 2, text at 44, 2 bytes
        "0300" + "04" + "30000000" + "02000000", // field 3, list at 48, 2 elements
        "0400" + "01" + "0100000000000000", // field 4, boolean, true
        "6f6e", // on
        "c3a9", // é
        "0000" + "02" + "000000000000f03f", // 1
        "0000" + "03" + "2e000000" + "02000000" // text at 46, 2 bytes
      ].join("")
    )
  })

  it("leaves out numbers that are not finite, and keeps their place in a list", () => {
    const { bytes, tableBytes } = encodeInput([["a"], ["b"]], { a: Number.NaN, b: [Number.NaN] })
    assert.strictEqual(tableBytes, 11)
    assert.strictEqual(bytes[2], 4)
    assert.strictEqual(bytes[13], 0)
  })
})
