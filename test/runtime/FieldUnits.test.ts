/** Units that a config declares, on a whole node: searches, events, patterns and subscriptions say numbers with them. */
import { assert, layer } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { DevicePage } from "../../src/gateways/http/Control.ts"
import { EventPageView } from "../../src/gateways/http/EventQueries.ts"
import { run } from "../support/Cli.ts"
import { freePorts, RunningNode, until } from "../support/RunningNode.ts"

const config = { ...freePorts, units: { temp: "°C", power: "W", target: "°C" } }
const pageOf = Schema.decodeUnknownSync(DevicePage)
const eventsOf = Schema.decodeUnknownSync(EventPageView)

layer(RunningNode.layer({ boards: 1, config }), { timeout: "60 seconds", excludeTestServices: true })(
  "fields that declare what they count in",
  (it) => {
    const asked = (path: string, where: string) =>
      Effect.flatMap(RunningNode, ({ get }) => get(`${path}where=${encodeURIComponent(where)}`))
    const found = (where: string) =>
      Effect.map(asked("/api/devices?", where), ({ json, status, text }) => {
        assert.strictEqual(status, 200, text)
        return pageOf(json).devices.map(({ id }) => id)
      })

    it.effect("are searched with any unit of their kind, reported and desired", () =>
      Effect.gen(function* () {
        const { post } = yield* RunningNode
        yield* until(found("temp > -50°C and power < 10kW"), (ids) => ids.length === 1)
        // Where nothing was declared all of these would be refused; as plain numbers they would say the opposite.
        assert.deepStrictEqual(yield* found("temp > 250K"), ["heater-1"])
        assert.deepStrictEqual(yield* found("temp > 200°C"), [])
        yield* post("/api/device/heater-1/SetDesired", { patch: { target: 57 } })
        yield* until(found("desired.target in 329K..331K"), (ids) => ids.length === 1)
      })
    )

    it.effect("refuse a unit of another kind with a sentence, and the command says it", () =>
      Effect.gen(function* () {
        const { url, data, post } = yield* RunningNode
        const sentence = /5V cannot be brought into °C, which is what the field counts in; write it in °C/
        const where = "reported.temp > 5V"
        for (const path of ["/api/devices?", "/api/events?"]) {
          const { status, text } = yield* asked(path, where)
          assert.strictEqual(status, 400)
          assert.match(text, sentence)
        }
        const pattern = yield* post("/api/patterns", { text: `pattern wrong { where ${where} }` })
        assert.deepStrictEqual([pattern.status, sentence.test(pattern.text)], [400, true], pattern.text)
        const subscription = yield* post("/api/subscription/wrong/Create", { where })
        assert.deepStrictEqual([subscription.status, sentence.test(subscription.text)], [400, true])
        const place = ["--url", url, "--data", data]
        assert.match((yield* run(["devices", "search", where, ...place])).err, sentence)
        assert.match((yield* run(["subscription", "create", "wrong", "--where", where, ...place])).err, sentence)
        // What nothing declares is refused as ever.
        assert.match((yield* asked("/api/devices?", "fan == 5V")).text, /no field here declares what it counts in/)
      })
    )

    it.effect("are those of events, of patterns and of subscriptions, which keep plain numbers", () =>
      Effect.gen(function* () {
        const { post, get } = yield* RunningNode
        const source = `pattern warm {
          from board.telemetry by source.id
          where temp > 250K and power < 10kW
          emit { over: temp - 250K, sum: power + 1kW }
          do event("x.warm")
        }`
        const put = yield* post("/api/patterns", { text: source })
        // A difference of temperatures is no temperature.
        assert.strictEqual(put.status, 400, put.text)
        assert.match(put.text, /250K cannot be brought into °C/)
        const sound = source.replace("temp - 250K", "temp")
        const kept = yield* post("/api/patterns", { text: sound })
        assert.strictEqual(kept.status, 200, kept.text)
        const { body, emit } = Object(kept.json).pattern
        const right = Object(body).condition.of.map((each: unknown) => Object(each).right)
        assert.deepStrictEqual(right, [
          { _tag: "Number", value: -23.15 },
          { _tag: "Number", value: 10_000 }
        ])
        assert.deepStrictEqual(Object(emit).sum.right, { _tag: "Number", value: 1000 })
        assert.include(Object(kept.json).source, "250K", "the text stays as its author wrote it")
        const matched = yield* until(
          Effect.map(get("/api/events?last=100&where=type%3D%3D%22x.warm%22"), ({ json }) => eventsOf(json).events),
          (events) => events.length > 0
        )
        assert.isAbove(Object(matched[0]?.event.data).values.sum, 999)
        const samples = yield* asked("/api/events?last=1000&samples=true&", "reported.temp > 250K")
        assert.isAbove(eventsOf(samples.json).events.length, 0)
        const created = yield* post("/api/subscription/warm/Create", { where: "reported.temp > 250K", samples: true })
        assert.strictEqual(Object(created.json).settings?.where, "reported.temp > -23.15", created.text)
      })
    )
  }
)
