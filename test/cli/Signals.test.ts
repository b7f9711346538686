import { assert, layer } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { startSimulatedBoards } from "../../devices/simulated/SimulatedBoards.ts"
import { ChannelView } from "../../src/protocol/vsm/Algedonic.ts"
import { bad, good, holon } from "../support/NodeCommands.ts"
import { RunningNode, until } from "../support/RunningNode.ts"

const viewsOf = Schema.decodeUnknownSync(Schema.Array(ChannelView))

layer(RunningNode.layer(), { timeout: "90 seconds", excludeTestServices: true })("holon signals", (it) => {
  const felt = (vsm: string) =>
    Effect.map(good("signals", "ls", vsm, "--json"), (text) =>
      viewsOf(JSON.parse(text)).flatMap(({ signals }) => signals)
    )

  it.effect(
    "shows what hurts where, whoever said it, and who takes care of it",
    () =>
      Effect.gen(function* () {
        const { mqttPort } = yield* RunningNode
        const url = `mqtt://127.0.0.1:${mqttPort}`
        yield* startSimulatedBoards({ url, count: 1, spreadMillis: 0, intervalMillis: 200 })
        yield* good("vsm", "spawn", "line-1")
        yield* until(holon("vsm", "adopt", "line-1", "heater-1"), ({ isSuccess }) => isSuccess)
        assert.include(yield* good("signals", "raise", "line-1", "smoke", "--intensity", "0.96"), "hurts by 0.96")
        const [smoke] = yield* until(felt("root"), ({ length }) => length === 1)
        assert.deepInclude(Object(smoke), { source: "vsm/line-1", metric: "smoke", origin: "line-1", from: "line-1" })
        assert.match(
          yield* good("signals", "ls"),
          /^line-1\.\d+ +smoke +vsm\/line-1 +0\.96 +1 +\d+ s +a person was called$/m
        )
        yield* good("signals", "ack", smoke?.id ?? "", "--action", "opened the window")
        yield* until(felt("root"), ([signal]) => signal?.ack?.action === "opened the window")

        yield* good(
          "pattern",
          "add",
          'pattern "seen" { from board.telemetry by source.id where temp > -100 do raise("seen") }'
        )
        const found = yield* until(felt("line-1"), (signals) => signals.some(({ metric }) => metric === "seen"))
        assert.deepInclude(
          found.find(({ metric }) => metric === "seen"),
          { source: "device/heater-1", intensity: 0.6 }
        )
        assert.include(
          yield* good("events", "--where", 'type == "algedonic.raised"', "--last", "1"),
          "algedonic.raised"
        )
        yield* good("pattern", "rm", "seen")

        yield* good("signals", "resolve", smoke?.id ?? "")
        yield* until(felt("root"), (signals) => signals.every(({ metric }) => metric !== "smoke"))
      }),
    60_000
  )

  it.effect("sets what is felt and what asks nobody, and refuses what would silence agony", () =>
    Effect.gen(function* () {
      assert.include(yield* good("signals", "filter", "root", "noise", "--below", "0.5"), "noise below 0.5 asks nobody")
      assert.include(yield* bad("signals", "filter", "root", "*", "--below", "0.96"), "below")
      assert.include(yield* good("signals", "filter", "root", "noise", "--below", "0"), "filters nothing")
      const hot = ["signals", "thresholds", "root", "temperature_c", "--base", "30", "--pain"]
      assert.include(yield* bad(...hot, "200", "--agony", "300"), "more sensitive")
      assert.include(yield* good(...hot, "50", "--agony", "60"), "agony at 60")
      assert.include(yield* good("signals", "raise", "root", "temperature_c", "--value", "20"), "it does not hurt")
      assert.include(yield* good("signals", "thresholds", "root", "temperature_c"), "the usual thresholds")
      assert.include(yield* bad("signals", "raise", "root", "mood"), "how much it is must be said")
      assert.include(yield* bad("signals", "raise", "nowhere", "mood", "--intensity", "1"), "nowhere")
      assert.include(yield* bad("signals", "ack", "root.99999"), "root.99999")
      assert.include(yield* bad("signals", "ack", "nonsense"), "named as line-1.17")
    })
  )
})
