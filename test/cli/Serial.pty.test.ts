import { mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { seeded } from "../../devices/simulated/Seeded.ts"
import { run } from "../support/Cli.ts"
import { end, start } from "../support/HolonProcess.ts"
import { freePort } from "../support/Ports.ts"
import { hasSocat, noisyPair, type PtyPair, ptyPair } from "../support/PtyPair.ts"
import { tempFolder } from "../support/RunningNode.ts"

/** Each test starts several processes, on machines that may be busy. */
const processMillis = 60_000

const examples = join(import.meta.dirname, "../../examples")

const built = (folder: string, name: string) =>
  Effect.gen(function* () {
    const image = join(folder, `${name}.hxe`)
    const ran = yield* run(["image", "build", join(examples, `${name}.mvasm`), "--out", image])
    assert.isTrue(ran.isSuccess, ran.err)
    return image
  })

/** An image of two dozen chunks: room enough for faults and waits. */
const large = (folder: string) =>
  Effect.gen(function* () {
    const source = join(folder, "large.mvasm")
    const text = Array.from({ length: 3000 }, (_, at) => `        LDI R1, ${at % 500}`).join("\n")
    writeFileSync(source, `.entry start\n.text\nstart:\n${text}\n        RET\n`)
    const image = join(folder, "large.hxe")
    const ran = yield* run(["image", "build", source, "--out", image])
    assert.isTrue(ran.isSuccess, ran.err)
    return image
  })

/** A board and its master, each a process of its own, at the two ends of a line. */
const bench = Effect.fnUntraced(function* (folder: string, { ends: [near, far] }: PtyPair) {
  const memories = join(folder, "memories")
  mkdirSync(join(memories, "trust"), { recursive: true })
  const board = (...more: ReadonlyArray<string>) =>
    Effect.tap(start(folder, "serial", "board", far, "--memories", memories, ...more), (holon) =>
      holon.says("is on the line")
    )
  const push = (image: string, ...more: ReadonlyArray<string>) =>
    Effect.gen(function* () {
      const holon = yield* start(folder, "serial", "push", near, image, ...more)
      return { code: yield* end(holon), out: holon.out, err: holon.err }
    })
  return { memories, image: yield* built(folder, "blink"), board, push, near, far }
})

describe.skipIf(!hasSocat)("holon serial", () => {
  it.live(
    "brings an image over a line to a board that keeps it and runs it again at its next start",
    () =>
      Effect.gen(function* () {
        const folder = yield* tempFolder
        const { board, image, push } = yield* bench(folder, yield* ptyPair(folder))
        const first = yield* board()
        const pushed = yield* push(image, "--json")
        assert.strictEqual(pushed.code, 0, pushed.err)
        assert.deepInclude(JSON.parse(pushed.out), { pid: 1, chunks: 1 })
        yield* first.says("provisioning.persisted")
        assert.match(first.out, /provisioning\.complete pid 1 /)
        first.kill("SIGKILL")
        yield* end(first)
        const second = yield* board()
        yield* second.says("entry=blink result=OK attempt=1")
      }).pipe(Effect.scoped),
    processMillis
  )

  it.live(
    "comes through a line that loses, changes and adds bytes, and sends again only what that spoiled",
    () =>
      Effect.gen(function* () {
        const folder = yield* tempFolder
        const random = seeded(7, "line")
        let spoiled = 0
        const spoil = (bytes: Uint8Array): Uint8Array =>
          Uint8Array.from(
            [...bytes].flatMap((byte) => {
              if (random() > 0.0004) return [byte]
              spoiled += 1
              const chance = random()
              return chance < 0.4 ? [] : chance < 0.8 ? [byte ^ 0x10] : [byte, 0x55]
            })
          )
        const { board, push } = yield* bench(folder, yield* noisyPair(folder, spoil))
        const image = yield* large(folder)
        const device = yield* board()
        const pushed = yield* push(image, "--volatile", "--json")
        assert.strictEqual(pushed.code, 0, pushed.err)
        const { chunks, resent } = JSON.parse(pushed.out)
        assert.isAbove(spoiled, 0)
        assert.isAbove(resent, 0)
        assert.isAbove(chunks, 20)
        yield* device.says("provisioning.complete pid 1")
      }).pipe(Effect.scoped),
    processMillis
  )

  it.live(
    "waits for a board that holds little of an image and stores slowly",
    () =>
      Effect.gen(function* () {
        const folder = yield* tempFolder
        const { board, push } = yield* bench(folder, yield* ptyPair(folder))
        const device = yield* board("--buffer", "600")
        const pushed = yield* push(yield* large(folder), "--volatile", "--json")
        assert.strictEqual(pushed.code, 0, pushed.err)
        assert.isAbove(JSON.parse(pushed.out).resent, 0)
        yield* device.says("provisioning.complete pid 1")
      }).pipe(Effect.scoped),
    processMillis
  )

  it.live(
    "says in one line what is wrong with a port, a board or an image, and ends with 1",
    () =>
      Effect.gen(function* () {
        const folder = yield* tempFolder
        const pair = yield* ptyPair(folder)
        const { board, far, image, push } = yield* bench(folder, pair)
        const nowhere = yield* run(["serial", "push", join(folder, "none"), image])
        assert.match(nowhere.err, /^holon: the serial line .+none cannot be opened: there is no such port\n$/)
        const noLine = yield* run(["serial", "push", image, image])
        assert.match(noLine.err, /cannot be opened: it is no serial port\n$/)
        yield* board()
        const taken = yield* run(["serial", "board", far, "--memories", join(folder, "other")])
        assert.match(taken.err, /line-b cannot be opened: another program has it open\n$/)
        const bad = join(folder, "bad.hxe")
        writeFileSync(bad, "HSXE")
        const refused = yield* push(bad)
        assert.match(refused.err, /The image is corrupt, or its hash is wrong \(EBADMSG, 74\)\n$/)
        assert.strictEqual(refused.code, 1)
      }).pipe(Effect.scoped),
    processMillis
  )

  it.live(
    "ends a board whose line goes away, and says so",
    () =>
      Effect.gen(function* () {
        const folder = yield* tempFolder
        const pair = yield* ptyPair(folder)
        const { board } = yield* bench(folder, pair)
        const device = yield* board()
        pair.pull()
        assert.strictEqual(yield* end(device), 1)
        assert.match(device.err, /^holon: the serial line .+line-b has gone \(.+\)\n$/)
      }).pipe(Effect.scoped),
    processMillis
  )
})

describe.skipIf(!hasSocat)("holon can hub --adapter", () => {
  it.live(
    "joins two buses by the lines of their adapters, so that an image reaches a board of the other one",
    () =>
      Effect.gen(function* () {
        const folder = yield* tempFolder
        const { ends } = yield* ptyPair(folder)
        const image = yield* built(folder, "blink")
        const [near = "", far = ""] = yield* Effect.forEach(ends, (adapter) =>
          Effect.gen(function* () {
            const bus = String(yield* Effect.promise(freePort))
            const hub = yield* start(folder, "can", "hub", "--port", bus, "--adapter", adapter)
            yield* hub.says(`joined to the one behind ${adapter}`)
            return bus
          })
        )
        const memories = join(folder, "can-5")
        const board = yield* start(folder, "can", "board", "--bus", far, "--node", "5", "--memories", memories)
        yield* board.says("is on the bus")
        const pushed = yield* run(["can", "push", image, "--bus", near, "--node", "5"])
        assert.match(pushed.out, /^board 5 runs it as pid 1: /, pushed.err)
        const all = yield* run(["can", "push", image, "--bus", near, "--expect", "5"])
        assert.match(all.out, /5 +runs/, all.err)
      }).pipe(Effect.scoped),
    processMillis
  )
})
