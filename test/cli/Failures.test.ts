import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, layer } from "@effect/vitest"
import { Effect, Fiber, Schema } from "effect"
import { DeviceStatus } from "../../src/protocol/Device.ts"
import { run } from "../support/Cli.ts"
import { bad, good, holon } from "../support/NodeCommands.ts"
import { RunningNode, tempFolder, until } from "../support/RunningNode.ts"

const examples = join(import.meta.dirname, "../../examples")
const shownOf = Schema.decodeUnknownSync(Schema.Struct({ status: DeviceStatus }))

layer(RunningNode.layer({ boards: 2 }), { timeout: "90 seconds", excludeTestServices: true })(
  "what fails on a board",
  (it) => {
    const statusOf = (device: string) =>
      Effect.map(good("devices", "show", device, "--json"), (text) => shownOf(JSON.parse(text)).status)

    /** Builds an example under a name and pushes it with such a manifest. */
    const pushed = Effect.fnUntraced(function* (example: string, name: string, fields: object) {
      const folder = yield* tempFolder
      const file = join(folder, "image.hxe")
      const manifest = join(folder, "manifest.json")
      writeFileSync(manifest, JSON.stringify({ version: "1.0.0", confirm: 1000, ...fields }))
      const ran = yield* run(["image", "build", join(examples, example), "--name", name, "--out", file])
      assert.isTrue(ran.isSuccess, ran.err)
      yield* good("image", "push", file, "--manifest", manifest)
      return name
    })

    it.effect("is not sent there again before somebody says so, neither alone nor with others", () =>
      Effect.gen(function* () {
        const image = yield* pushed("trap.mvasm", "broken", {})
        assert.include(yield* bad("provision", "heater-1", image), "failed on trial, and heater-1 took it back")
        const known = (yield* statusOf("heater-1")).failedImages
        assert.deepStrictEqual(
          known?.map(({ code }) => code),
          [220]
        )
        const refused = yield* bad("provision", "heater-1", image)
        assert.match(
          refused,
          /^holon: heater-1 failed the image [0-9a-f]{12} on \d{4}-\d\d-\d\d \d\d:\d\d UTC: .* --again sends it nevertheless\n$/
        )
        const flags = ["--observe", "1", "--errors", "1", "--success", "0"]
        const report = yield* good("rollout", "start", image, "heater-1", ...flags)
        assert.match(report, /^heater-1 +1 +failed-before +1 +heater-1 failed the image/m)
        assert.match(report, /succeeded, 0 of 1 boards are good, 1 failed before; retry takes up/)
        assert.match(yield* bad("provision", "heater-1", image, "--again"), /took it back/)
        const again = (yield* statusOf("heater-1")).failedImages
        assert.isAbove(again?.[0]?.at ?? 0, known?.[0]?.at ?? Number.POSITIVE_INFINITY, "it was sent, and failed anew")
        const sent = yield* good("rollout", "start", image, "heater-1", ...flags, "--again")
        assert.match(sent, /^heater-1 +1 +failed +1 /m)
      })
    )

    it.effect("and is given up by the board is shown with the device until it is over", () =>
      Effect.gen(function* () {
        const restart = { policy: "on-failure", max: 1, backoff: 100 }
        const image = yield* pushed("trap.mvasm", "frail", { restart })
        yield* good("provision", "heater-2", image, "--volatile")
        const { failing } = yield* until(statusOf("heater-2"), (status) => status.failing !== undefined)
        assert.deepStrictEqual(
          failing?.map(({ program, state, code, restarts, version }) => [program, state, code, restarts, version]),
          [["frail", "failed", 220, 1, "1.0.0"]]
        )
        const types = Effect.map(good("events", "--last", "200", "--json"), (text) =>
          text
            .split("\n")
            .filter((line) => line.includes("heater-2"))
            .flatMap((line) => /device\.program[a-z-]*/.exec(line) ?? [])
        )
        yield* good("program", "remove", "heater-2", "frail")
        yield* until(statusOf("heater-2"), (status) => status.failing === undefined)
        assert.deepStrictEqual(yield* types, ["device.programs-failing", "device.program-recovered"])
      })
    )

    it.effect("need not be waited for: a session can be aborted", () =>
      Effect.gen(function* () {
        const image = yield* pushed("hello.mvasm", "late", {})
        const { mqttPort } = yield* RunningNode
        const place = `mqtt://127.0.0.1:${mqttPort}`
        const board = yield* Effect.forkChild(
          run(["board", "sim", "--prefix", "night-", "--count", "1", "--url", place])
        )
        const state = Effect.map(holon("devices", "ls"), ({ out }) => /night-1 +(\w+)/.exec(out)?.[1])
        yield* until(state, (found) => found === "online")
        yield* Fiber.interrupt(board)
        yield* until(state, (found) => found !== "online")
        const begun = yield* good("provision", "night-1", image, "--detach")
        const id = /^session (\S+) has begun/.exec(begun)?.[1] ?? ""
        assert.strictEqual(
          yield* good("session", "abort", id, "--reason", "not tonight"),
          `session ${id} is over: night-1 keeps what it had\n`
        )
        assert.match(yield* good("sessions"), new RegExp(`^${id} +night-1 .* idle .* not tonight`, "m"))
        assert.include(yield* bad("session", "abort", id), "the session is over")
        assert.include(yield* bad("session", "abort", "nobody"), "there is no session nobody")
      })
    )
  }
)
