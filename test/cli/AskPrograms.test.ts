import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { run } from "../support/Cli.ts"
import { bad, good, holon } from "../support/NodeCommands.ts"
import { RunningNode, tempFolder, until } from "../support/RunningNode.ts"

const examples = join(import.meta.dirname, "../../examples")

layer(RunningNode.layer({ boards: 3 }), { timeout: "120 seconds", excludeTestServices: true })("holon ask", (it) => {
  it.effect(
    "installs, controls, reads and rolls out programs",
    () =>
      Effect.gen(function* () {
        const folder = yield* tempFolder
        const file = join(folder, "image.hxe")
        const manifest = join(folder, "manifest.json")
        writeFileSync(manifest, JSON.stringify({ confirm: 1000, version: "1.0.0" }))
        const ran = yield* run(["image", "build", join(examples, "blink.mvasm"), "--name", "blink", "--out", file])
        assert.isTrue(ran.isSuccess, ran.err)
        yield* good("image", "push", file, "--manifest", manifest)
        yield* until(holon("ask", "install blink on heater-1", "--dry-run"), ({ isSuccess }) => isSuccess)

        assert.match(yield* good("ask", "install blink on heater-1"), /^heater-1 with blink 1\.0\.0: confirmed$/m)
        assert.match(yield* good("ask", "what programs run on heater-1"), /^1 program on heater-1$/m)
        assert.match(yield* good("ask", "is blink running on heater-1"), /^blink on heater-1 is (running|waiting)$/m)
        const set = holon("ask", "set blinks of blink on heater-1 to 100")
        assert.match((yield* until(set, ({ isSuccess }) => isSuccess)).out, /^heater-1 with blinks 100/m)
        assert.match(
          yield* good("ask", "what is blinks of blink on heater-1"),
          /^heater-1 told blinks: .*"blinks",1\d\d/m
        )
        assert.match(yield* good("ask", "stop blink on heater-1"), /^heater-1 with blink stopped/m)
        assert.match(yield* good("ask", "is blink running on heater-1"), /^blink on heater-1 is stopped$/m)
        assert.match(yield* bad("ask", "stop blink on heater-2"), /program blink on heater-2/)

        const begun = yield* good("ask", "roll out blink 1.0.0 to all heaters in waves of 2, observing for 1 second")
        assert.match(begun, /^roll out blink 1\.0\.0 to 3 heaters/m)
        assert.match(begun, /^[0-9a-f-]{36} begun: blink 1\.0\.0 to 3 heaters$/m)
        const id = /^([0-9a-f-]{36}) begun/m.exec(begun)?.[1] ?? ""
        assert.match(yield* good("rollout", "show", id), new RegExp(`rollout ${id}|heater-1`))
        yield* until(good("rollout", "show", id, "--json"), (text) => text.includes('"succeeded"'))
        assert.include(yield* good("ask", "which rollouts are running"), "no rollout is under way")
      }),
    110_000
  )
})
