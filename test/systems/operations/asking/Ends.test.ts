import { assert, describe, it } from "@effect/vitest"
import { codes } from "../../../../src/protocol/Codes.ts"
import type { Step, StepEnd } from "../../../../src/protocol/intent/Plan.ts"
import { outcomeOfItem, outcomeOfReply, watchingOf } from "../../../../src/systems/operations/asking/Ends.ts"
import { vsmOf } from "./StoredFleet.ts"

const stepOf = (end: StepEnd, payload: Step["payload"] = {}): Step => ({
  unit: "heater-1",
  kind: "device",
  id: "heater-1",
  message: "Any",
  payload,
  end
})

const accepted = { _tag: "Accepted", version: 4, desired: { on: false } }
const twin = (applied: number, state: string, refused: Readonly<Record<string, number>> = {}) => ({
  desired: { on: false },
  reported: {},
  version: 9,
  desiredVersion: 4,
  applied,
  refused,
  connection: { state, since: 0, reason: "attach", lastSeen: 0 }
})

describe("the end of a step", () => {
  it("is the answer itself where nothing is watched", () => {
    assert.deepStrictEqual(outcomeOfReply(stepOf("reply"), null), { unit: "heater-1", state: "done" })
    assert.isUndefined(watchingOf(stepOf("reply"), null))
  })

  it("is a conflict where somebody else has changed what it rests on", () => {
    const conflict = { _tag: "Conflict", code: 116, current: 7, desired: {} }
    const end = outcomeOfReply(stepOf("applied"), conflict)
    assert.deepInclude(end, { state: "failed" })
    assert.strictEqual(end?.refusal?._tag, "Conflict")
  })

  it("waits until the board has taken what it is to be", () => {
    const step = stepOf("applied", { patch: { on: false } })
    assert.isUndefined(outcomeOfReply(step, accepted))
    assert.deepInclude(watchingOf(step, accepted), { message: "Watch" })
    assert.isUndefined(outcomeOfItem(step, accepted, twin(3, "online")))
    assert.deepStrictEqual(outcomeOfItem(step, accepted, twin(4, "online")), { unit: "heater-1", state: "done" })
  })

  it("comes later where the board is away", () =>
    assert.deepStrictEqual(outcomeOfItem(stepOf("applied"), accepted, twin(3, "silent")), {
      unit: "heater-1",
      state: "later",
      note: "it is silent"
    }))

  it("is the board's refusal of that very field, and not of another", () => {
    const step = stepOf("applied", { patch: { on: false } })
    const refused = outcomeOfItem(step, accepted, twin(4, "online", { "/on": codes.ERANGE }))
    assert.strictEqual(refused?.refusal?._tag, "Malformed")
    assert.deepInclude(outcomeOfItem(step, accepted, twin(4, "online", { "/one": codes.ERANGE })), { state: "done" })
  })

  it("is what the board answered to a command, well or not", () => {
    const step = stepOf("command")
    const view = { id: "01a20113-9d3e-72a4-be42-8148887242bb", name: "ping", acceptedAt: 0, expiresAt: 1 }
    assert.deepInclude(watchingOf(step, { ...view, state: "queued" }), { message: "WatchCommand" })
    assert.isUndefined(outcomeOfItem(step, undefined, { ...view, state: "sent" }))
    assert.deepStrictEqual(outcomeOfItem(step, undefined, { ...view, state: "done", code: 0, value: "pong" }), {
      unit: "heater-1",
      state: "done",
      value: "pong"
    })
    const busy = outcomeOfItem(step, undefined, { ...view, state: "done", code: codes.EBUSY, detail: "a stroke" })
    assert.strictEqual(busy?.refusal?._tag, "InvalidTransition")
  })

  it("is that of a session when it has ended, also when its image was taken back", () => {
    const view = {
      id: "s",
      device: "heater-1",
      sha256: "a".repeat(64),
      state: "loading",
      bytes: 1,
      total: 2,
      startedAt: 0
    }
    const step = stepOf("session")
    assert.isUndefined(outcomeOfItem(step, undefined, view))
    const kept = { ...view, state: "ready", installed: "confirmed", endedAt: 9 }
    assert.deepInclude(outcomeOfItem(step, undefined, kept), { state: "done", value: "confirmed" })
    assert.deepInclude(outcomeOfItem(step, undefined, { ...kept, installed: "rolled-back" }), { state: "failed" })
  })

  it("is refused where a spawn or an adoption was", () => {
    const refusal = { _tag: "SpawnDenied", reason: "full" } as const
    const spawn = { child: "line-1", spawn: "x", budget: {}, begunAt: 0, since: 0 }
    const reply = { ...spawn, step: "reserving" }
    assert.isUndefined(outcomeOfItem(stepOf("spawn"), reply, { ...spawn, step: "creating" }))
    assert.deepInclude(outcomeOfItem(stepOf("spawn"), reply, { ...spawn, step: "active" }), { state: "done" })
    assert.deepInclude(outcomeOfItem(stepOf("spawn"), reply, { ...spawn, step: "refused", refusal }), {
      state: "failed",
      refusal
    })
    // Another spawn of the same name is not the one that was asked for.
    const other = { ...spawn, spawn: "y", step: "active" }
    assert.deepInclude(outcomeOfItem(stepOf("spawn"), reply, other), { state: "failed" })
    const adoption = { unit: "heater-1", step: "refused", since: 0, refusal }
    assert.deepInclude(outcomeOfItem(stepOf("adoption"), undefined, adoption), { state: "failed", refusal })
    assert.isUndefined(outcomeOfItem(stepOf("adoption"), undefined, { unit: "heater-1", step: "asked", since: 0 }))
  })

  it("is retirement once nothing is left to hand over", () => {
    const view = vsmOf("line-1", "root")
    assert.isUndefined(outcomeOfItem(stepOf("retirement"), undefined, { ...view, status: "retiring" }))
    assert.deepInclude(outcomeOfItem(stepOf("retirement"), undefined, { ...view, status: "retired" }), {
      state: "done"
    })
    assert.deepInclude(outcomeOfItem(stepOf("retirement"), undefined, view), { state: "failed" })
  })

  it("is not found in what is none of its items", () => {
    for (const end of ["applied", "command", "order", "session", "retirement"] as const)
      assert.isUndefined(outcomeOfItem(stepOf(end), accepted, { odd: true }), end)
  })
})
