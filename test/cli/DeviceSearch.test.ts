import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, layer } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { startSimulatedBoards } from "../../devices/simulated/SimulatedBoards.ts"
import { run } from "../support/Cli.ts"
import { holon } from "../support/NodeCommands.ts"
import { RunningNode, tempFolder, until } from "../support/RunningNode.ts"

const foundOf = Schema.decodeUnknownSync(
  Schema.Struct({
    devices: Schema.Array(Schema.Struct({ id: Schema.String })),
    asOf: Schema.Struct({ at: Schema.Finite, behindMillis: Schema.Finite })
  })
)
const rolloutOf = Schema.decodeUnknownSync(
  Schema.Struct({ boards: Schema.Array(Schema.Struct({ id: Schema.String })) })
)

layer(RunningNode.layer({ boards: 3 }), { timeout: "60 seconds", excludeTestServices: true })(
  "holon devices search",
  (it) => {
    const searched = (...argv: ReadonlyArray<string>) =>
      Effect.map(holon("devices", "search", ...argv, "--json"), ({ isSuccess, out, err }) => {
        assert.isTrue(isSuccess, err)
        const { devices, asOf } = foundOf(JSON.parse(out))
        return { ids: devices.map(({ id }) => id), asOf }
      })

    it.effect("finds devices, as a table for people and as JSON for scripts, and says how old it is", () =>
      Effect.gen(function* () {
        const where = 'temp > $low and profile in $profiles and id != "heater-2"'
        const given = ["--parameter", "low=-40", "--parameter", 'profiles=["sim-heater","sim-press"]']
        const { asOf } = yield* until(searched(where, ...given), ({ ids }) => ids.length === 2)
        assert.isAtLeast(asOf.behindMillis, 0)
        const { out } = yield* holon("devices", "search", where, ...given)
        assert.match(
          out,
          /^ID +STATE +SEEN +PROFILE +REPORTED\nheater-1 +online .*\nheater-3 +online .*\n2 devices, as of /
        )
        assert.deepStrictEqual((yield* searched(where, ...given, "--limit", "1")).ids, ["heater-1"])
        const nothing = yield* holon("devices", "search", "temp > 1e6")
        assert.match(nothing.out, /^no devices, as of /)
        assert.strictEqual(nothing.err, "")
        const misspelt = yield* holon("devices", "search", "temp > 1e6 and tmep < 1")
        assert.match(misspelt.out, /^no devices, as of /)
        assert.match(misspelt.err, /^no device has a field reported\.tmep$/m)
      })
    )

    it.effect("points at what is wrong, and finds nothing then", () =>
      Effect.gen(function* () {
        const { isSuccess, out, err } = yield* holon("devices", "search", "temp > 3 amd state == 'online'")
        assert.isFalse(isSuccess)
        assert.strictEqual(out, "")
        assert.match(err, /line 1, column 10: /)
        assert.match(err, /\n {2}temp > 3 amd state == 'online'\n {11}\^/)
        const refused = yield* holon("devices", "search", "temp > $low", "--parameter", "low={}")
        assert.isFalse(refused.isSuccess)
        assert.match(refused.err, /a parameter is a number, true, false, a text, or a list of these/)
      })
    )

    it.effect(
      "says which boards a rollout is for",
      () =>
        Effect.gen(function* () {
          const { mqttPort } = yield* RunningNode
          const url = `mqtt://127.0.0.1:${mqttPort}`
          yield* startSimulatedBoards({
            url,
            kind: "board",
            prefix: "cell-",
            count: 3,
            spreadMillis: 0,
            intervalMillis: 60_000
          })
          const folder = yield* tempFolder
          const file = join(folder, "image.hxe")
          writeFileSync(join(folder, "manifest.json"), JSON.stringify({ confirm: 1000, version: "1.0.0" }))
          const example = join(import.meta.dirname, "../../examples/blink.mvasm")
          assert.isTrue((yield* run(["image", "build", example, "--name", "blink", "--out", file])).isSuccess)
          const pushed = yield* holon("image", "push", file, "--manifest", join(folder, "manifest.json"))
          assert.isTrue(pushed.isSuccess, pushed.err)
          const where = 'id glob "cell-*" and id != "cell-2" and state == "online"'
          yield* until(searched(where), ({ ids }) => ids.length === 2)
          const started = yield* holon("rollout", "start", "blink", "--where", where, "--detach", "--json")
          assert.isTrue(started.isSuccess, started.err)
          const { boards } = rolloutOf(JSON.parse(started.out))
          assert.deepStrictEqual(
            boards.map(({ id }) => id),
            ["cell-1", "cell-3"]
          )
          const both = yield* holon(
            "rollout",
            "start",
            "blink",
            "cell-3",
            "--where",
            where,
            "--again",
            "--detach",
            "--json"
          )
          assert.deepStrictEqual(
            rolloutOf(JSON.parse(both.out)).boards.map(({ id }) => id),
            ["cell-3"]
          )
          const nobody = yield* holon("rollout", "start", "blink", "--where", "temp > 1e6", "--detach")
          assert.match(nobody.err, /there is no device that is selected and not retired/)
          const unsaid = yield* holon("rollout", "start", "blink", "--detach")
          assert.match(unsaid.err, /no devices are named; give their ids/)
        }),
      60_000
    )
  }
)
