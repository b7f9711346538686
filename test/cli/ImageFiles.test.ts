import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { run } from "../support/Cli.ts"

const folder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "holon-image-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true }))
)

const decodeBuilt = Schema.decodeUnknownSync(
  Schema.Struct({ file: Schema.String, bytes: Schema.Int, sha256: Schema.String, name: Schema.NullOr(Schema.String) })
)

describe("holon image build", () => {
  it.effect("writes the image of several sources, and says what is in it", () =>
    Effect.gen(function* () {
      const path = yield* folder
      const out = join(path, "pair.hxe")
      writeFileSync(join(path, "main.mvasm"), ".import seven\nCALL seven\nRET\n")
      writeFileSync(join(path, "seven.mvasm"), '.export seven\n.include "inner/text"\nseven: LDI R0, 7\nRET\n')
      yield* Effect.sync(() => writeFileSync(join(path, "text"), ""))
      const missing = yield* run(["image", "build", join(path, "main.mvasm"), join(path, "seven.mvasm"), "-o", out])
      assert.isFalse(missing.isSuccess)
      assert.include(missing.err, "seven.mvasm:2:1: there is no file inner/text to include")
      assert.isFalse(existsSync(out))

      writeFileSync(join(path, "seven.mvasm"), '.export seven\n.include "text"\nseven: LDI R0, 7\nRET\n')
      const built = yield* run(["image", "build", join(path, "main.mvasm"), join(path, "seven.mvasm"), "-o", out])
      assert.isTrue(built.isSuccess, built.err)
      assert.match(
        built.out,
        /pair\.hxe: 112 bytes \(code 16, data 0\), 0 values, 0 commands, 0 mailboxes\nsha256 [0-9a-f]{64}\n$/
      )
      assert.strictEqual(readFileSync(out).subarray(0x20, 0x24).toString(), "pair")
    })
  )

  it.effect("names the program and forbids a second instance when it is told so", () =>
    Effect.gen(function* () {
      const path = yield* folder
      const source = join(path, "min.mvasm")
      const out = join(path, "out.hxe")
      writeFileSync(source, "LDI R0, 42\nRET\n")
      const built = yield* run([
        "image",
        "build",
        source,
        "--out",
        out,
        "--name",
        "gold_min",
        "--single-instance",
        "--json"
      ])
      const { name, bytes, sha256 } = decodeBuilt(JSON.parse(built.out))
      assert.deepStrictEqual({ name, bytes }, { name: "gold_min", bytes: 104 })
      assert.match(sha256, /^[0-9a-f]{64}$/)
      assert.strictEqual(readFileSync(out).readUInt32BE(0x1c), 0x91b1_7a7e)
    })
  )

  it.effect("prints every fault with its place, fails, and writes nothing", () =>
    Effect.gen(function* () {
      const path = yield* folder
      const source = join(path, "bad.mvasm")
      const out = join(path, "bad.hxe")
      writeFileSync(source, "RTE\nLDI R1, 5000\n")
      const { err, isSuccess } = yield* run(["image", "build", source, "-o", out])
      assert.isFalse(isSuccess)
      assert.deepStrictEqual(err.trimEnd().split("\n"), [
        `${source}:1:1: there is no instruction RTE; did you mean RET?`,
        `${source}:2:9: 5000 is not between -2048 and 2047; LDI32 takes any number of 32 bits`,
        "holon: 2 faults; no image was written"
      ])
      assert.isFalse(existsSync(out))
      const told: unknown = JSON.parse((yield* run(["image", "build", source, "-o", out, "--json"])).out)
      assert.deepNestedInclude(told, { "faults[0].line": 1, "faults[1].column": 9 })
    })
  )

  it.effect("says what is wrong with a file", () =>
    Effect.gen(function* () {
      const path = yield* folder
      const source = join(path, "a.mvasm")
      writeFileSync(source, "RET\n")
      const wrong: ReadonlyArray<readonly [argv: ReadonlyArray<string>, sentence: string]> = [
        [["build", join(path, "none.mvasm")], `${join(path, "none.mvasm")}: there is no such file`],
        [["build", source, "-o", path], `${path}: is a folder`],
        [["build", source, "-o", source], `${source} is a source; name another file with --out`],
        [["disasm", source], `${source} is not a sound image: hxe_too_small`]
      ]
      for (const [argv, sentence] of wrong) {
        const { err, isSuccess } = yield* run(["image", ...argv])
        assert.isFalse(isSuccess)
        assert.strictEqual(err, `holon: ${sentence}\n`)
      }
      assert.strictEqual(readFileSync(source, "utf8"), "RET\n")
    })
  )
})

describe("holon image disasm", () => {
  it.effect("gives a source that builds the same image", () =>
    Effect.gen(function* () {
      const path = yield* folder
      const first = join(path, "blink.hxe")
      yield* run(["image", "build", "examples/blink.mvasm", "-o", first])
      const { out } = yield* run(["image", "disasm", first])
      assert.match(out, /^; "blink": HXE version 2, /)
      assert.match(out, /^ +SVC EXEC_SLEEP_MS +; [0-9A-F]{4} {2}30000600$/m)
      const source = join(path, "again.mvasm")
      const again = join(path, "again.hxe")
      writeFileSync(source, out)
      const built = yield* run(["image", "build", source, "-o", again, "--name", "blink"])
      assert.isTrue(built.isSuccess, built.err)
      assert.deepStrictEqual(readFileSync(again), readFileSync(first))
      assert.notMatch((yield* run(["image", "disasm", first, "--plain"])).out, /30000600/)
      const told: unknown = JSON.parse((yield* run(["image", "disasm", first, "--json"])).out)
      assert.deepNestedInclude(told, { "header.appName": "blink", "metadata.commands[0].name": "reset" })
    })
  )
})
