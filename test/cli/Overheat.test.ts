import { assert, layer } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { startSimulatedBoards } from "../../devices/simulated/SimulatedBoards.ts"
import { eventsWhere, good } from "../support/NodeCommands.ts"
import { freePorts, RunningNode, until } from "../support/RunningNode.ts"

const hot = `pattern "hot" priority high {
  from board.telemetry
  by source.id
  when avg(temp) > 60 over sliding 10s where fan == false
  do tell(device, "\${source.id}", SetDesired, { patch: { fan: true } })
}
`

layer(RunningNode.layer({ config: freePorts }), { timeout: "120 seconds", excludeTestServices: true })(
  "a board that is hotter than 60 °C on average over 10 s while its fan is off",
  (it) => {
    it.effect(
      "has its fan switched on by a pattern, cools, and the events say why",
      () =>
        Effect.gen(function* () {
          const { mqttPort } = yield* RunningNode
          yield* good("pattern", "add", hot)
          yield* startSimulatedBoards({
            url: `mqtt://127.0.0.1:${mqttPort}`,
            count: 1,
            kind: "oven",
            prefix: "oven-",
            intervalMillis: 500
          })
          const [matched] = yield* until(eventsWhere('type == "pattern.matched"'), ({ length }) => length > 0)
          const values = Schema.decodeUnknownSync(Schema.Struct({ value: Schema.Finite }))(
            Schema.decodeUnknownSync(Schema.Struct({ values: Schema.Unknown }))(matched?.data).values
          )
          assert.isAbove(values.value, 60)
          const cools = 'type == "board.telemetry" and fan == true and temp < 55'
          yield* until(eventsWhere(cools), ({ length }) => length > 0)

          const readings = yield* eventsWhere('type == "board.telemetry" and exists temp')
          const cause = readings.find(({ id }) => id === matched?.causes[0])
          assert.strictEqual(cause?.source.id, "oven-1")
          const [told, ...others] = yield* eventsWhere('type == "twin.desired-changed"')
          assert.isEmpty(others)
          assert.deepStrictEqual(told?.causes, [matched?.id ?? ""])

          const tree = (yield* good("events", "--trace", told?.id ?? "")).split("\n")
          const roots = tree.filter((line) => /^\d{4}-/.test(line))
          assert.lengthOf(roots, 1)
          assert.match(roots[0] ?? "", /device\/oven-1 {2}board\.telemetry {2}.*fan=false/)
          assert.match(
            tree.at(-2) ?? tree.at(-1) ?? "",
            /└─ .*device\/oven-1 {2}twin\.desired-changed .*\{"fan":true\}/
          )
        }),
      90_000
    )
  }
)
