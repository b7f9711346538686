import { join } from "node:path"
import { assert, layer } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { startSimulatedBoards } from "../../devices/simulated/SimulatedBoards.ts"
import { EventPageView } from "../../src/gateways/http/EventQueries.ts"
import { run } from "../support/Cli.ts"
import { good, holon } from "../support/NodeCommands.ts"
import { freePorts, RunningNode, tempFolder, until } from "../support/RunningNode.ts"

const pageOf = Schema.decodeUnknownSync(EventPageView)
const statusOf = Schema.decodeUnknownSync(
  Schema.Struct({
    status: Schema.Struct({
      connection: Schema.Struct({ state: Schema.String }),
      zone: Schema.optionalKey(Schema.String),
      zoneBy: Schema.optionalKey(Schema.String)
    })
  })
)
const foundOf = Schema.decodeUnknownSync(Schema.Struct({ devices: Schema.Array(Schema.Struct({ id: Schema.String })) }))
const rolloutOf = Schema.decodeUnknownSync(
  Schema.Struct({ boards: Schema.Array(Schema.Struct({ id: Schema.String })) })
)
/** The zone that a match was found for. */
const zoneOfMatch = (data: unknown): string =>
  Schema.decodeUnknownSync(Schema.Struct({ by: Schema.Struct({ zone: Schema.String }) }))(data).by.zone

const config = {
  ...freePorts,
  zones: [
    { match: "press-*", zone: "hall.line-3" },
    { match: "oven-1", zone: "hall.line-4" }
  ]
}

