import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, layer } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { startSimulatedBoards } from "../../devices/simulated/SimulatedBoards.ts"
import { RolloutView } from "../../src/protocol/Rollout.ts"
import { run } from "../support/Cli.ts"
import { good, holon } from "../support/NodeCommands.ts"
import { RunningNode, tempFolder, until } from "../support/RunningNode.ts"

const examples = join(import.meta.dirname, "../../examples")
/** A trial is over after a second. */
const confirm = 1000
const boardsCount = 50
const canary = 5
const waveSize = 15
/** Boards of the third wave that have gone further already, and refuse what is older. */
const refusing = [22, 29, 34]

const rolloutOf = Schema.decodeUnknownSync(Schema.Struct({ id: Schema.String, ...RolloutView.fields }))
const programsOf = Schema.decodeUnknownSync(
  Schema.Array(
    Schema.Struct({
      device: Schema.String,
      name: Schema.String,
      state: Schema.String,
      version: Schema.optionalKey(Schema.String)
    })
  )
)

/** Ids of 50 boards in the order in which they are stored, which is that of the waves. */
const ids = Array.from({ length: boardsCount }, (_, index) => `cell-${index + 101}`)
const waveOf = (index: number): number => (index < canary ? 0 : 1 + Math.floor((index - canary) / waveSize))

layer(RunningNode.layer(), { timeout: "90 seconds", excludeTestServices: true })("holon rollout", (it) => {
  /** Builds an example under a name and pushes it as this version. */
  const pushed = Effect.fnUntraced(function* (example: string, name: string, version: string, secver = 0) {
    const folder = yield* tempFolder
    const file = join(folder, "image.hxe")
    const manifest = join(folder, "manifest.json")
    writeFileSync(manifest, JSON.stringify({ confirm, version, secver }))
    const ran = yield* run(["image", "build", join(examples, example), "--name", name, "--out", file])
    assert.isTrue(ran.isSuccess, ran.err)
    yield* good("image", "push", file, "--manifest", manifest)
    return `${name}@${version}`
  })

  const attached = (kind: "board" | "press", prefix: string, count: number, from: number) =>
    Effect.gen(function* () {
      const { mqttPort } = yield* RunningNode
      const url = `mqtt://127.0.0.1:${mqttPort}`
      yield* startSimulatedBoards({ url, kind, prefix, count, from, spreadMillis: 0, intervalMillis: 60_000 })
      const online = Effect.map(good("devices", "ls"), (text) => [
        ...text.matchAll(new RegExp(`^${prefix}\\d+ +online`, "gm"))
      ])
      yield* until(online, ({ length }) => length === count)
    })

  it.effect(
    "stops fifty boards at the wave that fails, takes that wave back, leaves the others, and says so",
    () =>
      Effect.gen(function* () {
        yield* attached("board", "cell-", boardsCount, 101)
        const first = yield* pushed("blink.mvasm", "pump", "1.0.0")
        const newest = yield* pushed("echo.mvasm", "pump", "9.0.0", 9)
        const second = yield* pushed("thermostat.mvasm", "pump", "2.0.0")
        const before = ids.map((id, index) => ({ id, image: refusing.includes(index) ? newest : first }))
        yield* Effect.forEach(before, ({ id, image }) => good("provision", id, image), { concurrency: 8 })

        const waves = ["--canary", String(canary), "--wave", String(waveSize), "--parallel", "16", "--observe", "1"]
        const ran = yield* holon("rollout", "start", second, "cell-*", ...waves, "--json")
        assert.isFalse(ran.isSuccess)
        const { id, state, boards, waves: count } = rolloutOf(JSON.parse(ran.out))
        assert.strictEqual(
          ran.err,
          `holon: rollout ${id} is stopped: ${reasonOf(ran.out)}; holon rollout show ${id} says more\n`
        )
        assert.deepStrictEqual([state, count], ["stopped", 4])
        assert.deepStrictEqual(
          boards.map((board) => [board.id, board.wave]),
          ids.map((board, index) => [board, waveOf(index)])
        )
        const steps = (wave: number) =>
          Object.groupBy(
            boards.filter((board) => board.wave === wave),
            ({ step }) => step
          )
        assert.deepStrictEqual([Object.keys(steps(0)), Object.keys(steps(1))], [["good"], ["good"]])
        assert.isUndefined(steps(2).good)
        // The first of them that answers stops the wave; which one that is, is a race.
        const failed = (steps(2).failed ?? []).map((board) => board.id)
        assert.isAbove(failed.length, 0)
        assert.includeMembers(
          refusing.map((index) => ids[index]),
          failed
        )

        // What the boards run is what the report says: the failed wave as before, the last one untouched.
        const running = Effect.map(good("ps", "--json"), (text) =>
          programsOf(JSON.parse(text))
            .filter(({ name, device }) => name === "pump" && device.startsWith("cell-"))
            .map(({ device, version }) => [device, version])
        )
        const expected = ids.map((board, index) => [
          board,
          refusing.includes(index) ? "9.0.0" : waveOf(index) < 2 ? "2.0.0" : "1.0.0"
        ])
        yield* until(running, (found) => JSON.stringify(found) === JSON.stringify(expected))
        yield* until(good("rollout", "show", id), (text) => !/provisioning|rolling-back|observing/.test(text))
        assert.match(yield* good("rollout", "ls"), /stopped +3 of 4 +20 of 50 good/)
        const shown = yield* good("rollout", "show", id)
        for (const board of failed) assert.match(shown, new RegExp(`^${board} +3 +failed +1 +.*security version`, "m"))
        assert.match(shown, /^\d+ boards +4(-\d+)? +waiting +0 +not begun yet$/m)
      }).pipe(Effect.scoped),
    90_000
  )

  it.effect("takes only the boards of the profile that is named", () =>
    Effect.gen(function* () {
      yield* attached("press", "line-", 2, 1)
      yield* attached("board", "line-", 2, 11)
      const image = yield* pushed("hello.mvasm", "greet", "1.0.0")
      const flags = ["--observe", "1", "--canary", "9"]
      const text = yield* good("rollout", "start", image, "line-*", "--profile", "sim-press", ...flags)
      assert.match(text, /line-1 +1 +good +1\nline-2 +1 +good +1\nrollout \S+: succeeded/)
      assert.notInclude(text, "line-11")
      const nobody = yield* holon("rollout", "start", image, "line-*", "--profile", "host-linux", ...flags)
      assert.strictEqual(nobody.err, "holon: there is no device that is selected and not retired\n")
    }).pipe(Effect.scoped)
  )
})

const reasonOf = (json: string): string => String(rolloutOf(JSON.parse(json)).reason)
