import { assert, layer } from "@effect/vitest"
import { ConfigProvider, Effect, Layer, Schema } from "effect"
import { DevicePage } from "../../../src/gateways/http/Control.ts"
import { ConditionInvalid } from "../../../src/protocol/condition/ConditionInvalid.ts"
import { freePorts, RunningNode, until } from "../../support/RunningNode.ts"

const pageOf = Schema.decodeUnknownSync(DevicePage)
const invalid = Schema.decodeUnknownSync(Schema.Struct(ConditionInvalid.fields))
const boards = 5
const config = { ...freePorts, tokens: { operators: { eve: { token: { env: "EVE" }, may: ["image.*"] } } } }
const env = { ...process.env, EVE: "eve's own" }

layer(
  RunningNode.layer({ boards, config }).pipe(
    Layer.provide(Layer.succeed(ConfigProvider.ConfigProvider, ConfigProvider.fromEnv({ env })))
  ),
  { timeout: "60 seconds", excludeTestServices: true }
)("devices by a condition", (it) => {
  const asked = (query: Readonly<Record<string, string>>) =>
    Effect.flatMap(RunningNode, ({ get }) => get(`/api/devices?${new URLSearchParams(query)}`))
  const found = (query: Readonly<Record<string, string>>) =>
    Effect.map(asked(query), ({ status, text, json }) => {
      assert.strictEqual(status, 200, text)
      return pageOf(json)
    })
  const idsOf = ({ devices }: DevicePage) => devices.map(({ id }) => id)

  it.effect("are found as the boards report, with how old the answer is", () =>
    Effect.gen(function* () {
      const { post } = yield* RunningNode
      const page = yield* until(
        found({ where: 'state == "online" and temp > 0' }),
        (page) => page.devices.length === boards
      )
      assert.deepStrictEqual(idsOf(page), ["heater-1", "heater-2", "heater-3", "heater-4", "heater-5"])
      assert.isAtLeast(page.asOf?.behindMillis ?? -1, 0)
      for (const { status, reported } of page.devices) {
        assert.strictEqual(status.profile, "sim-heater")
        assert.isNumber(reported["temp"])
      }
      const outcome = yield* post("/api/device/heater-3/SetDesired", { patch: { target: 57 } })
      assert.strictEqual(outcome.status, 200, outcome.text)
      const wanting = yield* until(found({ where: "desired.target == 57" }), (page) => page.devices.length > 0)
      assert.deepStrictEqual(idsOf(wanting), ["heater-3"])
      assert.deepStrictEqual(wanting.devices[0]?.desired, { target: 57 })
      // The board applies it and says so.
      const applied = yield* until(
        found({ where: "reported.target == desired.target" }),
        (page) => page.devices.length > 0
      )
      assert.deepStrictEqual(idsOf(applied), ["heater-3"])
    })
  )

  it.effect("come page by page, with parameters that are values and never words of the condition", () =>
    Effect.gen(function* () {
      const query = { where: "profile == $profile and temp > $low", parameters: '{"profile":"sim-heater","low":-100}' }
      yield* until(found(query), (page) => page.devices.length === boards)
      const first = yield* found({ ...query, limit: "2" })
      assert.deepStrictEqual([idsOf(first), first.next], [["heater-1", "heater-2"], "heater-2"])
      const second = yield* found({ ...query, limit: "3", after: "heater-2" })
      assert.deepStrictEqual([idsOf(second), second.next], [["heater-3", "heater-4", "heater-5"], undefined])
      const hostile = `sim-heater" or true`
      assert.deepStrictEqual(
        idsOf(yield* found({ ...query, parameters: JSON.stringify({ profile: hostile, low: 0 }) })),
        []
      )
    })
  )

  it.effect("are those of the list when nothing is said of a condition", () =>
    Effect.gen(function* () {
      const page = yield* found({})
      assert.strictEqual(page.devices.length, boards)
      assert.isUndefined(page.asOf)
    })
  )

  it.effect("are refused with the place and what was meant when the condition is none", () =>
    Effect.gen(function* () {
      const unread = yield* asked({ where: 'state == "online" and\n temp >> 3' })
      assert.strictEqual(unread.status, 400)
      const [problem] = invalid(unread.json).problems
      assert.deepStrictEqual([problem.line, problem.column], [2, 8])
      assert.match(problem.excerpt, /temp >> 3\n *\^/)
      const mistyped = yield* asked({ where: 'state == "onlin"' })
      assert.deepStrictEqual(
        [mistyped.status, invalid(mistyped.json).problems[0].suggestions],
        [400, ['"online"', '"offline"']]
      )
      const unknown = yield* asked({ where: "temp > $low", parameters: '{"lo":3}' })
      assert.deepStrictEqual([unknown.status, invalid(unknown.json).problems[0].suggestions], [400, ["$lo"]])
      for (const query of [
        { where: "" },
        { where: "(".repeat(5000) },
        { where: "temp > 1", parameters: "[]" },
        { where: "temp > 1", parameters: '{"a":null}' },
        { where: "temp > 1", limit: "0" },
        { where: "temp > 1", after: "a\u0000" },
        { parameters: '{"a":1}' }
      ])
        assert.strictEqual((yield* asked(query)).status, 400, JSON.stringify(query))
    })
  )

  it.effect("are for those who may look at devices", () =>
    Effect.gen(function* () {
      const { get } = yield* RunningNode
      const refused = yield* get("/api/devices?where=true", { headers: { authorization: "Bearer eve's own" } })
      assert.strictEqual(refused.status, 403)
      assert.include(refused.text, "device.read")
    })
  )

  it.effect("are shown also when their twins are wider than one patch may be", () =>
    Effect.gen(function* () {
      const { post, get } = yield* RunningNode
      for (const letter of ["a", "b"]) {
        const patch = Object.fromEntries(Array.from({ length: 200 }, (_, place) => [`${letter}${place}`, place]))
        assert.strictEqual((yield* post("/api/device/heater-4/SetDesired", { patch })).status, 200)
      }
      const wide = yield* until(found({ where: "desired.b199 == 199" }), (page) => page.devices.length > 0)
      assert.strictEqual(Object.keys(wide.devices[0]?.desired ?? {}).length, 400)
      assert.strictEqual((yield* get("/api/devices/heater-4")).status, 200)
    })
  )

  it.effect("are found as retired once they are", () =>
    Effect.gen(function* () {
      const { post } = yield* RunningNode
      assert.strictEqual((yield* post("/api/device/heater-5/Retire", {})).status, 200)
      const retired = yield* until(found({ where: 'state == "retired"' }), (page) => page.devices.length > 0)
      assert.deepStrictEqual(idsOf(retired), ["heater-5"])
      const others = yield* found({ where: 'state != "retired"' })
      assert.strictEqual(others.devices.length, boards - 1)
    })
  )
})
