import { assert, layer } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { startSimulatedBoards } from "../../devices/simulated/SimulatedBoards.ts"
import { Actors } from "../../src/actors/Actors.ts"
import { leases } from "../../src/actors/vsm/Lease.ts"
import * as WayToActors from "../../src/actors/WayToActors.ts"
import { freePorts, RunningNode, until } from "../support/RunningNode.ts"

/** What the config bounds is bounded from the start on. */
const vsmLimits = { bounds: { depth: 4, children: 3 }, budget: { spawn: 7 } }

layer(RunningNode.layer({ config: { ...freePorts, vsm: vsmLimits } }), {
  timeout: "90 seconds",
  excludeTestServices: true
})("a node that has begun", (it) => {
  const ask = (path: string) => Effect.flatMap(RunningNode, ({ post }) => post(path, {}))

  it.effect("has a root VSM and a guard that nobody has asked for", () =>
    Effect.gen(function* () {
      const root = yield* until(ask("/api/vsm/root/Describe"), ({ status }) => status === 200)
      assert.include(root.text, '"path":["root"]')
      const limits = yield* until(ask("/api/recursion/root/GetLimits"), ({ status }) => status === 200)
      assert.include(limits.text, '"total":0')
    })
  )

  it.effect("is bounded by what its config says", () =>
    Effect.gen(function* () {
      const limits = yield* until(ask("/api/recursion/root/GetLimits"), ({ text }) => text.includes('"children":3'))
      assert.include(limits.text, '"depth":4')
      const root = yield* until(ask("/api/vsm/root/Describe"), ({ text }) => text.includes('"spawn":7'))
      assert.include(root.text, '"mem_mb":1000000000')
    })
  )

  it.effect(
    "asks those above a VSM which of them answers: its parent, or past one that has retired, or never was, the next",
    () =>
      Effect.gen(function* () {
        const { actors, post } = yield* RunningNode
        yield* post("/api/vsm/root/Spawn", { child: "hall", budget: { spawn: 2 } })
        yield* until(ask("/api/vsm/hall/Describe"), ({ text }) => text.includes('"active"'))
        const way = WayToActors.layerOpening.pipe(
          Layer.provideMerge(WayToActors.layer),
          Layer.provide(Layer.succeed(Actors, actors))
        )
        const nearest = (parent: string) =>
          Effect.suspend(() => leases["lease"]?.({ path: ["root", parent, "line-9"] }) ?? Effect.void).pipe(
            Effect.provide(way)
          )
        assert.deepStrictEqual(yield* nearest("hall"), { parent: "hall", answered: "hall" })
        assert.deepStrictEqual(yield* nearest("nowhere"), { parent: "nowhere", answered: "root" })
        yield* post("/api/vsm/hall/Retire", { mode: "now" })
        yield* until(nearest("hall"), (found) => Object(found).answered === "root")
      })
  )

  it.effect("restarts a device that was quarantined, by the word of the VSM whose unit it is", () =>
    Effect.gen(function* () {
      const { mqttPort, sql, post } = yield* RunningNode
      const url = `mqtt://127.0.0.1:${mqttPort}`
      yield* startSimulatedBoards({ url, count: 1, spreadMillis: 0, intervalMillis: 60_000 })
      yield* until(ask("/api/vsm/root/Describe"), ({ text }) => text.includes('"units":1'))
      yield* post("/api/vsm/root/Spawn", { child: "line-1" })
      yield* until(ask("/api/vsm/line-1/Describe"), ({ text }) => text.includes('"active"'))
      yield* post("/api/vsm/line-1/Adopt", { unit: "heater-1" })
      yield* until(ask("/api/vsm/line-1/Describe"), ({ text }) => text.includes('"units":1'))
      yield* sql`insert into quarantine (kind, id, shard, since, cause, attempts)
        select kind, id, shard, 1, 'planted', 5 from actor where kind = 'device' and id = 'heater-1'`
      const heard = yield* until(ask("/api/vsm/line-1/Describe"), ({ text }) => text.includes("planted"))
      assert.include(heard.text, '"id":"heater-1"')
      assert.notInclude((yield* ask("/api/vsm/root/Describe")).text, "planted")
      const released = sql`select 1 from quarantine where id = 'heater-1' and released_at is not null`
      yield* until(released, ({ length }) => length === 1)
      yield* until(ask("/api/vsm/line-1/Describe"), ({ text }) => /"restarts":\[\d+\]/.test(text))
    })
  )
})
