import { assert, describe, it, layer } from "@effect/vitest"
import { Context, Effect, Fiber, Layer, Redacted, References, Result, Schema } from "effect"
import { Actors } from "../../src/actors/Actors.ts"
import { Engine } from "../../src/actors/Engine.ts"
import type { Asker } from "../../src/protocol/Asker.ts"
import { Device } from "../../src/protocol/Device.ts"
import { Coordinator } from "../../src/protocol/vsm/Coordinator.ts"
import { PolicyKeeper } from "../../src/protocol/vsm/PolicyKeeper.ts"
import type { PolicyView } from "../../src/protocol/vsm/PolicyView.ts"
import { ClusterConfig, portsOf } from "../../src/runtime/Config.ts"
import { Membership } from "../../src/runtime/cluster/ClusterLayer.ts"
import * as Node from "../../src/runtime/Node.ts"
import { PostgresUrl } from "../../src/runtime/storage/PostgresUrl.ts"
import { Postgres } from "../support/Postgres.ts"
import { freePorts, RunningNode, tempFolder, until } from "../support/RunningNode.ts"

const ada: Asker = { kind: "user", id: "ada", role: "operator" }
const by = (asker: Asker) => ({ asker })

/** Stages a policy of the root. */
const stage = Effect.fnUntraced(function* (source: string, asker = ada) {
  const actors = yield* Actors
  return yield* actors.ask(PolicyKeeper, "root", "Stage", { source }, by(asker))
})

/** Puts it into force, and waits until it is. */
const activate = Effect.fnUntraced(function* (
  name: string,
  wanted: { readonly canaryZones?: readonly [string, ...Array<string>]; readonly canaryMillis?: number } = {}
) {
  const actors = yield* Actors
  yield* actors.ask(PolicyKeeper, "root", "Activate", { name, ...wanted }, by(ada))
  return yield* inForce(name)
})

const get = Effect.fnUntraced(function* (name: string) {
  const actors = yield* Actors
  return yield* actors.ask(PolicyKeeper, "root", "GetPolicy", { name }, by(ada))
})

const inForce = (name: string) =>
  until(
    get(name),
    (view: PolicyView) => view.from !== undefined && view.from <= Date.now() && view.publishing === undefined
  )

const setLed = Effect.fnUntraced(function* (device: string, led: string, asker = ada) {
  const actors = yield* Actors
  return yield* Effect.result(actors.ask(Device, device, "SetDesired", { patch: { led } }, by(asker)))
})

const withdraw = Effect.fnUntraced(function* (name: string) {
  const actors = yield* Actors
  return yield* actors.ask(PolicyKeeper, "root", "Withdraw", { name }, by(ada))
})

describe("policies of a node", () => {
  layer(RunningNode.layer({ boards: 3 }), { excludeTestServices: true, timeout: "60 seconds" })(
    "by which it judges",
    (it) => {
      const live = <A, E>(name: string, test: Effect.Effect<A, E, RunningNode | Actors>) =>
        it.effect(name, () =>
          test.pipe(
            Effect.provideServiceEffect(
              Actors,
              Effect.map(RunningNode, ({ actors }) => actors)
            )
          )
        )

      live(
        "are the founding one at first, which allows everything",
        Effect.gen(function* () {
          const view = yield* until(get("founding"), ({ epoch }) => epoch !== undefined)
          assert.deepInclude(view, {
            state: "active",
            version: 1,
            source: 'policy "founding" {\n  when true { allow }\n}'
          })
          const { sql } = yield* RunningNode
          assert.deepStrictEqual(yield* sql`select name, version, state, active, epoch::int from policies`, [
            { name: "founding", version: 1, state: "active", active: true, epoch: 1 }
          ])
          assert.isTrue(Result.isSuccess(yield* setLed("heater-1", "on")))
        })
      )

      live(
        "deny by what a device reports, and say which of them, why, and by which epoch",
        Effect.gen(function* () {
          const staged = yield* stage(
            'policy warm { when capability == "device.set" and fact.temp > -50 and fact.device == "heater-1" { deny "warm" guidance "wait" } }'
          )
          assert.deepInclude(staged, { state: "staged", needs: 0, author: "user:ada" })
          const before = yield* setLed("heater-1", "off")
          assert.isTrue(Result.isSuccess(before))
          const active = yield* activate("warm")
          const denied = yield* Effect.flip(Effect.fromResult(yield* setLed("heater-1", "on")))
          assert.deepInclude(denied, { _tag: "PolicyDenied", policyIds: ["warm"], reason: "warm", guidance: "wait" })
          assert.isTrue(Result.isSuccess(yield* setLed("heater-2", "on")))
          const { sql, get: read } = yield* RunningNode
          const event = yield* until(read("/api/events?limit=100&where=type%20==%20%22policy.denied%22"), ({ text }) =>
            text.includes("policy.denied")
          )
          assert.include(event.text, `"epoch":${active.epoch}`)
          assert.include(event.text, '"temp":')
          assert.isTrue(Result.isSuccess(yield* setLed("heater-2", "off")))
          yield* withdraw("warm")
          yield* until(setLed("heater-1", "on"), Result.isSuccess)
          assert.deepStrictEqual(yield* sql`select state from policies where name = 'warm'`, [{ state: "withdrawn" }])
        })
      )
    }
  )
})

