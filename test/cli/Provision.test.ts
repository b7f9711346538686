import { spawn } from "node:child_process"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, layer } from "@effect/vitest"
import { Effect, Fiber, Schema } from "effect"
import { RolloutView } from "../../src/protocol/Rollout.ts"
import { SessionView } from "../../src/protocol/Session.ts"
import { run } from "../support/Cli.ts"
import { bad, good, holon } from "../support/NodeCommands.ts"
import { RunningNode, tempFolder, until } from "../support/RunningNode.ts"

const examples = join(import.meta.dirname, "../../examples")
/** A trial is over after a second. */
const confirm = 1000

const sessionOf = Schema.decodeUnknownSync(SessionView)
const rolloutOf = Schema.decodeUnknownSync(Schema.Struct({ id: Schema.String, ...RolloutView.fields }))

layer(RunningNode.layer({ boards: 5 }), { timeout: "90 seconds", excludeTestServices: true })("holon", (it) => {
  /** Builds an example under a name and pushes it as this version. */
  const pushed = Effect.fnUntraced(function* (
    example: string,
    name: string,
    version: string,
    more: ReadonlyArray<string> = [],
    fields: object = {}
  ) {
    const folder = yield* tempFolder
    const file = join(folder, "image.hxe")
    const manifest = join(folder, "manifest.json")
    writeFileSync(manifest, JSON.stringify({ confirm, version, ...fields }))
    const ran = yield* run(["image", "build", join(examples, example), "--name", name, "--out", file])
    assert.isTrue(ran.isSuccess, ran.err)
    yield* good("image", "push", file, "--manifest", manifest, ...more)
    return `${name}@${version}`
  })

  const stateOf = (device: string, name: string) =>
    Effect.map(good("ps", device, "--json"), (text) => {
      const programs = Schema.decodeUnknownSync(
        Schema.Array(
          Schema.Struct({ name: Schema.String, state: Schema.String, version: Schema.optionalKey(Schema.String) })
        )
      )(JSON.parse(text))
      const found = programs.find((program) => program.name === name)
      return found === undefined ? "absent" : `${found.state} ${found.version ?? ""}`
    })

  it.effect("brings a program to a board, where it runs, counts, and answers", () =>
    Effect.gen(function* () {
      const image = yield* pushed("blink.mvasm", "blink", "1.0.0")
      assert.match(yield* good("provision", "heater-1", image), /^blink 1\.0\.0 is on heater-1: confirmed\n$/)
      assert.match(yield* stateOf("heater-1", "blink"), /^(running|waiting) 1\.0\.0$/)
      assert.match(yield* good("ps"), /heater-1 +blink +(running|waiting) +1\.0\.0/)
      const blinks = Effect.map(good("value", "get", "heater-1", "blink", "blinks", "--json"), (text) =>
        Number(JSON.parse(text).value[0][1])
      )
      const before = yield* blinks
      yield* until(blinks, (count) => count > before)
      assert.strictEqual(
        yield* good("value", "set", "heater-1", "blink", "blinks", "100"),
        "blinks of blink on heater-1 is set to 100\n"
      )
      assert.isAtLeast(yield* blinks, 100)
      assert.strictEqual(
        yield* good("program", "call", "heater-1", "blink", "reset"),
        "reset of blink on heater-1 is done; it returned 0\n"
      )
      assert.isBelow(yield* blinks, 100)
      assert.match(yield* good("program", "show", "heater-1", "blink"), /^blink on heater-1: (running|waiting)/)
      const offers = Effect.map(
        good("program", "show", "heater-1", "blink", "--json"),
        (text) => JSON.parse(text).offers
      )
      const { values, commands } = yield* until(offers, (found) => found !== undefined)
      assert.deepStrictEqual(
        [values, commands].map((list) => list.map(({ number, name }: Record<string, unknown>) => [number, name])),
        [
          [
            [0x101, "lamp"],
            [0x102, "blinks"]
          ],
          [[0x101, "reset"]]
        ]
      )
      assert.match(yield* good("sessions"), /heater-1 +blink 1\.0\.0 +confirmed +100 %/)
    })
  )

  it.effect("brings a program to a heater that reads its temperature and switches its fan", () =>
    Effect.gen(function* () {
      const caps = ["sensor", "pin.fan", "value", "sleep"]
      const image = yield* pushed("cooler.mvasm", "cooler", "1.0.0", [], { requires: { caps } })
      yield* good("provision", "heater-5", image)
      const twin = Effect.map(good("devices", "show", "heater-5", "--json"), (text) => {
        const { reported } = Schema.decodeUnknownSync(
          Schema.Struct({ reported: Schema.Struct({ fan: Schema.Boolean, temp: Schema.Finite }) })
        )(JSON.parse(text).twin)
        return reported
      })
      const temperature = Effect.map(good("value", "get", "heater-5", "cooler", "temp", "--json"), (text) =>
        Number(JSON.parse(text).value[0][1])
      )
      yield* until(temperature, (celsius) => celsius > 0)
      assert.isFalse((yield* twin).fan)
      yield* good("value", "set", "heater-5", "cooler", "limit", "10")
      yield* until(twin, ({ fan }) => fan)
      assert.approximately(yield* temperature, (yield* twin).temp, 2)
      yield* good("value", "set", "heater-5", "cooler", "limit", "90")
      yield* until(twin, ({ fan }) => !fan)
      const wrong = yield* pushed("cooler.mvasm", "valve", "1.0.0", [], { requires: { caps: ["pin.valve"] } })
      assert.include(
        yield* bad("provision", "heater-5", wrong),
        "on heater-5: the board has no capability pin.valve, which it requires (caps:pin.valve, ENOTSUP, 95)"
      )
      const foreign = yield* pushed("cooler.mvasm", "stranger", "1.0.0", [], { requires: { profiles: ["lamp-*"] } })
      assert.include(yield* bad("provision", "heater-5", foreign), "other profiles than sim-heater, which this one is")
    })
  )

  it.effect("hears what became of kept values, and has a board clear away those of a program that has gone", () =>
    Effect.gen(function* () {
      const image = yield* pushed("cooler.mvasm", "fan", "1.0.0")
      yield* good("provision", "heater-4", image)
      yield* good("value", "set", "heater-4", "fan", "limit", "55")
      const told = Effect.map(good("events", "--source", "device/heater-4", "--last", "1000", "--json"), (text) =>
        text
          .split("\n")
          .filter((line) => line.includes("provisioning.restored"))
          .map((line) => JSON.parse(line).event)
          .map(({ severity, data }) => [severity, data.program, data.data.restored, data.data.defaulted])
      )
      yield* until(told, (events) => events.length === 1)
      yield* good("program", "restart", "heater-4", "fan")
      assert.deepStrictEqual(yield* until(told, (events) => events.length === 2), [
        ["info", "fan", 0, 1],
        ["info", "fan", 1, 0]
      ])
      yield* good("program", "remove", "heater-4", "fan")
      yield* until(stateOf("heater-4", "fan"), (state) => state === "absent")
      const swept = Effect.map(
        good("send", "device", "heater-4", "Invoke", '{ "name": "sweep", "ttlMillis": 10000 }', "--json"),
        (text): { readonly id: string } => JSON.parse(text)
      )
      const { id } = yield* swept
      const command = Effect.map(
        good("send", "device", "heater-4", "GetCommand", JSON.stringify({ id }), "--json"),
        (text) => JSON.parse(text)
      )
      const { value } = yield* until(command, ({ state }) => state === "done")
      assert.deepStrictEqual(value, { values: 1, files: 0 })
    })
  )

  it.effect("follows a value for each who asks, until that one ends", () =>
    Effect.gen(function* () {
      const image = yield* pushed("blink.mvasm", "lamp", "1.0.0")
      yield* good("provision", "heater-1", image)
      const follow = Effect.forkChild(holon("value", "watch", "heater-1", "lamp", "blinks"))
      const orders = Effect.map(good("program", "show", "heater-1", "lamp", "--json"), (text) => {
        const { orders: found } = Schema.decodeUnknownSync(
          Schema.Struct({ orders: Schema.Array(Schema.Struct({ what: Schema.String })) })
        )(JSON.parse(text))
        return found.map(({ what }) => what).filter((what) => what.endsWith("watch blinks"))
      })
      const first = yield* follow
      yield* until(orders, (found) => found.length === 1)
      const second = yield* follow
      yield* until(orders, (found) => found.length === 2)
      yield* Fiber.interrupt(first)
      // The board watches for all or for nobody: the one that is left asks again.
      yield* until(orders, (found) => found.length === 4)
      yield* Fiber.interrupt(second)
      yield* until(orders, (found) => found.length === 5)
      const on = "watch blinks"
      assert.deepStrictEqual(yield* orders, [on, on, `no longer ${on}`, on, `no longer ${on}`])
    })
  )

  it.effect("stops, starts and removes it, and lets its image go only then", () =>
    Effect.gen(function* () {
      const image = yield* pushed("echo.mvasm", "echo", "1.0.0")
      yield* good("provision", "heater-2", image)
      yield* good("program", "stop", "heater-2", "echo")
      yield* until(stateOf("heater-2", "echo"), (state) => state.startsWith("stopped"))
      yield* good("program", "start", "heater-2", "echo")
      yield* until(stateOf("heater-2", "echo"), (state) => /^(running|waiting)/.test(state))
      assert.include(yield* bad("image", "rm", image), "program/heater-2:echo")
      yield* good("program", "remove", "heater-2", "echo")
      yield* until(stateOf("heater-2", "echo"), (state) => state === "absent")
      yield* until(holon("image", "rm", image), ({ isSuccess }) => isSuccess)
    })
  )

  it.effect("takes back by itself what traps, and says so", () =>
    Effect.gen(function* () {
      const sound = yield* pushed("blink.mvasm", "motor", "1.0.0")
      const broken = yield* pushed("trap.mvasm", "motor", "2.0.0")
      yield* good("provision", "heater-3", sound)
      assert.match(
        yield* bad("provision", "heater-3", broken),
        /motor@2\.0\.0 failed on trial, and heater-3 took it back: its DIV at 0x10 divided by zero; .* \(division_by_zero:DIV at 0x10, Trap, 220\)/
      )
      yield* until(stateOf("heater-3", "motor"), (state) => /^(running|waiting) 1\.0\.0$/.test(state))
      assert.match(yield* good("sessions"), /motor 2\.0\.0 +rolled-back/)
    })
  )

  it.effect("says what a board or the library refuses, and leaves the board as it was", () =>
    Effect.gen(function* () {
      const newer = yield* pushed("hello.mvasm", "hello", "2.0.0", ["--secver", "5"])
      yield* good("provision", "heater-4", newer)
      const older = yield* pushed("blink.mvasm", "hello", "1.0.0", ["--secver", "4"])
      assert.match(yield* bad("provision", "heater-4", older), /\(EPERM, 1\)/)
      assert.match(yield* stateOf("heater-4", "hello"), / 2\.0\.0$/)
      assert.include(yield* bad("provision", "heater-4", "nothing"), "there is no image nothing")
      assert.include(yield* bad("provision", "heater-9", newer), "device heater-9")
      assert.include(
        yield* bad("program", "start", "heater-4", "nobody"),
        "there is no program heater-4:nobody; heater-4 has hello"
      )
      assert.include(yield* bad("program", "call", "heater-4", "nobody", "x"), "there is no program heater-4:nobody")
      assert.include(yield* bad("program", "stop", "heater-9", "nobody"), "there is no device heater-9")
      assert.include(yield* bad("value", "get", "heater-4", "hello", "nope"), "there is no value nope")
      assert.include(yield* bad("program", "send", "heater-4", "hello", "app:nope", "x"), "no mailbox app:nope")
      assert.include(yield* bad("rollout", "start", newer, "nix-*"), "there is no device whose id fits nix-*")
    })
  )

  it.effect("says that a board is away while it waits for it", () =>
    Effect.gen(function* () {
      const image = yield* pushed("hello.mvasm", "late", "1.0.0")
      const { mqttPort } = yield* RunningNode
      const place = `mqtt://127.0.0.1:${mqttPort}`
      const board = yield* Effect.forkChild(run(["board", "sim", "--prefix", "night-", "--count", "1", "--url", place]))
      const state = Effect.map(holon("devices", "ls"), ({ out }) => /night-1 +(\w+)/.exec(out)?.[1])
      yield* until(state, (found) => found === "online")
      yield* Fiber.interrupt(board)
      yield* until(state, (found) => found !== "online")
      const err = yield* bad("provision", "night-1", image, "--patience", "1")
      assert.match(err, /^night-1 is \w+; the session waits up to 1 s for it\n.*\(ETIMEDOUT, 110\)\n$/)
    })
  )

  it.effect("rolls out in waves, stops at the wave that fails, and takes that wave back", () =>
    Effect.gen(function* () {
      // One board has gone further already: it refuses what is older.
      const newest = yield* pushed("blink.mvasm", "pump", "3.0.0", ["--secver", "9"])
      yield* good("provision", "heater-5", newest)
      const first = yield* pushed("blink.mvasm", "pump", "1.0.0")
      for (const board of ["heater-2", "heater-3", "heater-4"]) yield* good("provision", board, first)
      const second = yield* pushed("thermostat.mvasm", "pump", "2.0.0")
      const options = ["--canary", "1", "--wave", "4", "--observe", "1", "--json"]
      const ran = yield* holon("rollout", "start", second, "heater-*", ...options)
      assert.isFalse(ran.isSuccess)
      const { id, state, boards } = rolloutOf(JSON.parse(ran.out))
      assert.strictEqual(state, "stopped")
      assert.deepStrictEqual(
        boards.map((board) => [board.id, board.wave, board.step === "good"]),
        [
          ["heater-1", 0, true],
          ["heater-2", 1, false],
          ["heater-3", 1, false],
          ["heater-4", 1, false],
          ["heater-5", 1, false]
        ]
      )
      yield* until(good("rollout", "show", id), (text) => !/provisioning|rolling-back|observing/.test(text))
      for (const board of ["heater-2", "heater-3", "heater-4"])
        yield* until(stateOf(board, "pump"), (program) => program.endsWith(" 1.0.0"))
      assert.match(yield* stateOf("heater-1", "pump"), / 2\.0\.0$/)
      assert.match(yield* stateOf("heater-5", "pump"), / 3\.0\.0$/)
      assert.match(yield* good("rollout", "ls"), /stopped +2 of 2 +1 of 5 good/)
    })
  )

  it.effect("ends in order when whoever reads what it says has gone", () =>
    Effect.gen(function* () {
      const image = yield* pushed("blink.mvasm", "tick", "1.0.0")
      yield* good("provision", "heater-4", image)
      const { url, data } = yield* RunningNode
      const main = join(import.meta.dirname, "../../src/cli/main.ts")
      const argv = ["value", "watch", "heater-4", "tick", "blinks", "--url", url, "--data", data]
      const { code, err } = yield* Effect.promise(
        () =>
          new Promise<{ code: number | null; err: string }>((resolve) => {
            const child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", main, ...argv], {
              stdio: ["ignore", "pipe", "pipe"]
            })
            let said = ""
            child.stderr.setEncoding("utf8").on("data", (text: string) => {
              said += text
            })
            child.stdout.once("data", () => child.stdout.destroy())
            child.once("exit", (ended) => resolve({ code: ended, err: said }))
          })
      )
      assert.deepStrictEqual([code, err], [130, ""])
    })
  )

  it.effect("follows a session by its JSON", () =>
    Effect.gen(function* () {
      const image = yield* pushed("hello.mvasm", "once", "1.0.0")
      const view = sessionOf(JSON.parse(yield* good("provision", "heater-1", image, "--no-start", "--json")))
      assert.deepStrictEqual([view.state, view.device, view.name], ["ready", "heater-1", "once"])
      assert.isTrue((yield* stateOf("heater-1", "once")).startsWith("ready"))
    })
  )
})
