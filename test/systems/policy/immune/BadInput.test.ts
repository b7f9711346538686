import { assert, describe, it } from "@effect/vitest"
import type { Asker } from "../../../../src/protocol/Asker.ts"
import { encodeStored } from "../../../../src/protocol/Stored.ts"
import { Immune } from "../../../../src/protocol/vsm/Immune.ts"
import { operator } from "../../../support/ActorRig.ts"
import { survivesBrokenMessages } from "../../../support/BrokenMessages.ts"
import { Wards } from "./Wards.ts"

const board: Asker = { kind: "device", id: "press-1", role: "board" }

describe("an immune system", () => {
  it.effect("takes ten thousand messages, most of them broken, from whoever asks, and crashes over none", () => {
    const wards = new Wards()
    wards.attach("press-1")
    wards.see("flood", "device/press-1")
    return survivesBrokenMessages(wards.rig, wards.root, Immune, 20_262)
  })

  it("refuses what names nobody, too long a time, and too heavy a word, with the place of it", () => {
    const wards = new Wards()
    wards.see("flood", "device/press-1")
    const sent = (message: string, payload: object) => {
      const body = encodeStored(payload)
      const replies = wards.rig.post(wards.root, { message, body, requestId: wards.rig.requestId(), asker: operator })
      wards.rig.advance(1000)
      const [reply] = replies
      return reply?._tag === "Failed" || reply?._tag === "Refused" ? reply.error : reply
    }
    const whole = { subject: "address/10.0.0.7", template: "bar", ttlMillis: 60_000, reason: "x" }
    for (const subject of ["", "address", "address/", "nobody/x", "device/a\u0007", `user/${"x".repeat(129)}`])
      assert.deepInclude(Object(sent("Mitigate", { ...whole, subject })), { _tag: "Malformed" }, subject)
    for (const ttlMillis of [0, 999, 86_400_001, 1.5, "1h", null])
      assert.deepInclude(Object(sent("Mitigate", { ...whole, ttlMillis })), { _tag: "Malformed" }, String(ttlMillis))
    assert.deepInclude(Object(sent("Mitigate", { ...whole, template: "hang" })), { _tag: "Malformed" })
    assert.deepInclude(Object(sent("Mitigate", { ...whole, reason: "" })), { _tag: "Malformed" })
    assert.deepInclude(Object(sent("Report", { subject: "user/eve", reason: "x", weight: 0.51 })), {
      _tag: "Malformed"
    })
    assert.deepInclude(Object(sent("SetTerms", { mitigateMillis: 3_600_001 })), { _tag: "Malformed" })
    assert.deepInclude(Object(sent("Approve", { mitigation: "../root" })), { _tag: "Malformed" })
    assert.deepInclude(Object(wards.ask("Punish")), { _tag: "Malformed" })
  })

  it("lets only those govern who have the right to, and a board tell it nothing", () => {
    const wards = new Wards()
    wards.see("duplicate-id", "device/press-1")
    const may = { ...operator, may: ["threat.read"] }
    for (const asker of [board, may]) {
      const denied = wards.ask("SetTerms", { isAutomatic: false }, asker)
      assert.deepInclude(Object(denied), { _tag: "PolicyDenied" }, asker.id)
    }
    const signs = [{ kind: "flood", subject: "device/press-2", count: 1 }]
    for (const asker of [board, operator])
      assert.deepInclude(Object(wards.ask("Evidence", { signs }, asker)), { _tag: "PolicyDenied" }, asker.id)
    assert.lengthOf(wards.view().threats, 1)
  })
})
