import { assert, describe, layer } from "@effect/vitest"
import { Effect, Result } from "effect"
import { Actors } from "../../src/actors/Actors.ts"
import type { Asker } from "../../src/protocol/Asker.ts"
import { Device } from "../../src/protocol/Device.ts"
import { PolicyKeeper } from "../../src/protocol/vsm/PolicyKeeper.ts"
import type { PolicyView } from "../../src/protocol/vsm/PolicyView.ts"
import { RunningNode, until } from "../support/RunningNode.ts"

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
