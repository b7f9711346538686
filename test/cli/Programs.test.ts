import { createHash } from "node:crypto"
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, layer } from "@effect/vitest"
import { Effect, Fiber, Result, Schema } from "effect"
import { stopped } from "../../devices/agent/Board.ts"
import { transportFor } from "../../devices/agent/Connect.ts"
import { realClock } from "../../devices/agent/RealTime.ts"
import { NvStore } from "../../devices/nv/NvStore.ts"
import { simulatedMemories } from "../../devices/programs/BoardPrograms.ts"
import { trustsAll } from "../../devices/programs/ImageChecks.ts"
import { plainBody } from "../../devices/simulated/PlainBoard.ts"
import { SimulatedBoard } from "../../devices/simulated/SimulatedBoard.ts"
import { writeHxe } from "../../src/protocol/hxe/HxeWriter.ts"
import { atTerminal, run, Typist } from "../support/Cli.ts"
import { good, holon } from "../support/NodeCommands.ts"
import { RunningNode, tempFolder, until } from "../support/RunningNode.ts"

const examples = join(import.meta.dirname, "../../examples")
/** A trial is over after a second. */
const confirm = 1000
/** LDI R0, 0 and RET: it returns at once, and well. */
const ret = [0x01, 0, 0, 0, 0x25, 0, 0, 0]

/** A program whose code is followed by bytes that only a byte-wise comparison tells apart. */
const longImage = (): Uint8Array => {
  const code = Uint8Array.from({ length: 60_000 }, (_, at) => ret[at] ?? (at * 7 + (at >> 8)) & 255)
  return writeHxe({ version: 2, appName: "long", entry: 0, code, rodata: new Uint8Array(0) })
}

const decodeShown = Schema.decodeUnknownSync(
  Schema.Struct({
    declared: Schema.Struct({
      values: Schema.Array(Schema.Struct({ name: Schema.String, number: Schema.Int })),
      commands: Schema.Array(Schema.Struct({ name: Schema.String, id: Schema.String })),
      mailboxes: Schema.Array(Schema.Struct({ name: Schema.String, capacity: Schema.Int }))
    })
  })
)

