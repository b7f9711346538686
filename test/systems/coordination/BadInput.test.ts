import { assert, describe, it } from "@effect/vitest"
import type { Asker } from "../../../src/protocol/Asker.ts"
import { encodeStored } from "../../../src/protocol/Stored.ts"
import { Coordinator } from "../../../src/protocol/vsm/Coordinator.ts"
import { operator } from "../../support/ActorRig.ts"
import { survivesBrokenMessages } from "../../support/BrokenMessages.ts"
import { Floor } from "./Floor.ts"

const board: Asker = { kind: "device", id: "press-1", role: "board" }

describe("a coordinator", () => {
  it.effect("takes ten thousand messages, most of them broken, from whoever asks, and crashes over none", () => {
    const floor = new Floor()
    floor.claim("device/press-1")
    return survivesBrokenMessages(floor.rig, floor.place, Coordinator, 20_261)
  })

  it("refuses what is no resource, too long a hold, and an empty or a huge list, with the place of it", () => {
    const floor = new Floor()
    const claim = (payload: object, message = "Claim") => {
      const body = encodeStored(payload)
      const replies = floor.rig.post(floor.place, { message, body, requestId: floor.rig.requestId(), asker: operator })
      floor.rig.advance(1000)
      const [reply] = replies
      return reply?._tag === "Failed" || reply?._tag === "Refused" ? reply.error : reply
    }
    const whole = { resource: "device/press-1", mode: "exclusive" }
    for (const resource of ["", "/", "device//x", "a/b/c/d/e/f/g", "../etc", "device/press 1", "x".repeat(200)])
      assert.deepInclude(claim({ claims: [{ resource, mode: "read" }] }), { _tag: "Malformed" }, resource)
    assert.deepInclude(claim({ claims: [] }), { _tag: "Malformed" })
    assert.deepInclude(claim({ claims: Array.from({ length: 17 }, () => whole) }), { _tag: "Malformed" })
    assert.deepInclude(claim({ claims: [whole], holdMillis: 60_001 }), { _tag: "Malformed" })
    assert.deepInclude(claim({ claims: [whole], op: "older-than-all" }), { _tag: "Malformed" })
    const setpoint = { unit: "press-1", knob: "valve", by: "heat", value: 5, min: 0, max: 1 }
    assert.deepInclude(claim(setpoint, "ProposeSetpoint"), { _tag: "Malformed", path: "value" })
  })

  it("lets only those claim who have the right to, and a board not at all", () => {
    const floor = new Floor()
    const payload = { claims: [{ resource: "device/press-1", mode: "exclusive" }] }
    for (const asker of [board, { ...operator, may: ["vsm.read"] }]) {
      const reply = floor.rig.ask(floor.place, "Claim", payload, { asker })
      assert.strictEqual(reply._tag, "Failed", asker.id)
      if (reply._tag === "Failed") assert.strictEqual(reply.error._tag, "PolicyDenied", asker.id)
    }
  })
})