describe("policies of two nodes", () => {
  it.live(
    "turn to an epoch at one instant, whichever node has the actor",
    () =>
      Effect.gen(function* () {
        const postgres = yield* Postgres
        const database = yield* Effect.promise(() => postgres.createDatabase())
        const start = Effect.gen(function* () {
          const decoded = { ...(yield* Schema.decodeUnknownEffect(ClusterConfig)(freePorts)), data: yield* tempFolder }
          const node = Node.layer({ config: decoded, ports: portsOf(decoded, 0) })
          return yield* Layer.build(node.pipe(Layer.provide(PostgresUrl.layer(Redacted.make(database)))))
        })
        const first = yield* start
        const second = yield* start
        const { nodes } = Context.get(first, Membership)
        yield* until(nodes, (all) => all.length === 2 && all.every(({ ready, shards }) => ready && shards > 0))
        const actors = Context.get(first, Actors)
        const onFirst = Context.get(first, Engine).residency
        const onSecond = Context.get(second, Engine).residency
        const before = [onFirst, onSecond].map((each) => each.residents().get("coordinator") ?? 0)
        const ids = Array.from({ length: 16 }, (_, index) => `c-${index}`)
        yield* Effect.forEach(ids, (id) => actors.ask(Coordinator, id, "ReserveSlot", { topic: "t" }, by(ada)))
        const here = [onFirst, onSecond].map(
          (each, at) => (each.residents().get("coordinator") ?? 0) - (before[at] ?? 0)
        )
        assert.isTrue(
          here.every((count) => count > 0),
          `both nodes have some: ${here.join(", ")}`
        )

        const source = 'policy shut { when capability == "vsm.read" and fact.kind == "coordinator" { deny "shut" } }'
        yield* actors.ask(PolicyKeeper, "root", "Stage", { source }, by(ada))
        const asked: Array<{ readonly sent: number; readonly answered: number; readonly isDenied: boolean }> = []
        const asking = yield* Effect.forkScoped(
          Effect.forever(
            Effect.forEach(
              ids,
              (id) =>
                Effect.gen(function* () {
                  const sent = Date.now()
                  const result = yield* Effect.result(actors.ask(Coordinator, id, "GetClaims", {}, by(ada)))
                  asked.push({ sent, answered: Date.now(), isDenied: Result.isFailure(result) })
                }),
              { concurrency: "unbounded" }
            )
          )
        )
        yield* actors.ask(PolicyKeeper, "root", "Activate", { name: "shut" }, by(ada))
        const { from = 0 } = yield* until(
          actors.ask(PolicyKeeper, "root", "GetPolicy", { name: "shut" }, by(ada)),
          (view) => view.from !== undefined
        )
        yield* until(
          Effect.sync(() => asked),
          (all) => all.filter(({ sent }) => sent > from).length > 200
        )
        yield* Fiber.interrupt(asking)
        for (const { sent, answered, isDenied } of asked) {
          if (answered < from) assert.isFalse(isDenied, `answered ${from - answered} ms before`)
          if (sent > from) assert.isTrue(isDenied, `sent ${sent - from} ms after`)
        }
        assert.isAbove(asked.filter(({ answered }) => answered < from).length, 20)
      }).pipe(
        Effect.scoped,
        Effect.provideService(References.MinimumLogLevel, "Error"),
        Effect.provide(Postgres.layer())
      ),
    60_000
  )
})