layer(RunningNode.layer({ config }), { timeout: "60 seconds", excludeTestServices: true })(
  "zones of a running node",
  (it) => {
    const boards = (prefix: string, count: number, zone?: string) =>
      Effect.flatMap(RunningNode, ({ mqttPort }) =>
        startSimulatedBoards({
          url: `mqtt://127.0.0.1:${mqttPort}`,
          prefix,
          count,
          intervalMillis: 200,
          spreadMillis: 0,
          ...(zone !== undefined && { zone })
        })
      )
    /** Nothing before the board has attached: its row is there a moment earlier. */
    const zoneOf = (id: string) =>
      Effect.flatMap(RunningNode, ({ get }) =>
        Effect.map(get(`/api/devices/${id}`), ({ status, json }) => {
          if (status !== 200) return undefined
          const { connection, ...found } = statusOf(json).status
          return connection.state === "online" ? found : undefined
        })
      )
    const eventsWhere = (where: string, more = "") =>
      Effect.flatMap(RunningNode, ({ get }) =>
        Effect.map(
          get(`/api/events?last=10000&limit=1000&where=${encodeURIComponent(where)}${more}`),
          ({ status, json, text }) => {
            assert.strictEqual(status, 200, text)
            return pageOf(json).events.map(({ event }) => event)
          }
        )
      )
    const searched = (where: string) =>
      Effect.map(good("devices", "search", where, "--json"), (out) =>
        foundOf(JSON.parse(out)).devices.map(({ id }) => id)
      )

    it.effect("are those of the first rule that matches, else what the board says, else none", () =>
      Effect.gen(function* () {
        yield* boards("press-", 2, "shed")
        yield* boards("tank-", 1, "yard")
        yield* boards("lone-", 1)
        yield* until(zoneOf("press-2"), (found) => found !== undefined)
        yield* until(zoneOf("tank-1"), (found) => found !== undefined)
        yield* until(zoneOf("lone-1"), (found) => found !== undefined)
        assert.deepStrictEqual(yield* zoneOf("press-2"), { zone: "hall.line-3", zoneBy: "rule" })
        assert.deepStrictEqual(yield* zoneOf("tank-1"), { zone: "yard", zoneBy: "board" })
        assert.deepStrictEqual(yield* zoneOf("lone-1"), {})
      })
    )

    it.effect("stand in the events of their devices, and old events keep the zone of their time", () =>
      Effect.gen(function* () {
        yield* boards("oven-", 1)
        const telemetry = 'source.id == "oven-1" and type == "board.telemetry"'
        yield* until(eventsWhere(telemetry, "&samples=true"), (events) => events.length > 0)
        assert.strictEqual(
          yield* good("devices", "zone", "oven-1", "yard.shed"),
          "oven-1 is in zone yard.shed (people say so)\n"
        )
        yield* until(
          eventsWhere(`${telemetry} and zone == "yard.shed"`, "&samples=true"),
          (events) => events.length > 0
        )
        const before = yield* eventsWhere(`${telemetry} and zone == "hall.line-4"`, "&samples=true")
        assert.isAbove(before.length, 0)
        const changes = yield* eventsWhere('source.id == "oven-1" and type == "device.zone-changed"')
        assert.deepStrictEqual(
          changes.map(({ zone, data }) => [zone, data]),
          [
            ["hall.line-4", { zone: "hall.line-4", zoneBy: "rule" }],
            ["yard.shed", { zone: "yard.shed", zoneBy: "people", before: "hall.line-4" }]
          ]
        )
        const { context } = changes[1] ?? assert.fail("no change")
        assert.strictEqual(context?.principal, "user:local")
        assert.strictEqual(
          yield* good("devices", "zone", "oven-1", "--clear"),
          "oven-1 is in zone hall.line-4 (a rule of the config)\n"
        )
      })
    )

    it.effect("are set over HTTP, and refused where they are none", () =>
      Effect.gen(function* () {
        const { post } = yield* RunningNode
        yield* boards("gate-", 1)
        yield* until(zoneOf("gate-1"), (found) => found !== undefined)
        const set = yield* post("/api/device/gate-1/SetZone", { zone: "yard.gate" })
        assert.deepStrictEqual([set.status, set.json], [200, { zone: "yard.gate", zoneBy: "people" }])
        const wrong = yield* post("/api/device/gate-1/SetZone", { zone: "Yard/Gate" })
        assert.strictEqual(wrong.status, 400)
        assert.include(wrong.text, "one to six names of a-z")
        const missing = yield* post("/api/device/nobody/SetZone", { zone: "yard" })
        assert.strictEqual(missing.status, 404)
        const misspelt = yield* holon("devices", "zone", "gate-1", "Yard")
        assert.isFalse(misspelt.isSuccess)
        assert.include(misspelt.err, "Yard is no zone: one to six names of a-z")
        const both = yield* holon("devices", "zone", "gate-1", "yard", "--clear")
        assert.include(both.err, "either name a zone or take it back with --clear")
        assert.strictEqual(yield* good("devices", "zone", "gate-1"), "gate-1 is in zone yard.gate (people say so)\n")
      })
    )

    it.effect("are what patterns count by, and where they are switched on", () =>
      Effect.gen(function* () {
        const { post, get } = yield* RunningNode
        yield* boards("press-", 2)
        yield* boards("oven-", 1)
        // Two boards of line 3 are in one group, the board of line 4 is alone in its own.
        const both = 'pattern "both" { from board.telemetry by zone when distinct(source.id) >= 2 over sliding 5s }'
        const each = 'pattern "each" { from board.telemetry by zone where exists temp }'
        yield* good("pattern", "add", both)
        yield* good("pattern", "add", each)
        const matches = (pattern: string) =>
          Effect.map(eventsWhere(`type == "pattern.matched" and pattern == "${pattern}"`), (events) =>
            events.map(({ data }) => zoneOfMatch(data))
          )
        const found = yield* until(matches("both"), (zones) => zones.length > 0)
        assert.deepStrictEqual([...new Set(found)], ["hall.line-3"])
        yield* until(matches("each"), (zones) => zones.includes("hall.line-3") && zones.includes("hall.line-4"))

        assert.strictEqual(
          yield* good("pattern", "on", "each", "--zone", "hall.line-4"),
          "each version 1, looking at events in hall.line-4\n"
        )
        const last = (zones: ReadonlyArray<string>) => new Set(zones.slice(-8))
        yield* until(matches("each"), (zones) => !last(zones).has("hall.line-3") && zones.length > 8)
        assert.match(yield* good("pattern", "ls"), /\nboth +1 +on +everywhere +/)
        assert.match(yield* good("pattern", "ls"), /\neach +1 +on +hall\.line-4 +/)
        assert.match(
          yield* good("pattern", "show", "each"),
          /^each version 1, looking at events in hall\.line-4, written by user:local\n/
        )
        assert.include((yield* get("/api/patterns/each")).text, '"zones":["hall.line-4"]')

        // A zone that contains both.
        const wider = yield* post("/api/patterns/each/switch", { isOn: true, zones: ["hall"] })
        assert.deepInclude(wider.json, { isOn: true, zones: ["hall", "hall.line-4"] })
        yield* until(matches("each"), (zones) => last(zones).has("hall.line-3") && last(zones).has("hall.line-4"))

        const wrong = yield* post("/api/patterns/each/switch", { isOn: false, zones: ["hall.line-3"] })
        assert.strictEqual(wrong.status, 400)
        assert.include(wrong.text, "each is not on in hall.line-3, but in hall, hall.line-4")
        const misspelt = yield* post("/api/patterns/each/switch", { isOn: true, zones: ["Hall"] })
        assert.strictEqual(misspelt.status, 400)
        assert.strictEqual(
          yield* good("pattern", "off", "each", "--zone", "hall", "--zone", "hall.line-4"),
          "each version 1, off\n"
        )
        assert.strictEqual(yield* good("pattern", "on", "each", "--everywhere"), "each version 1, looking at events\n")
        const contrary = yield* holon("pattern", "on", "each", "--everywhere", "--zone", "hall")
        assert.include(contrary.err, "either name zones or say --everywhere")
      })
    )

    it.effect("select devices in searches and in rollouts, and are a column of lists", () =>
      Effect.gen(function* () {
        yield* boards("press-", 2)
        yield* boards("lone-", 1)
        yield* good("devices", "zone", "lone-1", "hall")
        const mine = 'zone inside "hall" and (id glob "press-*" or id == "lone-1") and state == "online"'
        const found = yield* until(searched(mine), (ids) => ids.length === 3)
        assert.deepStrictEqual(found, ["lone-1", "press-1", "press-2"])
        assert.match(yield* good("devices", "ls"), /^ID +STATE +SEEN +PROFILE +ZONE +REPORTED\n/)
        assert.match(yield* good("devices", "ls"), /\npress-1 +online +.* sim-heater +hall\.line-3 +/)
        const folder = yield* tempFolder
        const file = join(folder, "blink.hxe")
        const example = join(import.meta.dirname, "../../examples/blink.mvasm")
        yield* run(["image", "build", example, "--name", "blink", "--out", file])
        yield* good("image", "push", file)
        const started = yield* good("rollout", "start", "blink", "--where", mine, "--detach", "--json")
        assert.deepStrictEqual(
          rolloutOf(JSON.parse(started)).boards.map(({ id }) => id),
          ["lone-1", "press-1", "press-2"]
        )
      })
    )
  }
)
