import { PgClient } from "@effect/sql-pg"
import { assert, layer } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { Patterns } from "../../src/events/Patterns.ts"
import type { Pattern } from "../../src/protocol/pattern/Pattern.ts"
import * as PatternStore from "../../src/runtime/storage/PatternStore.ts"
import { eventsWhere } from "../support/NodeCommands.ts"
import { freePorts, RunningNode, until } from "../support/RunningNode.ts"

const field = (...path: [string, ...Array<string>]) => ({ _tag: "Field", path }) as const

/** Once for each board that reports a temperature at all. */
const seen: Pattern = {
  name: "seen",
  priority: "normal",
  from: ["board.telemetry"],
  by: [["source", "id"]],
  body: {
    _tag: "When",
    aggregate: { _tag: "Avg", of: field("temp") },
    threshold: { operator: ">", value: -100 },
    over: { _tag: "Sliding", millis: 10_000 },
    where: { _tag: "Exists", path: ["temp"] }
  },
  actions: [
    { _tag: "Event", type: "board.seen" },
    {
      _tag: "Tell",
      kind: "device",
      id: "$source.id",
      message: "SetDesired",
      payload: { patch: { target: 33 } }
    }
  ]
}

layer(RunningNode.layer({ boards: 2, config: freePorts }), { timeout: "60 seconds", excludeTestServices: true })(
  "patterns over a running node",
  (it) => {
    it.effect("match what boards report, once for each, and act", () =>
      Effect.gen(function* () {
        const { sql } = yield* RunningNode
        yield* Effect.provide(
          Effect.flatMap(Patterns, (patterns) => patterns.put({ source: "", pattern: seen, by: "test" })),
          PatternStore.layer.pipe(Layer.provide(Layer.succeed(PgClient.PgClient, sql)))
        )
        const matched = yield* until(eventsWhere('type == "pattern.matched"'), ({ length }) => length >= 2)
        assert.deepStrictEqual(
          matched.map((event) => [event.type, event.source.actor]),
          [
            ["pattern.matched", "pattern-partition"],
            ["pattern.matched", "pattern-partition"]
          ]
        )
        const acted = yield* until(eventsWhere('type == "board.seen"'), ({ length }) => length >= 2)
        assert.strictEqual(acted.length, 2)
        const { get } = yield* RunningNode
        yield* until(get("/api/devices/heater-2"), ({ text }) => text.includes('"target":33'))
      })
    )
  }
)
