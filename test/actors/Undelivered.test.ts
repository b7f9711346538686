import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as Behaviour from "../../src/actors/Behaviour.ts"
import { device } from "../../src/actors/device/Device.ts"
import { program } from "../../src/actors/program/Program.ts"
import { vsm } from "../../src/actors/vsm/Vsm.ts"
import { runtimeAsker } from "../../src/protocol/Asker.ts"
import { codes } from "../../src/protocol/Codes.ts"
import * as Contract from "../../src/protocol/Contract.ts"
import { ProgramView } from "../../src/protocol/Program.ts"
import { ActorRig } from "../support/ActorRig.ts"

/** Tells a device that does not exist, and counts what it hears of that. */
const Caller = Contract.make("caller", {
  state: Schema.Struct({ heard: Schema.Array(Schema.String) }),
  messages: {
    Call: Contract.once({ payload: { isCrash: Schema.Boolean }, audience: "operator" }),
    Read: Contract.query({ success: Schema.Array(Schema.String), audience: "operator" })
  },
  events: {}
})

const caller = Behaviour.make(Caller, {
  initial: () => ({ heard: [] }),
  undelivered: (state, { to, message, payload, cause }) => {
    if (Object(payload).session === "crash") throw new Error("a planted crash")
    return { state: { heard: [...state.heard, `${to.kind}/${to.id} ${message}: ${cause}`] } }
  },
  Call: (state, { isCrash }) => ({
    state,
    tells: [
      { to: { kind: "device", id: "ghost" }, message: "CloseTransfer", payload: { session: isCrash ? "crash" : "s-1" } }
    ]
  }),
  Read: (state) => ({ reply: state.heard })
})

const c = { kind: "caller", id: "c" }
const heard = (rig: ActorRig): unknown => {
  const reply = rig.ask(c, "Read", {})
  return reply._tag === "Success" ? reply.value : reply
}
const tellsKept = (rig: ActorRig): number =>
  [...(rig.rows.get("caller/c")?.parts.keys() ?? [])].filter((key) => key.startsWith("~tell/")).length

describe("a tell that never arrives", () => {
  it("is heard of by its sender, once, in the commit that makes it a dead letter", () => {
    const rig = new ActorRig([caller, device, vsm])
    rig.ask(c, "Call", { isCrash: false })
    rig.advance(5000)
    assert.deepStrictEqual(heard(rig), ["device/ghost CloseTransfer: there is no device ghost"])
    assert.deepStrictEqual([rig.dead.length, tellsKept(rig)], [1, 0])
  })

  it("is heard of by the next owner when the node dies before that commit", () => {
    const rig = new ActorRig([caller, device, vsm])
    rig.canPost = false
    rig.ask(c, "Call", { isCrash: false })
    rig.holdCommits = true
    rig.canPost = true
    rig.advance(60_000)
    assert.strictEqual(rig.dead.length, 0)
    rig.start("node-2")
    rig.holdCommits = false
    rig.ask(c, "Read", {})
    rig.advance(5000)
    assert.deepStrictEqual(heard(rig), ["device/ghost CloseTransfer: there is no device ghost"])
    assert.deepStrictEqual([rig.dead.length, tellsKept(rig)], [1, 0])
  })

  it("does not stay when its sender crashes over it", () => {
    const rig = new ActorRig([caller, device, vsm])
    rig.ask(c, "Call", { isCrash: true })
    rig.advance(5000)
    assert.deepStrictEqual([heard(rig), tellsKept(rig)], [[], 0])
    assert.strictEqual(rig.dead.length, 2)
  })

  it("ends the order to a program whose device is not there", () => {
    const rig = new ActorRig([program, device, vsm])
    const place = { kind: "program", id: "ghost:motor" }
    rig.ask(place, "Reported", { report: { name: "motor", state: "running" }, at: 1 }, { asker: runtimeAsker })
    rig.ask(place, "Control", { act: "stop" })
    rig.advance(5000)
    const reply = rig.ask(place, "GetProgram", {})
    const { orders } = Schema.decodeUnknownSync(ProgramView)(reply._tag === "Success" ? reply.value : undefined)
    assert.deepStrictEqual(
      orders.map(({ state, code }) => [state, code]),
      [["done", codes.ESRCH]]
    )
  })
})
