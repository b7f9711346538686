import { readFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { build } from "../../../devices/hxe/assembler/Build.ts"
import { type BudgetProfile, budgetProfiles } from "../../../devices/hxe/executive/BudgetProfile.ts"
import { HxeRuntime } from "../../../devices/programs/HxeRuntime.ts"
import { type BoardTrust, trustsAll } from "../../../devices/programs/ImageChecks.ts"
import { readHxe } from "../../../src/protocol/hxe/HxeReader.ts"
import { signHxe } from "../../../src/protocol/hxe/Signature.ts"
import type { Manifest } from "../../../src/protocol/image/Manifest.ts"
import { newKeyPair, rawPublicKey, readPrivateKey } from "../../../src/protocol/image/SigningKey.ts"
import { Bench, chunkBytes, manifestOf, sha256 } from "./Bench.ts"

const examples = new URL("../../../examples/", import.meta.url)

const assembled = (text: string, appName: string, requiredCaps = 0): Uint8Array =>
  Result.getOrThrow(
    build(
      [{ file: `${appName}.mvasm`, text }],
      (path) => {
        const found = readFileSync(new URL(path, examples), "utf8")
        return { file: path, text: found }
      },
      { name: appName, requiredCaps }
    )
  )

const example = (name: string): Uint8Array => assembled(readFileSync(new URL(`${name}.mvasm`, examples), "utf8"), name)

const blink = example("blink")

const benchOf = (trust: BoardTrust = trustsAll, profile: BudgetProfile = budgetProfiles.desktop) =>
  new Bench({
    trust,
    runtime: (time, events, shelf) =>
      new HxeRuntime({ now: () => time.now, events, trust, imageBytesMax: 262_144, store: shelf.values, profile })
  })

const committed = { flags: 1 | 2 | 4 }

const install = (bench: Bench, image: Uint8Array, name: string, manifest: Partial<Manifest> = {}, fields = {}) =>
  bench.install(image, { name, ...manifest }, { ...committed, ...fields })

const value = (bench: Bench, id: string, program: string): unknown => {
  const answer = bench.ask({ type: "value-get", program, ids: [id] })?.value
  return Array.isArray(answer) ? answer[0] : answer
}

let commands = 0
const invoke = (bench: Bench, name: string, program: string) => {
  const id = `018f3a6e-4c00-7abc-8def-${(++commands).toString(16).padStart(12, "0")}`
  bench.say({ type: "invoke", id, name, ttl: 10_000, program })
  return bench.of("result").find((result) => result.id === id)
}

describe("an HXE program that comes over the link", () => {
  it("runs in the board's time, waits without being told of, and shows its values", () => {
    const bench = benchOf()
    assert.strictEqual(install(bench, blink, "blink").state, 7)
    bench.advance(10_500)
    assert.deepStrictEqual(value(bench, "blinks", "blink"), ["blinks", 5, 0])
    assert.deepInclude(bench.told().blink, { state: 5, sha256: sha256(blink) })
    assert.isAtMost(bench.of("program-status").length, 2)
  })

  it("is called by its command's name and by its number", () => {
    const bench = benchOf()
    install(bench, blink, "blink")
    bench.advance(5500)
    assert.deepInclude(invoke(bench, "reset", "blink"), { code: 0, value: 0 })
    assert.deepStrictEqual(value(bench, "blink.blinks", "blink"), ["blink.blinks", 0, 0])
    assert.deepInclude(invoke(bench, "1:1", "blink"), { code: 0, value: 0 })
    assert.strictEqual(invoke(bench, "dance", "blink")?.code, 2)
  })

  it("keeps what it persists over a loss of power, a stop and its own restart", () => {
    const bench = benchOf()
    install(bench, blink, "blink")
    bench.advance(5500)
    bench.control(6, "blink")
    assert.deepStrictEqual(value(bench, "blinks", "blink"), ["blinks", 3, 0])
    bench.advance(2500)
    bench.restart()
    assert.deepStrictEqual(value(bench, "blinks", "blink"), ["blinks", 4, 0])
    bench.advance(2500)
    bench.stop()
    const kept = value(bench, "blinks", "blink")
    assert.isTrue(Array.isArray(kept) && Number(kept[1]) >= 5)
  })

  it("begins with the values of its manifest, unless it has kept others", () => {
    const bench = benchOf()
    const thermostat = example("thermostat")
    install(bench, thermostat, "thermostat", { values: { target: 25 } })
    assert.deepStrictEqual(value(bench, "target", "thermostat"), ["target", 25, 0])
    bench.ask({ type: "value-set", program: "thermostat", id: "room.target", value: 21.5, level: 2 })
    bench.advance(500)
    install(bench, thermostat, "thermostat", { values: { target: 27 } })
    assert.deepStrictEqual(value(bench, "target", "thermostat"), ["target", 21.5, 0])
  })

  it("has its values watched, rounded to what a half can hold", () => {
    const bench = benchOf()
    install(bench, example("thermostat"), "thermostat")
    bench.ask({ type: "value-watch", program: "thermostat", id: "level", on: true, epsilon: 1, rate: 3000 })
    bench.advance(20_000)
    const levels = bench.of("value").flatMap(({ values }) => values.map((sample) => [sample.value, sample.at] as const))
    assert.deepStrictEqual(levels[0]?.[0], 18)
    assert.isAtLeast(levels.length, 3)
    for (const [index, [level, at]] of levels.entries()) {
      const before = levels[index - 1]
      if (before === undefined) continue
      assert.isAtLeast(Math.abs(Number(level) - Number(before[0])), 1)
      assert.isAtLeast(at - before[1], 3000)
    }
  })

  it("is written to and listened to", () => {
    const bench = benchOf()
    install(bench, example("echo"), "echo")
    bench.advance(50)
    assert.strictEqual(bench.ask({ type: "mail-tap", program: "echo", target: "app:echo.reply", on: true })?.code, 0)
    const data = new TextEncoder().encode("ahoy")
    assert.deepInclude(bench.ask({ type: "mail-send", program: "echo", target: "app:echo", data }), {
      code: 0,
      value: 4
    })
    bench.advance(50)
    assert.deepStrictEqual(
      bench.of("mail").map((mail) => [mail.program, mail.target, Buffer.from(mail.data).toString()]),
      [["echo", "app:echo.reply", "ahoy"]]
    )
    assert.strictEqual(bench.ask({ type: "mail-send", program: "echo", target: "app:none", data })?.code, 2)
    const large = new Uint8Array(300)
    assert.strictEqual(bench.ask({ type: "mail-send", program: "echo", target: "app:echo", data: large })?.code, 90)
  })

  it("says what it offers while it is loaded", () => {
    const bench = benchOf()
    install(bench, example("thermostat"), "thermostat")
    const ask = () => bench.ask({ type: "program-ctl", op: 9, program: "thermostat" })
    const own = { group: "room", level: 0 }
    assert.deepStrictEqual(ask()?.value, {
      values: [
        { ...own, number: 0x101, name: "target", flags: 2, unit: "degC" },
        { ...own, number: 0x102, name: "level", flags: 0, unit: "degC" },
        { ...own, number: 0x103, name: "heater", flags: 16 }
      ],
      commands: [{ ...own, number: 0x101, name: "boost", flags: 0, help: "raises the target by one degree" }],
      mailboxes: [{ name: "app:heater", capacity: 96, mode: 27 }]
    })
    bench.control(2, "thermostat")
    assert.strictEqual(ask()?.code, 16)
    assert.strictEqual(bench.control(9, "nobody"), 3)
  })

  it("prints to the log, and completes", () => {
    const bench = benchOf()
    install(bench, example("hello"), "hello")
    bench.advance(100)
    assert.deepStrictEqual(
      bench.of("log").map(({ text, program }) => [text, program]),
      [["hello from a board", "hello"]]
    )
    assert.deepInclude(bench.told().hello, { state: 8, exit: 0 })
  })

  it("may print for ever without filling anything up", () => {
    const bench = benchOf()
    const chatter = assembled(
      `.entry main
.text
main:
    LDI R0, 200
    SVC EXEC_SLEEP_MS
    LDI R1, 1
    LDI32 R2, line
    LDI R3, 79
    SVC FS_WRITE
    JMP main
.data
line:
    .ascii "a line that is rather longer than what a mailbox holds by itself, as lines are\\n"
`,
      "chatter"
    )
    install(bench, chatter, "chatter")
    bench.advance(30_000)
    assert.isAtLeast(bench.of("log").length, 140)
  })

  it("is stopped when it traps while it proves itself, and the one before runs on where it was", () => {
    const bench = benchOf()
    install(bench, blink, "blink")
    bench.advance(4500)
    const trap = assembled(readFileSync(new URL("trap.mvasm", examples), "utf8"), "blink")
    const { xfer = 0 } = bench.install(trap, { name: "blink", version: "2.0.0" })
    bench.advance(6000)
    assert.deepInclude(bench.of("image-status").at(-1), {
      xfer,
      state: 10,
      code: 220,
      detail: "division_by_zero:DIV at 0x10"
    })
    assert.deepInclude(bench.told().blink, { version: "1.0.0", sha256: sha256(blink) })
    assert.deepStrictEqual(value(bench, "blinks", "blink"), ["blinks", 3, 0])
    bench.restart()
    bench.advance(100)
    assert.deepInclude(bench.told().blink, { version: "1.0.0" })
  })

  it("is refused while it arrives when it is no HXE, and after it when its sum is wrong", () => {
    const bench = benchOf()
    install(bench, blink, "blink")
    bench.advance(3500)
    const noise = Uint8Array.from({ length: 400 }, (_, index) => index & 0xff)
    bench.send(noise, manifestOf(noise, { name: "noise" }))
    assert.deepInclude(bench.of("image-ack").at(-1), { state: 4, code: 74 })
    const torn = blink.slice()
    torn[120] = (torn[120] ?? 0) ^ 1
    assert.deepInclude(install(bench, torn, "blink"), { state: 4, code: 74, detail: "crc_mismatch" })
    assert.deepInclude(install(bench, blink, "other"), { state: 4, code: 74, detail: "name:blink" })
    bench.advance(2000)
    assert.deepStrictEqual(value(bench, "blinks", "blink"), ["blinks", 3, 0])
  })

  it("is refused by its header, before the rest of it has come, where the board lacks what it needs", () => {
    const bench = benchOf()
    const needsCan = assembled(readFileSync(new URL("blink.mvasm", examples), "utf8"), "blink", 8)
    bench.send(needsCan, manifestOf(needsCan, { name: "blink" }))
    const refused = bench.of("image-ack").find(({ state }) => state === 4)
    assert.deepInclude(refused, { code: 95, have: 128 })
    assert.isAbove(needsCan.length, 128)
  })

  it("is refused for a signature inside it that is not of a key of the board", () => {
    const pair = () => Result.getOrThrow(readPrivateKey(newKeyPair().privatePem))
    const [mine, strangers] = [pair(), pair()]
    const sign = (privateKey: typeof mine) => Result.getOrThrow(signHxe(blink, { privateKey, securityVersion: 0 }))
    const trust: BoardTrust = { policy: "none", signers: [{ key: rawPublicKey(mine) }] }
    assert.strictEqual(install(benchOf(trust), sign(mine), "blink").state, 7)
    assert.strictEqual(install(benchOf(trust), sign(strangers), "blink").state, 7)
    const broken = sign(mine)
    const at = broken.length - 1
    broken[at] = (broken[at] ?? 0) ^ 1
    assert.strictEqual(install(benchOf(trust), broken, "blink").state, 4)
  })

  it("runs beside another one of its kind, which keeps its own values to itself", () => {
    const bench = benchOf()
    install(bench, blink, "blink")
    install(bench, blink, "blink", {}, { instance: "second", flags: 1 | 2 })
    bench.advance(10_500)
    bench.restart()
    assert.deepStrictEqual(value(bench, "blinks", "second"), ["blinks", 0, 0])
    assert.deepStrictEqual(value(bench, "blinks", "blink"), ["blinks", 5, 0])
  })

  it("is refused where its manifest asks for more than the board has", () => {
    const bench = benchOf()
    const wants = (requires: Manifest["requires"]) => install(bench, blink, "blink", { ...(requires && { requires }) })
    assert.deepInclude(wants({ hxeCaps: 8 }), { state: 4, code: 95, detail: "caps:8" })
    assert.deepInclude(wants({ stack: 0xffff }), { state: 4, code: 28 })
    assert.strictEqual(wants({ hxeCaps: 3, stack: 512 }).state, 7)
  })

  it("answers a command with what its handler found", () => {
    const bench = benchOf()
    install(bench, example("thermostat"), "thermostat")
    assert.deepInclude(invoke(bench, "boost", "thermostat"), { code: 0, value: 21 })
  })

  it("uses only what its manifest asks for, where it asks", () => {
    const bench = benchOf()
    const mute = bench.install(example("hello"), { name: "hello", requires: { caps: [] } }, committed)
    assert.strictEqual(mute.state, 7)
    bench.advance(100)
    assert.deepStrictEqual(bench.of("log"), [])
    assert.strictEqual(bench.told().hello?.state, 8)
  })

  it("leaves the link its time, though it never waits", () => {
    const bench = benchOf()
    install(bench, assembled(".entry main\n.text\nmain:\n    JMP main\n", "spin"), "spin")
    bench.advance(1000)
    assert.strictEqual(bench.told().spin?.state, 4)
    assert.strictEqual(bench.control(2, "spin"), 0)
    bench.advance(50)
    assert.strictEqual(bench.told().spin?.state, 7)
  })
})

describe("room for an HXE program that is on its way", () => {
  const thermostat = example("thermostat")
  /** Code for the one, and not for another beside it. */
  const codeBytes = Result.getOrThrow(readHxe(thermostat)).header.codeLength + 4
  const start = 1
  const stop = 2
  const restart = 6
  const abort = 5
  const noRoom = 28

  /** A board for two programs: `echo` runs, `blink` could. */
  const small = () => {
    const bench = benchOf(trustsAll, budgetProfiles.small)
    assert.strictEqual(install(bench, blink, "blink").state, 7)
    assert.strictEqual(install(bench, example("echo"), "echo").state, 7)
    assert.strictEqual(bench.control(stop, "blink"), 0)
    return bench
  }

  /** Offers an image and sends its first chunks; answers the number of the transfer. */
  const begin = (bench: Bench, image: Uint8Array, name: string, chunks: number): number => {
    const xfer = 100
    bench.say({
      type: "image-offer",
      xfer,
      sha256: sha256(image),
      size: image.length,
      kind: 1,
      manifest: manifestOf(image, { name }),
      chunk: chunkBytes,
      window: 8,
      flags: 1 | 2 | 4
    })
    for (let index = 0; index < chunks; index++) {
      bench.say({ type: "chunk", xfer, index, data: image.subarray(index * chunkBytes, (index + 1) * chunkBytes) })
    }
    return xfer
  }

  const finish = (bench: Bench, image: Uint8Array, xfer: number, from: number) => {
    for (let index = from; index * chunkBytes < image.length; index++) {
      bench.say({ type: "chunk", xfer, index, data: image.subarray(index * chunkBytes, (index + 1) * chunkBytes) })
    }
    bench.operate(1, { xfer })
    return bench.operate(2, { xfer })
  }

  it("is its own from the offer on, and is given back when it is aborted", () => {
    const bench = small()
    const xfer = begin(bench, thermostat, "thermostat", 0)
    assert.strictEqual(bench.of("image-ack").at(-1)?.state, 1)
    assert.strictEqual(bench.control(start, "blink"), noRoom)
    bench.operate(abort, { xfer })
    assert.strictEqual(bench.control(start, "blink"), 0)
    begin(bench, thermostat, "thermostat", 0)
    assert.deepInclude(bench.of("image-ack").at(-1), { state: 0, code: noRoom })
  })

  it("cannot be taken from it by one that is started, and is enough at its end", () => {
    const bench = small()
    const xfer = begin(bench, thermostat, "thermostat", 3)
    assert.strictEqual(bench.control(start, "blink"), noRoom)
    assert.strictEqual(finish(bench, thermostat, xfer, 3).state, 7)
    assert.strictEqual(bench.control(start, "blink"), noRoom)
    bench.advance(100)
    assert.deepInclude(bench.told().thermostat, { state: 5 })
  })

  it("is as much as its header says, as soon as that has come", () => {
    // Two programs fit by number, and not by their code.
    const bench = benchOf(trustsAll, { ...budgetProfiles.small, codeBytes })
    assert.strictEqual(install(bench, blink, "blink").state, 7)
    assert.strictEqual(bench.control(stop, "blink"), 0)
    const xfer = begin(bench, thermostat, "thermostat", 0)
    assert.strictEqual(bench.control(start, "blink"), 0)
    assert.strictEqual(bench.control(stop, "blink"), 0)
    bench.say({ type: "chunk", xfer, index: 0, data: thermostat.subarray(0, chunkBytes) })
    bench.say({ type: "chunk", xfer, index: 1, data: thermostat.subarray(chunkBytes, 2 * chunkBytes) })
    assert.strictEqual(bench.control(start, "blink"), noRoom)
    bench.operate(abort, { xfer })
    assert.strictEqual(bench.control(start, "blink"), 0)
  })

  it("is given back when the image turns out bad, or its sender falls silent", () => {
    const bench = small()
    const bad = thermostat.slice()
    bad[thermostat.length - 1] = (bad[thermostat.length - 1] ?? 0) ^ 1
    const xfer = begin(bench, thermostat, "thermostat", 0)
    finish(bench, bad, xfer, 0)
    assert.strictEqual(bench.control(start, "blink"), 0)
    const other = small()
    begin(other, thermostat, "thermostat", 1)
    other.advance(590_000)
    assert.strictEqual(other.control(start, "blink"), noRoom)
    other.advance(20_000)
    assert.strictEqual(other.control(start, "blink"), 0)
  })

  it("gives way to the program whose place it is to take, and is found again at the end", () => {
    const bench = small()
    bench.control(start, "blink")
    const xfer = begin(bench, blink, "blink", 2)
    assert.strictEqual(bench.control(restart, "blink"), 0)
    assert.strictEqual(finish(bench, blink, xfer, 2).state, 7)
    bench.advance(100)
    assert.strictEqual(bench.told().blink?.state, 5)
  })

  it("is not promised twice", () => {
    const events = { stands: () => {}, printed: () => {}, valueChanged: () => {} }
    const runtime = new HxeRuntime({
      now: () => 0,
      events,
      trust: trustsAll,
      imageBytesMax: 262_144,
      profile: { ...budgetProfiles.small, codeBytes }
    })
    const manifest = (image: Uint8Array, name: string): Manifest => ({
      v: 1,
      kind: "hxe",
      sha256: Buffer.from(sha256(image)).toString("hex"),
      size: image.length,
      name,
      version: "1.0.0",
      secver: 0
    })
    const first = runtime.admit({ name: "thermostat", manifest: manifest(thermostat, "thermostat") })
    const second = runtime.admit({ name: "blink", manifest: manifest(blink, "blink") })
    if ("code" in first || "code" in second) return assert.fail()
    assert.isUndefined(first.push(thermostat.subarray(0, 128)))
    assert.strictEqual(second.push(blink.subarray(0, 128))?.code, noRoom)
    const third = runtime.admit({ name: "echo", manifest: manifest(blink, "echo") })
    assert.deepInclude(third, { code: noRoom })
    second.release?.()
    second.release?.()
    assert.notProperty(runtime.admit({ name: "echo", manifest: manifest(blink, "echo") }), "code")
  })
})
