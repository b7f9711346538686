import { assert, layer } from "@effect/vitest"
import { ConfigProvider, Effect, Layer, Schema } from "effect"
import { startSimulatedBoards } from "../../../devices/simulated/SimulatedBoards.ts"
import { AskView } from "../../../src/gateways/http/AskApi.ts"
import type { ClusterInput } from "../../../src/runtime/Config.ts"
import { freePorts, RunningNode, until } from "../../support/RunningNode.ts"

const config: ClusterInput = {
  ...freePorts,
  tokens: {
    operators: {
      ada: { env: "ADA" },
      bob: { token: { env: "BOB" }, may: ["device.read"] },
      eve: { token: { env: "EVE" }, may: [] }
    }
  },
  words: {
    profiles: [{ name: "sim-heater", words: ["burner"] }],
    fields: [{ name: "fan", type: "boolean", isSettable: true, profiles: ["sim-heater"], words: ["wind machine"] }],
    commands: [{ name: "ping", words: ["knock"], profiles: ["sim-heater"] }]
  }
}
const env = { ...process.env, ADA: "ada's own", BOB: "bob's own", EVE: "eve's own" }
const withTokens = Layer.provide(Layer.succeed(ConfigProvider.ConfigProvider, ConfigProvider.fromEnv({ env })))
const as = (name: string) => ({ authorization: `Bearer ${name}'s own` })
const viewOf = Schema.decodeUnknownSync(AskView)
const tagOf = (json: unknown): unknown => Object(json)._tag

layer(RunningNode.layer({ config }).pipe(withTokens), { timeout: "90 seconds", excludeTestServices: true })(
  "POST /api/ask",
  (it) => {
    const ask = (name: string, body: unknown) =>
      Effect.flatMap(RunningNode, ({ post }) => post("/api/ask", body, as(name)))
    const started = Effect.gen(function* () {
      const { mqttPort } = yield* RunningNode
      const url = `mqtt://127.0.0.1:${mqttPort}`
      yield* startSimulatedBoards({ url, count: 2, spreadMillis: 0, programs: false })
      yield* until(ask("ada", { text: "ping all burners" }), ({ json }) => {
        const { plan } = Object(json)
        return plan?.steps?.length === 2
      })
    })

    it.effect("reads with the words of the config", () =>
      Effect.gen(function* () {
        yield* started
        const lineOf = (text: string) =>
          Effect.map(ask("ada", { text }), ({ json }) => {
            const view = viewOf(json)
            return view._tag === "Understood" ? view.words : view.question
          })
        assert.strictEqual(yield* lineOf("knock all burners"), "have all sim-heater boards do ping")
        assert.strictEqual(yield* lineOf("turn on the wind machine of heater-1"), "turn on the fan of heater-1")
        // What the config says nothing of is as this release knows it.
        assert.strictEqual(yield* lineOf("turn off heater-1"), "turn off heater-1")
      })
    )

    it.effect("plans only for who has the right to it, and reads for nobody without one", () =>
      Effect.gen(function* () {
        yield* started
        const question = yield* ask("bob", { text: "how many devices are online" })
        assert.deepInclude(Object(question.json).plan, { sentence: "2 devices" })
        const order = yield* ask("bob", { text: "turn off heater-1" })
        assert.strictEqual(order.status, 403, order.text)
        assert.match(order.text, /bob has no right to device\.set/)
        const blind = yield* ask("eve", { text: "list the devices" })
        assert.strictEqual(blind.status, 403, blind.text)
        const { post } = yield* RunningNode
        assert.strictEqual((yield* post("/api/ask", { text: "list the devices" }, as("nobody"))).status, 401)
      })
    )

    it.effect("answers what is wrong with a request as such, and what is unclear as a question", () =>
      Effect.gen(function* () {
        yield* started
        const bodies: ReadonlyArray<readonly [body: unknown, status: number]> = [
          [{}, 400],
          ["[", 400],
          [{ text: 7 }, 400],
          [{ text: "list the devices", sure: true }, 400],
          [{ text: "turn off heater-1", choose: 0 }, 400],
          [{ text: "turn off heater-1", choose: 2 }, 400],
          [{ text: "x".repeat(5000) }, 400],
          [{ text: "turn off the heater", choose: 9 }, 400]
        ]
        for (const [body, status] of bodies)
          assert.strictEqual((yield* ask("ada", body)).status, status, JSON.stringify(body).slice(0, 60))
        for (const text of [
          "",
          "x".repeat(600),
          "\u0000",
          "🔥",
          "turn off heater-9",
          "'; drop table actor; --",
          "{{7*7}}"
        ]) {
          const { json, status } = yield* ask("ada", { text })
          assert.strictEqual(status, 200, text)
          assert.strictEqual(tagOf(json), "Unclear", text)
        }
      })
    )

    it.effect("lets a sentence mean what was chosen, when that is asked for", () =>
      Effect.gen(function* () {
        yield* started
        const text = "turn off the burner"
        const wordsOf = (body: object) =>
          Effect.map(ask("ada", { text, ...body }), ({ json }) => {
            const view = viewOf(json)
            return view._tag === "Understood" ? view.words : view.reason
          })
        assert.strictEqual(yield* wordsOf({}), "ambiguous")
        assert.strictEqual(yield* wordsOf({ choose: 2 }), "turn off heater-2")
        assert.strictEqual(yield* wordsOf({}), "ambiguous")
        assert.strictEqual(yield* wordsOf({ choose: 2, remember: true }), "turn off heater-2")
        assert.strictEqual(yield* wordsOf({}), "turn off heater-2")
      })
    )
  }
)
