import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { explained } from "../../src/cli/Details.ts"
import { writeHxe } from "../../src/protocol/hxe/HxeWriter.ts"
import { run } from "../support/Cli.ts"

const folder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "holon-image-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true }))
)

const decodeBuilt = Schema.decodeUnknownSync(
  Schema.Struct({ file: Schema.String, bytes: Schema.Int, sha256: Schema.String, name: Schema.NullOr(Schema.String) })
)

const decodeRun = Schema.decodeUnknownSync(Schema.Struct({ end: Schema.String, callMode: Schema.String }))

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
        [["build", "lamp.hxe"], "lamp.hxe: an image is built already; name sources, as lamp.mvasm"],
        [
          ["disasm", source],
          `${source} is not a sound image: it is too short for an HXE image; it was cut off, or is another kind of file (hxe_too_small)`
        ]
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

describe("holon image run", () => {
  /** Runs a source. */
  const runSource = (source: string, ...argv: ReadonlyArray<string>) =>
    Effect.gen(function* () {
      const path = yield* folder
      const text = join(path, "a.mvasm")
      const out = join(path, "a.hxe")
      writeFileSync(text, source)
      const built = yield* run(["image", "build", text, "-o", out])
      assert.isTrue(built.isSuccess, built.err)
      const ran = yield* run(["image", "run", out, ...argv])
      return { ...ran, err: ran.err.replaceAll(path, "") }
    })

  it.effect("prints what the program prints, its values and messages, and how it ended", () =>
    Effect.gen(function* () {
      const { out, err, isSuccess } = yield* runSource(
        [
          "LDI R0, 1500",
          "SVC EXEC_SLEEP_MS",
          "LDI32 R1, text",
          "LDI R2, 3",
          "SVC UART_WRITE",
          "LDI R1, 0x102",
          "LDI32 R2, f16(0.5)",
          "SVC VAL_SET",
          "LDI32 R1, box",
          "LDI R2, 0",
          "SVC MBX_OPEN",
          "LDI32 R2, text",
          "LDI R3, 3",
          "LDI R4, 0",
          "LDI R5, 0",
          "SVC MBX_SEND",
          "LDI R0, 0",
          "RET",
          ".data",
          'text: .ascii "hi\\n"',
          'box: .asciz "app:box"',
          '.value {"group":1,"id":2,"name":"half","group_name":"my"}',
          '.value {"group":1,"id":3,"init":7}',
          '.mailbox {"target":"app:box"}'
        ].join("\n")
      )
      assert.strictEqual(err, "")
      assert.isTrue(isSuccess)
      assert.strictEqual(
        out,
        "hi\napp:box: hi\nmy.half = 0.5\n1:3 = 7\nreturned 0 after 17 instructions, 1.5 s of its time\n"
      )
    })
  )

  it.effect("tells scripts everything as JSON", () =>
    Effect.gen(function* () {
      const { out } = yield* runSource("LDI R0, 0\nRET", "--json")
      assert.deepStrictEqual(JSON.parse(out), {
        end: "returned",
        exit: 0,
        trap: null,
        detail: null,
        pc: 4,
        retired: 1,
        millis: 0,
        callMode: "relative",
        stdout: "",
        stderr: "",
        values: {},
        messages: []
      })
    })
  )

  it.effect("fails when the program fails, and says why", () =>
    Effect.gen(function* () {
      const wrong: ReadonlyArray<readonly [source: string, argv: ReadonlyArray<string>, why: string]> = [
        ["LDI R0, -2\nRET", [], "ended with -2 after 1 instruction"],
        ["LDI R0, 3\nSVC TASK_EXIT", [], "ended with 3 after 2 instructions"],
        ["LDI R1, 0\nDIV R0, R1, R1", [], `trapped after 1 instruction: ${explained("division_by_zero:DIV at 0x04")}`],
        ["LDI R1, 0", [], `trapped after 1 instruction: ${explained("pc_out_of_range:0x04")}`],
        [".word 0", [], `trapped after 0 instructions: ${explained("illegal_opcode:word 00000000 at 0x00")}`],
        ["BRK 1\nRET", [], "stands at a BRK before 0x4, after 1 instruction"],
        ["a: JMP a", [], "still runs after 1000000 instructions; --max-steps says how many are enough"],
        ["RET", ["--send", "app:none=x"], "cannot run: there is no mailbox app:none"]
      ]
      for (const [source, argv, why] of wrong) {
        const { err, isSuccess } = yield* runSource(source, ...argv)
        assert.strictEqual(err, `holon: /a.hxe ${why}\n`)
        assert.isFalse(isSuccess)
      }
    })
  )

  it.effect("stops after the instructions it was told, and lets a program return that needs just as many", () =>
    Effect.gen(function* () {
      const endless = yield* runSource("a: JMP a", "--max-steps", "250")
      assert.isTrue(endless.isSuccess)
      assert.strictEqual(endless.out, "stopped after 250 instructions\n")
      const exact = yield* runSource("LDI R0, 0\nLDI R1, 1\nRET", "--max-steps", "2")
      assert.strictEqual(exact.out, "returned 0 after 2 instructions\n")
      const short = yield* runSource("LDI R0, 0\nLDI R1, 1\nRET", "--max-steps", "1")
      assert.strictEqual(short.out, "stopped after 1 instruction\n")
    })
  )

  it.effect("goes on printing to the standard streams, however little they hold", () =>
    Effect.gen(function* () {
      const { out, err } = yield* runSource(
        [
          "LDI R8, 20",
          "LDI R9, 1",
          "next: LDI32 R2, text",
          "LDI R1, 1",
          "LDI R3, 10",
          "SVC FS_WRITE",
          "LDI R1, 2",
          "LDI32 R2, text",
          "LDI R3, 5",
          "SVC FS_WRITE",
          "LDI R0, 1",
          "SVC EXEC_SLEEP_MS",
          "SUB R8, R8, R9",
          "JNZ next",
          "LDI R0, 0",
          "RET",
          ".data",
          'text: .ascii "0123456789"'
        ].join("\n"),
        "--json"
      )
      assert.deepInclude(JSON.parse(out), { stdout: "0123456789".repeat(20), stderr: "01234".repeat(20) })
      assert.strictEqual(err, "")
    })
  )

  it.effect("delivers mail, and ends when nobody sends any more", () =>
    Effect.gen(function* () {
      const path = yield* folder
      const out = join(path, "echo.hxe")
      yield* run(["image", "build", "examples/echo.mvasm", "-o", out])
      const ran = yield* run(["image", "run", out, "--send", "app:echo=ahoy"])
      assert.strictEqual(ran.out, "app:echo.reply: ahoy\necho.echoed = 1\nwaits for messages after 36 instructions\n")
    })
  )

  it.effect("reads calls of old images by address where that is told or plain", () =>
    Effect.gen(function* () {
      const path = yield* folder
      const file = join(path, "old.hxe")
      // CALL 0xC by its address; as a distance it would leave the code.
      const words = [0x2400_000c, 0x2500_0000, 0x2500_0000, 0x0100_0000, 0x2500_0000]
      const code = new Uint8Array(20)
      for (const [index, word] of words.entries()) new DataView(code.buffer).setUint32(4 * index, word)
      writeFileSync(file, writeHxe({ version: 1, entry: 0, code }))
      const endOf = (argv: ReadonlyArray<string>) =>
        Effect.map(run(["image", "run", file, "--json", ...argv]), ({ out }) => {
          const { end, callMode } = decodeRun(JSON.parse(out))
          return `${callMode} ${end}`
        })
      assert.strictEqual(yield* endOf([]), "absolute returned")
      assert.strictEqual(yield* endOf(["--call-mode", "absolute"]), "absolute returned")
      assert.strictEqual(yield* endOf(["--call-mode", "relative"]), "relative trap")
    })
  )
})
