import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Result, Schema } from "effect"
import { startWasm, WasmCondition } from "../../src/protocol/condition/WasmCondition.ts"
import { run } from "../support/Cli.ts"
import { tempFolder } from "../support/RunningNode.ts"

const text = "reported.temp > 90 and cpu > 80%"
const { fields: parts } = WasmCondition
const Said = Schema.fromJsonString(
  Schema.Struct({
    abi: parts.abi,
    file: Schema.String,
    bytes: Schema.Int,
    inputAt: parts.inputAt,
    fields: parts.fields
  })
)

describe("holon condition check", () => {
  it.live("says which fields a condition reads", () =>
    Effect.gen(function* () {
      const { out, isSuccess } = yield* run(["condition", "check", text])
      assert.isTrue(isSuccess)
      assert.strictEqual(out, "sound over twins; it reads 2 fields\n   0  reported.temp\n   1  reported.cpu\n")
      const over = yield* run([
        "condition",
        "check",
        "severity == 'error' and temp > 1",
        "--source",
        "events",
        "--json"
      ])
      assert.deepStrictEqual(JSON.parse(over.out), { source: "events", fields: [["severity"], ["data", "temp"]] })
    })
  )

  it.live("shows the place of what is wrong", () =>
    Effect.gen(function* () {
      for (const command of [["check"], ["compile", "--out", "/nowhere/hot.wasm"]]) {
        const { out, err, isSuccess } = yield* run(["condition", ...command, "temp > 90 adn cpu > 0.8"])
        assert.deepStrictEqual([out, isSuccess], ["", false])
        assert.strictEqual(
          err,
          "holon: line 1, column 11: an operator should stand here, not `adn`; did you mean and?\n  temp > 90 adn cpu > 0.8\n            ^\n"
        )
      }
      assert.match((yield* run(["condition", "check", "temp > $limit"])).err, /no value was given for \$limit/)
    })
  )
})

describe("holon condition compile", () => {
  it.live("writes a module that decides as the condition does, with what its host must know", () =>
    Effect.gen(function* () {
      const file = join(yield* tempFolder, "hot.wasm")
      const { out, err } = yield* run(["condition", "compile", text, "--out", file, "--json"])
      assert.strictEqual(err, "")
      const said = yield* Schema.decodeUnknownEffect(Said)(out)
      const module = new Uint8Array(readFileSync(file))
      assert.deepStrictEqual([said.bytes, said.file], [module.length, file])
      const decide = startWasm({ ...said, module })
      assert.deepStrictEqual(decide({ reported: { temp: 91, cpu: 0.9 } }), Result.succeed(true))
      assert.deepStrictEqual(decide({ reported: { temp: 91, cpu: 0.7 } }), Result.succeed(false))
      const spoken = yield* run(["condition", "compile", text, "-o", file])
      assert.strictEqual(
        spoken.out,
        `${file}: ${module.length} bytes, condition/1 over twins; the host's memory begins at ${said.inputAt}\n   0  reported.temp\n   1  reported.cpu\n`
      )
    }).pipe(Effect.scoped)
  )

  it.live("has the value of a parameter in the module", () =>
    Effect.gen(function* () {
      const file = join(yield* tempFolder, "hot.wasm")
      const { out } = yield* run([
        "condition",
        "compile",
        "temp > $limit",
        "--parameter",
        "limit=60",
        "-o",
        file,
        "--json"
      ])
      const decide = startWasm({ ...Schema.decodeUnknownSync(Said)(out), module: new Uint8Array(readFileSync(file)) })
      assert.deepStrictEqual(
        [59, 61].map((temp) => decide({ reported: { temp } })),
        [Result.succeed(false), Result.succeed(true)]
      )
    }).pipe(Effect.scoped)
  )

  it.live("refuses a module that no board would take, and a file that cannot be", () =>
    Effect.gen(function* () {
      const file = join(yield* tempFolder, "large.wasm")
      const texts = Array.from({ length: 20 }, (_, index) => `name == "${index}${"x".repeat(2000)}"`).join(" or ")
      const large = yield* run(["condition", "compile", texts, "-o", file])
      assert.match(large.err, /^holon: the module would need \d+ bytes, and \d+ are the limit; use fewer texts/)
      assert.isFalse(existsSync(file))
      const lost = yield* run(["condition", "compile", text, "-o", join(file, "hot.wasm")])
      assert.match(lost.err, /hot\.wasm cannot be written \(there is no such folder\); name another file with --out\n$/)
    }).pipe(Effect.scoped)
  )
})
