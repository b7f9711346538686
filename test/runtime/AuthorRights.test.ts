import { PgClient } from "@effect/sql-pg"
import { assert, describe, it, layer } from "@effect/vitest"
import { ConfigProvider, Effect, Layer, Schema } from "effect"
import { AuthorRights } from "../../src/actors/pattern/AuthorRights.ts"
import { Patterns } from "../../src/events/Patterns.ts"
import { readPattern } from "../../src/protocol/pattern/PatternText.ts"
import { layer as rights } from "../../src/runtime/AuthorRights.ts"
import { ClusterConfig } from "../../src/runtime/Config.ts"
import { registry } from "../../src/runtime/Registry.ts"
import * as PatternStore from "../../src/runtime/storage/PatternStore.ts"
import { eventsWhere } from "../support/NodeCommands.ts"
import { freePorts, RunningNode, until } from "../support/RunningNode.ts"

const config = {
  ...freePorts,
  tokens: {
    operators: {
      ada: { env: "ADA" },
      ron: { token: { env: "RON" }, may: ["pattern.*"] },
      pia: { token: { env: "PIA" }, may: ["pattern.*", "device.s*", "vsm.dispatch"] }
    }
  }
}
const env = { ...process.env, ADA: "ada's own", RON: "ron's own", PIA: "pia's own" }
const provider = ConfigProvider.fromEnv({ env })
const withTokens = Layer.provide(Layer.succeed(ConfigProvider.ConfigProvider, provider))

describe("the rights of an author", () => {
  it.effect("are those that the config gives the account now", () =>
    Effect.gen(function* () {
      const decoded = yield* Schema.decodeUnknownEffect(ClusterConfig)(config)
      const { missing } = yield* Effect.provide(AuthorRights, rights(decoded, registry))
      const set = { kind: "device", message: "SetDesired" }
      for (const author of ["user:ada", "user:pia", "user:local", "service:holon", "test"])
        assert.isUndefined(missing(author, set), author)
      for (const author of ["user:ron", "user:gone", "user:constructor"])
        assert.strictEqual(missing(author, set), "device.set", author)
      assert.strictEqual(missing("user:pia", { kind: "device", message: "Retire" }), "device.retire")
      // A dispatcher would do for the pattern whatever it says, as the runtime.
      const order = { kind: "dispatcher", message: "DispatchIntent" }
      assert.strictEqual(missing("user:pia", order), "*")
      assert.isUndefined(missing("user:ada", order))
      // What this release does not know is for those with all rights.
      assert.strictEqual(missing("user:pia", { kind: "device", message: "Fly" }), "")
      assert.isUndefined(missing("user:ada", { kind: "device", message: "Fly" }))
    }).pipe(Effect.provideService(ConfigProvider.ConfigProvider, provider))
  )
})

layer(RunningNode.layer({ boards: 1, config }).pipe(withTokens), { timeout: "60 seconds", excludeTestServices: true })(
  "a pattern of an operator whose right was taken away",
  (it) => {
    it.effect("matches, but tells nobody any more; an event says what was refused", () =>
      Effect.gen(function* () {
        const { sql, get } = yield* RunningNode
        const once = (name: string, target: number) =>
          Effect.map(
            Effect.fromResult(
              readPattern(
                `pattern ${name} { from board.telemetry by source.id when avg(temp) > -100 over sliding 10s clear < -200
                   do event("x.${name}"), tell(device, "\${source.id}", SetDesired, { patch: { ${name}: ${target} } }) }`
              )
            ),
            (pattern) => ({ pattern, source: "" })
          )
        // As they were written while both had the right.
        yield* Effect.gen(function* () {
          const patterns = yield* Patterns
          yield* patterns.putAll([yield* once("rons", 31)], "user:ron")
          yield* patterns.putAll([yield* once("pias", 32)], "user:pia")
        }).pipe(Effect.provide(PatternStore.layer.pipe(Layer.provide(Layer.succeed(PgClient.PgClient, sql)))))
        const [refused] = yield* until(eventsWhere('type == "operator.refused"'), (found) => found.length > 0)
        assert.deepInclude(refused?.source, { actor: "operator", id: "ron" })
        assert.deepInclude(refused?.data, {
          capability: "device.set",
          message: "SetDesired",
          target: "device/heater-1, by pattern rons",
          count: 1
        })
        const [match, ...more] = yield* eventsWhere('type == "pattern.matched" and pattern == "rons"')
        assert.lengthOf(more, 0)
        assert.deepStrictEqual<unknown>(refused?.causes, [match?.id])
        assert.lengthOf(yield* eventsWhere('type == "x.rons"'), 1)
        yield* until(get("/api/devices/heater-1"), ({ text }) => text.includes('"pias":32'))
        assert.notInclude((yield* get("/api/devices/heater-1")).text, "rons")
        assert.lengthOf(yield* eventsWhere('type == "operator.refused"'), 1)
      })
    )
  }
)
