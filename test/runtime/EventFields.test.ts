/** What actors say has no field that their contracts do not declare: patterns are refused by what is declared. */
import { assert, layer } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { EventPageView } from "../../src/gateways/http/EventQueries.ts"
import { formatPath } from "../../src/protocol/condition/Format.ts"
import { fieldAt } from "../../src/protocol/condition/Source.ts"
import { eventSources } from "../../src/protocol/pattern/EventFields.ts"
import { registry } from "../../src/runtime/Registry.ts"
import { freePorts, RunningNode, until } from "../support/RunningNode.ts"

const declared = new Map([...registry.values()].flatMap(({ behaviour }) => Object.entries(behaviour.contract.events)))
const sourceOf = eventSources(declared)({ published: () => [], publishersOf: () => [] })

/** Paths of all that is in a value. */
const pathsIn = (value: unknown, path: readonly [string, ...ReadonlyArray<string>]): ReadonlyArray<typeof path> =>
  typeof value === "object" && value !== null && !Array.isArray(value)
    ? Object.entries(value).flatMap(([key, below]) => pathsIn(below, [...path, key]))
    : [path]

layer(RunningNode.layer({ boards: 2, config: freePorts }), { timeout: "60 seconds", excludeTestServices: true })(
  "what actors say on a running node",
  (it) => {
    it.effect("has only fields that are declared", () =>
      Effect.gen(function* () {
        const { get, post } = yield* RunningNode
        const good = (path: string, body: unknown) =>
          Effect.map(post(path, body), ({ status, text }) => assert.strictEqual(status, 200, text))
        yield* good("/api/patterns", {
          text: 'pattern seen { from board.telemetry by source.id when count > 0 over last 1 events emit { zone: zone } do event("x.seen"), webhook("http://127.0.0.1:9/") }'
        })
        yield* good("/api/device/heater-1/SetDesired", { patch: { target: 25 } })
        yield* good("/api/device/heater-1/SetZone", { zone: "hall" })
        yield* post("/api/device/heater-1/Invoke", { name: "nonsense" })
        yield* good("/api/device/heater-2/Retire", {})
        const wanted = [
          "device.online",
          "device.retired",
          "twin.desired-changed",
          "device.zone-changed",
          "pattern.matched"
        ]
        const where = encodeURIComponent('not (type glob "board.*")')
        const { events } = yield* until(
          Effect.map(get(`/api/events?last=10000&limit=1000&samples=true&where=${where}`), ({ json }) =>
            Schema.decodeUnknownSync(EventPageView)(json)
          ),
          (page) => wanted.every((type) => page.events.some(({ event }) => event.type === type))
        )
        const seen = new Set<string>()
        for (const { event } of events) {
          if (!declared.has(event.type)) continue
          seen.add(event.type)
          const source = sourceOf([event.type])
          for (const path of pathsIn(event.data, ["data"]))
            if (path.length > 1) assert.isDefined(fieldAt(source, path), `${event.type}: ${formatPath(path)}`)
        }
        assert.includeMembers([...seen], wanted)
      })
    )
  }
)
