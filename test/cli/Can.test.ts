import { copyFileSync, mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { run, running } from "../support/Cli.ts"
import { freePort } from "../support/Ports.ts"
import { tempFolder } from "../support/RunningNode.ts"

const examples = join(import.meta.dirname, "../../examples")

const bench = Effect.gen(function* () {
  const folder = yield* tempFolder
  const bus = String(yield* Effect.promise(freePort))
  const hub = yield* running(["can", "hub", "--port", bus])
  yield* hub.says("CAN bus")
  const image = join(folder, "blink.hxe")
  const ran = yield* run(["image", "build", join(examples, "blink.mvasm"), "--out", image])
  assert.isTrue(ran.isSuccess, ran.err)
  const board = (node: number, ...more: ReadonlyArray<string>) =>
    running(["can", "board", "--bus", bus, "--node", String(node), "--memories", join(folder, `can-${node}`), ...more])
  return { folder, bus, image, board }
})

describe("holon can", () => {
  it.live("brings an image to a board of the bus, which runs it again when it is switched on", () =>
    Effect.gen(function* () {
      const { bus, image, board } = yield* bench
      const first = yield* board(5)
      yield* first.says("is on the bus")
      const pushed = yield* run(["can", "push", image, "--bus", bus, "--node", "5"])
      assert.match(pushed.out, /^board 5 runs it as pid 1: 2 chunks, \d+ sent again\n$/, pushed.err)
      yield* first.says("provisioning.persisted")
      yield* first.stop
      const second = yield* board(5)
      yield* second.says("mode=boot")
      yield* second.says("entry=blink result=OK attempt=1")
    }).pipe(Effect.scoped)
  )

  it.live("calls proven what stays well, and takes back what traps at each start", () =>
    Effect.gen(function* () {
      const { folder, bus, image, board } = yield* bench
      mkdirSync(join(folder, "can-5"))
      writeFileSync(join(folder, "can-5/boot.json"), JSON.stringify({ version: 1, confirm_timeout_s: 1 }))
      const trap = join(folder, "trap.hxe")
      const ran = yield* run(["image", "build", join(examples, "trap.mvasm"), "--out", trap])
      assert.isTrue(ran.isSuccess, ran.err)
      for (const [file, outcome] of [
        [image, "configuration 2 has proved itself"],
        [trap, "from_generation=3 to_generation=2 reason=boot_failure"]
      ] as const) {
        const before = yield* board(5)
        yield* before.says("is on the bus")
        const pushed = yield* run(["can", "push", file, "--bus", bus, "--node", "5"])
        assert.isTrue(pushed.isSuccess, pushed.err)
        yield* before.stop
        const after = yield* board(5)
        yield* after.says(outcome)
        yield* after.stop
      }
    }).pipe(Effect.scoped)
  )

  it.live("does not put a board on the bus whose boot.json is wrong", () =>
    Effect.gen(function* () {
      const { folder, bus } = yield* bench
      writeFileSync(join(folder, "boot.json"), "{}")
      const ran = yield* run(["can", "board", "--bus", bus, "--node", "5", "--memories", folder])
      assert.match(ran.err, /^holon: the memories in .+ cannot be read \(boot_config: /)
    }).pipe(Effect.scoped)
  )

  it.live("refuses memories that are damaged, and empties them when somebody says so", () =>
    Effect.gen(function* () {
      const { folder, bus, board } = yield* bench
      const memories = join(folder, "can-5")
      mkdirSync(memories)
      writeFileSync(join(memories, "nvm.bin"), new Uint8Array(4096))
      const ran = yield* run(["can", "board", "--bus", bus, "--node", "5", "--memories", memories])
      assert.match(ran.err, /^holon: the memories in .+ cannot be read \(both superblocks are damaged; a format makes/)
      yield* (yield* board(5, "--format")).says("is on the bus")
    }).pipe(Effect.scoped)
  )

  it.live("brings an image to all boards at once, and says who did not take it", () =>
    Effect.gen(function* () {
      const { bus, image, board } = yield* bench
      for (const node of [5, 6]) yield* (yield* board(node)).says("is on the bus")
      const pushed = yield* run(["can", "push", image, "--bus", bus, "--expect", "5,6", "--json"])
      assert.deepStrictEqual(
        JSON.parse(pushed.out).map(({ node, status }: { node: number; status: number }) => [node, status]),
        [
          [5, 0],
          [6, 0]
        ]
      )
      const missed = yield* run(["can", "push", image, "--bus", bus, "--expect", "7"])
      assert.isFalse(missed.isSuccess)
      assert.match(missed.out, /7 +code 110/)
    }).pipe(Effect.scoped)
  )

  it.live("gives images to boards that are switched on, which run them instead of what they keep", () =>
    Effect.gen(function* () {
      const { folder, bus, image, board } = yield* bench
      const echo = join(folder, "echo.hxe")
      const ran = yield* run(["image", "build", join(examples, "echo.mvasm"), "--out", echo])
      assert.isTrue(ran.isSuccess, ran.err)
      const first = yield* board(5)
      yield* first.says("is on the bus")
      const kept = yield* run(["can", "push", image, "--bus", bus, "--node", "5"])
      assert.isTrue(kept.isSuccess, kept.err)
      yield* first.stop
      const giving = yield* Effect.forkChild(run(["can", "boot", echo, "--bus", bus, "--expect", "5,6", "--json"]))
      const [second, third] = [yield* board(5), yield* board(6)]
      const given = yield* Fiber.join(giving)
      assert.isTrue(given.isSuccess, given.err)
      const outcomes = given.out.trim().split("\n")
      assert.deepStrictEqual(outcomes.map((line) => [JSON.parse(line).node, JSON.parse(line).status]).sort(), [
        [5, 0],
        [6, 0]
      ])
      for (const each of [second, third]) yield* each.says("entry=echo result=OK attempt=1")
      assert.isFalse(second.lines.some((line) => line.includes("entry=blink")))
    }).pipe(Effect.scoped)
  )

  it.live("loads what a card names, and says what is wrong with it", () =>
    Effect.gen(function* () {
      const { folder, board } = yield* bench
      const card = join(folder, "card")
      mkdirSync(join(card, "hsx/apps"), { recursive: true })
      const ran = yield* run(["image", "build", join(examples, "hello.mvasm"), "--out", join(card, "hsx/apps/a.hxe")])
      assert.isTrue(ran.isSuccess, ran.err)
      const manifest = { version: 1, image: [{ path: "apps/a.hxe" }, { path: "apps/none.hxe" }] }
      writeFileSync(join(card, "hsx/manifest.json"), JSON.stringify(manifest))
      const made = yield* board(5, "--card", card)
      yield* made.says("entry=apps/a.hxe result=OK attempt=1")
      yield* made.says("entry=apps/none.hxe result=failed: file attempt=1")
      const empty = yield* board(6, "--card", folder)
      yield* empty.says("the card cannot be used")
      const toml = join(folder, "toml")
      mkdirSync(join(toml, "hsx"), { recursive: true })
      copyFileSync(join(card, "hsx/apps/a.hxe"), join(toml, "hsx/a.hxe"))
      writeFileSync(join(toml, "hsx/manifest.toml"), 'version = 1\n[[image]]\npath = "a.hxe"\n')
      yield* (yield* board(7, "--card", toml)).says("entry=a.hxe result=OK attempt=1")
      writeFileSync(join(toml, "hsx/manifest.toml"), "version = 1\n[[image]\n")
      yield* (yield* board(8, "--card", toml)).says("the card cannot be used: manifest_toml:line 2: ")
    }).pipe(Effect.scoped)
  )

  it.live("says that there is no bus, no such board, or no image", () =>
    Effect.gen(function* () {
      const { folder, bus, image, board } = yield* bench
      const nowhere = yield* run([
        "can",
        "push",
        image,
        "--bus",
        String(yield* Effect.promise(freePort)),
        "--node",
        "5"
      ])
      assert.match(nowhere.err, /^holon: no bus at port \d+ \(.+\); start one with "holon can hub"\n$/)
      assert.match((yield* run(["can", "hub", "--port", bus])).err, /^holon: port \d+ is taken/)
      yield* (yield* board(5)).says("is on the bus")
      const bad = join(folder, "bad.hxe")
      writeFileSync(bad, "HSXE")
      assert.match((yield* run(["can", "push", bad, "--bus", bus, "--node", "5"])).err, /\(EBADMSG, 74\)\n$/)
      assert.match(
        (yield* run(["can", "push", join(folder, "none.hxe"), "--bus", bus, "--node", "5"])).err,
        /cannot be read/
      )
    }).pipe(Effect.scoped)
  )
})