layer(RunningNode.layer({ boards: 2 }), { timeout: "90 seconds", excludeTestServices: true })("holon", (it) => {
  const bad = (...argv: ReadonlyArray<string>) =>
    Effect.map(holon(...argv), (ran) => {
      assert.isFalse(ran.isSuccess, argv.join(" "))
      assert.strictEqual(ran.out, "")
      return ran.err
    })

  /** Builds examples and pushes them, with a short trial. */
  const pushed = (...names: ReadonlyArray<string>) =>
    Effect.gen(function* () {
      const folder = yield* tempFolder
      const manifest = join(folder, "manifest.json")
      writeFileSync(manifest, JSON.stringify({ confirm, version: "1.0.0" }))
      for (const name of names) {
        const file = join(folder, `${name}.hxe`)
        const ran = yield* run(["image", "build", join(examples, `${name}.mvasm`), "--out", file])
        assert.isTrue(ran.isSuccess, ran.err)
        yield* good("image", "push", file, "--manifest", manifest)
      }
    })

  it.effect("sends a message to a program, and shows the answer to who taps the mailbox, once", () =>
    Effect.gen(function* () {
      yield* pushed("echo")
      yield* good("provision", "heater-1", "echo")
      const { url, data } = yield* RunningNode
      const told: Array<string> = []
      const tap = yield* Effect.forkChild(
        run(["program", "tap", "heater-1", "echo", "app:echo.reply", "--url", url, "--data", data], undefined, (line) =>
          told.push(line)
        )
      )
      const orders = good("program", "show", "heater-1", "echo", "--json")
      yield* until(orders, (text) => text.includes('"tap app:echo.reply"') && !text.includes('"sent"'))
      const texts = ["hello", "once more", "grüße", "once more"]
      for (const text of texts)
        assert.strictEqual(
          yield* good("program", "send", "heater-1", "echo", "app:echo", text),
          `${Buffer.byteLength(text)} bytes are in app:echo\n`
        )
      yield* until(
        Effect.sync(() => told.length),
        (count) => count >= texts.length
      )
      assert.strictEqual(yield* good("value", "get", "heater-1", "echo", "echoed"), "VALUE   IS\nechoed  4\n")
      yield* Fiber.interrupt(tap)
      assert.deepStrictEqual(told, texts)
      yield* until(orders, (text) => text.includes('"no longer tap app:echo.reply"'))
    })
  )

  it.effect("shows what a program offers to others: values, commands and mailboxes", () =>
    Effect.gen(function* () {
      yield* pushed("thermostat")
      yield* good("provision", "heater-2", "thermostat")
      const shown = yield* good("program", "show", "heater-2", "thermostat")
      assert.match(shown, /^thermostat on heater-2: (running|waiting) for \d+ s\nversion 1\.0\.0, image [0-9a-f]+\n/)
      assert.match(shown, /^target +257 +degC +public persist/m)
      assert.match(shown, /^level +258 +degC/m)
      assert.match(shown, /^boost +1:1 +\w+ +raises the target by one degree$/m)
      assert.match(shown, /^app:heater +96 +read write fanout drop$/m)
      const { declared } = decodeShown(JSON.parse(yield* good("program", "show", "heater-2", "thermostat", "--json")))
      assert.deepStrictEqual(
        declared.values.map(({ name, number }) => [name, number]),
        [
          ["target", 257],
          ["level", 258],
          ["heater", 259]
        ]
      )
      assert.deepStrictEqual(
        declared.commands.map(({ name, id }) => [name, id]),
        [["boost", "1:1"]]
      )
    })
  )

  it.effect("brings two programs to one board that pass messages to each other", () =>
    Effect.gen(function* () {
      yield* pushed("sender", "receiver")
      yield* good("provision", "heater-2", "receiver")
      yield* good("provision", "heater-2", "sender", "--no-trial")
      const shown = good("program", "show", "heater-2", "receiver")
      const text = yield* until(shown, (found) => /\| tick 1/.test(found))
      assert.match(text, /\| tick 0\n\| tick 1/)
      yield* until(good("value", "get", "heater-2", "receiver", "received", "--json"), (found) => {
        const [[, count]] = JSON.parse(found).value
        return count >= 2
      })
      // The receiver waits for ever; with the sender gone nothing more comes, and it still waits.
      yield* good("program", "remove", "heater-2", "sender")
      assert.match(yield* shown, /^receiver on heater-2: waiting/)
    })
  )

  it.effect("brings an image to a board over WebSocket, where it rests byte for byte", () =>
    Effect.gen(function* () {
      const { url } = yield* RunningNode
      const clock = yield* realClock
      const body = plainBody()
      const transport = transportFor({ url: `${url.replace("http", "ws")}/attach` }, body.profile)
      assert.isDefined(transport)
      if (transport === undefined) return
      const memories = simulatedMemories()
      const report = (what: string, cause: unknown): void => assert.fail(`${what}: ${String(cause)}`)
      let boots = 0
      yield* Effect.acquireRelease(
        Effect.sync(() => {
          const board = new SimulatedBoard(
            { id: "socket-1", seed: 1, body, nextBoot: () => ++boots, programs: { memories, trust: trustsAll } },
            { clock, transport, report }
          )
          board.start()
          return board
        }),
        stopped
      )
      const bytes = longImage()
      const file = join(yield* tempFolder, "long.hxe")
      writeFileSync(file, bytes)
      yield* good("image", "push", file)
      yield* until(holon("devices", "show", "socket-1"), ({ out }) => out.startsWith("socket-1: online"))
      yield* good("provision", "socket-1", "long", "--no-trial")
      const kept = Result.getOrThrow(Result.getOrThrow(NvStore.mount({ devices: memories.open() })).image("long")).bytes
      const hash = (of: Uint8Array) => createHash("sha256").update(of).digest("hex")
      assert.strictEqual(hash(kept), hash(readFileSync(file)))
      assert.deepStrictEqual(kept, bytes)
    }).pipe(Effect.scoped)
  )

  it.effect("refuses to bring a board an image of a kind that it does not run, in one line that names both", () =>
    Effect.gen(function* () {
      const folder = yield* tempFolder
      const kinds: ReadonlyArray<readonly [kind: string, bytes: Uint8Array]> = [
        ["firmware", new TextEncoder().encode("not a program")],
        ["wasm", Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0)],
        ["scheme", new TextEncoder().encode("(display 1)")]
      ]
      for (const [kind, bytes] of kinds) {
        const file = join(folder, `${kind}.bin`)
        writeFileSync(file, bytes)
        yield* good("image", "push", file, "--kind", kind, "--name", `a-${kind}`, "--version", "1.0.0")
        const err = yield* bad("provision", "heater-1", `a-${kind}`)
        assert.strictEqual(
          err,
          `holon: a-${kind} on heater-1: the board takes no images of the kind ${kind} (kind:${kind}, ENOTSUP, 95)\n`
        )
      }
    }).pipe(Effect.scoped)
  )

  it.effect(
    "is talked to in the REPL: programs, sessions and rollouts, each completed and refused as a device is",
    () =>
      Effect.gen(function* () {
        yield* pushed("hello")
        yield* good("provision", "heater-1", "hello", "--no-start")
        yield* good("rollout", "start", "hello", "heater-2", "--detach")
        const { url, data } = yield* RunningNode
        const typist = new Typist()
        const running = yield* Effect.forkChild(atTerminal(typist, ["repl", "--url", url, "--data", data]))
        yield* typist.type("", "holon> ")
        yield* typist.type("prog\t", 'program("')
        yield* typist.type("heater-1:hel\t", 'lo").')
        yield* typist.type("Con\t", "Control(")
        yield* typist.type("{ a\t", "act: ")
        yield* typist.type('"dance" })\r', "Control.act: ")
        const wrong: ReadonlyArray<readonly [line: string, sentence: string]> = [
          ['program("heater-1:nobody").Control("stop")', "there is no program heater-1:nobody"],
          ['session("s").Provision({ device: "heater-1" })', "Provision.sha256: "],
          ['session("nobody").Abort()', "there is no session nobody"],
          ['rollout("nobody").Pause()', "there is no rollout nobody"],
          ['rollout("r").Start({ sha256: "00", devices: [] })', "Start."],
          ['rollout("r").Strat()', "did you mean Start?"]
        ]
        for (const [line, sentence] of wrong) yield* typist.type(`\u0015${line}\r`, sentence)
        yield* typist.type('\u0015program("heater-1:hello").Control("start")\r', "what: \u001b[32m'start'")
        yield* typist.type('\u0015watch rollout("\t', '").')
        yield* typist.type("\u0015\u0004", "")
        yield* Fiber.join(running)
      }).pipe(Effect.scoped)
  )
})
