import { assert, layer } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { startSimulatedBoards } from "../../devices/simulated/SimulatedBoards.ts"
import { VsmView } from "../../src/protocol/vsm/VsmState.ts"
import { bad, good } from "../support/NodeCommands.ts"
import { RunningNode, until } from "../support/RunningNode.ts"

const viewOf = Schema.decodeUnknownSync(VsmView)

layer(RunningNode.layer(), { timeout: "90 seconds", excludeTestServices: true })("holon vsm", (it) => {
  const shown = (id: string) => Effect.map(good("vsm", "show", id, "--json"), (text) => viewOf(JSON.parse(text)))

  it.effect(
    "spawns, adopts, retires; the tree shows it, and what is refused says why",
    () =>
      Effect.gen(function* () {
        const { mqttPort } = yield* RunningNode
        const url = `mqtt://127.0.0.1:${mqttPort}`
        yield* startSimulatedBoards({ url, count: 3, spreadMillis: 0, intervalMillis: 60_000 })
        yield* until(shown("root"), ({ units }) => units === 3)

        assert.include(
          yield* good("vsm", "spawn", "hall", "--budget", "spawn=3", "--budget", "mem_mb=64"),
          "hall is active"
        )
        yield* good("vsm", "spawn", "line-1", "--parent", "hall", "--budget", "mem_mb=10")
        assert.include(yield* good("vsm", "adopt", "hall", "heater-1"), "heater-1 is with hall")
        yield* good("vsm", "adopt", "line-1", "heater-2", "heater-3")
        // What stands below tells it upwards, some hundred milliseconds later.
        const tree = yield* until(good("vsm", "tree"), (text) => text.includes("3 more below"))
        assert.match(tree, /^root {2}active {2}0 units {2}3 more below/)
        assert.match(tree, /^└─ hall {2}active {2}1 unit {2}2 more below {2}left mem_mb=54 spawn=2$/m)
        assert.match(tree, /^ {3}└─ line-1 {2}active {2}2 units {2}left mem_mb=10$/m)
        assert.include(yield* good("devices", "show", "heater-2", "--json"), '"vsm": "line-1"')

        assert.include(yield* bad("vsm", "spawn", "hall", "--parent", "line-1"), "loop")
        assert.include(yield* bad("vsm", "spawn", "more", "--parent", "line-1"), "spawn: 1 asked for, 0 left")
        assert.include(
          yield* bad("vsm", "spawn", "line-1", "--parent", "root"),
          "there is a VSM line-1 already, below hall"
        )
        assert.include(yield* bad("vsm", "spawn", "x", "--budget", "gold=1"), "gold=1 is no amount of a budget")
        assert.include(yield* bad("vsm", "spawn", "Not An Id"), "lower-case letters")
        assert.include(yield* bad("vsm", "adopt", "line-1", "nobody"), "device nobody")
        assert.include(
          yield* bad("vsm", "adopt", "line-1", "heater-1", "--from", "line-9"),
          "heater-1 is a unit of hall; --from hall takes it from there"
        )
        assert.include(yield* bad("vsm", "retire", "root"), "the root never retires")
        assert.include(yield* bad("vsm", "show", "nowhere"), "nowhere")

        yield* good("vsm", "quarantine", "hall", "--reason", "under repair")
        assert.include(yield* good("vsm", "show", "hall"), "under repair")
        assert.include(yield* bad("vsm", "spawn", "line-2", "--parent", "hall"), "quarantined")
        yield* good("vsm", "release", "hall")

        assert.include(yield* good("vsm", "retire", "hall"), "its devices are with root")
        yield* until(shown("root"), ({ units }) => units === 3)
        assert.strictEqual((yield* shown("line-1")).status, "retired")
        assert.deepStrictEqual((yield* shown("root")).children, [])
      }),
    60_000
  )

  it.effect("shows and sets the limits, and refuses a spawn beyond them", () =>
    Effect.gen(function* () {
      assert.match(yield* good("vsm", "limits"), /VSMs below the root +1024/)
      yield* good("vsm", "limits", "--total", "1", "--per-minute", "60")
      yield* good("vsm", "spawn", "only")
      assert.include(yield* bad("vsm", "spawn", "another"), "as many as there may be")
      yield* good("vsm", "retire", "only", "--now")
      assert.include(yield* bad("vsm", "limits", "--depth", "9"), "not between 2 and 8")
    })
  )
})
