import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import {
  Backpressure,
  CapabilityFailed,
  type HolonError,
  NotFound,
  Timeout,
  Unavailable
} from "../../../../src/protocol/Errors.ts"
import type { Step } from "../../../../src/protocol/intent/Plan.ts"
import { VsmId } from "../../../../src/protocol/vsm/VsmId.ts"
import type { Run } from "../../../../src/systems/operations/dispatcher/Batch.ts"
import { failed } from "../../../../src/systems/operations/dispatcher/Following.ts"
import { again, carryOne } from "../../../../src/systems/operations/dispatcher/Invoking.ts"
import { deviceOf, resourceOf, tokenOf } from "../../../../src/systems/operations/dispatcher/Resources.ts"
import { Stops } from "../../../../src/systems/operations/dispatcher/Stops.ts"
import { operator } from "../../../support/ActorRig.ts"

const step = (more: Partial<Step>): Step => ({
  unit: "press-1",
  kind: "device",
  id: "press-1",
  message: "Invoke",
  payload: { name: "home" },
  end: "command",
  ...more
})
const idempotent = step({ payload: { name: "home", idempotent: true } })
const desired = step({ message: "SetDesired", payload: { patch: { led: "on" } }, end: "applied" })

const jammed = new CapabilityFailed({ code: 5, message: "jammed", alternatives: [] })
const away = new Unavailable({ cause: "no node took the message" })
const full = new Backpressure({ bucket: "commands", retryAfterMs: 5000 })

describe("an act that failed", () => {
  it("is tried again under a new id only where it is declared to bear that", () => {
    assert.strictEqual(again(idempotent, failed(jammed)), "new")
    assert.isUndefined(again(step({}), failed(jammed)))
    assert.isUndefined(again(desired, failed(jammed)))
  })

  it("is tried again under its own id where nobody took it, unless a board may have begun it", () => {
    for (const error of [away, full] satisfies ReadonlyArray<HolonError>) {
      assert.strictEqual(again(idempotent, failed(error)), "same")
      assert.strictEqual(again(desired, failed(error)), "same")
      assert.isUndefined(again(step({}), failed(error)))
    }
  })

  it("is not tried again where that would end the same, nor where it did not fail", () => {
    assert.isUndefined(again(idempotent, failed(new NotFound({ what: "device press-1" }))))
    for (const outcome of ["done", "later", "cancelled"] as const) assert.isUndefined(again(idempotent, { outcome }))
  })
})

describe("an act whose op has outlived its life", () => {
  it.effect("is not begun any more", () =>
    Effect.gen(function* () {
      const op = "01930000-0000-7000-8000-000000000001"
      const die = () => assert.fail("it was sent")
      const run: Run = {
        batch: {
          vsm: VsmId.make("root"),
          op,
          batch: 0,
          attempt: 0,
          acts: [],
          asker: operator,
          priority: "normal",
          until: 0,
          isCancelling: false,
          stops: new Stops(),
          rate: undefined
        },
        actors: { ask: die, send: die, watch: die },
        measured: {},
        stop: yield* Deferred.make<void>(),
        ends: [],
        progress: new Map(),
        note: undefined,
        retries: 0,
        isLost: false,
        news: 0
      }
      const carrying = yield* Effect.forkChild(carryOne(run, { place: 0, step: desired, request: op }, undefined))
      yield* TestClock.adjust("10 seconds")
      assert.deepInclude(yield* Fiber.join(carrying), failed(new Timeout({ ms: 0 })))
    })
  )
})

describe("what an act moves", () => {
  it("is one command or one field of its device, else the whole of it", () => {
    assert.strictEqual(resourceOf(step({})), "device/press-1/command.home")
    assert.strictEqual(resourceOf(desired), "device/press-1/desired.led")
    assert.strictEqual(resourceOf(step({ ...desired, payload: { patch: { led: "on", fan: true } } })), "device/press-1")
    assert.strictEqual(resourceOf(step({ payload: { name: "go home!" } })), "device/press-1")
    assert.strictEqual(resourceOf(step({ message: "Retire", payload: {}, end: "reply" })), "device/press-1")
    assert.strictEqual(
      resourceOf(step({ kind: "program", id: "press-1:main", message: "Control" })),
      "device/press-1/program.main"
    )
    assert.strictEqual(deviceOf(step({ kind: "session", id: "s-1", payload: { device: "press-2" } })), "press-2")
    assert.isUndefined(resourceOf(step({ kind: "vsm", id: "line-1", message: "Spawn", payload: {} })))
  })

  it("says its claim to those who ask for one", () => {
    const vsm = VsmId.make("line-1")
    assert.deepStrictEqual(tokenOf(desired, vsm, 7), { vsm, resource: "device/press-1/desired.led", fence: 7 })
    assert.isUndefined(tokenOf(step({ message: "Retire", payload: {} }), vsm, 7))
    assert.isUndefined(tokenOf(desired, vsm, undefined))
  })
})
