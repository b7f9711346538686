import { assert, describe, it } from "@effect/vitest"
import { runtimeAsker } from "../../../src/protocol/Asker.ts"
import { Auditor } from "../../../src/protocol/audit/Auditor.ts"
import { decodeJournalBody } from "../../../src/protocol/JournalBody.ts"
import { encodeStored } from "../../../src/protocol/Stored.ts"
import { auditor } from "../../../src/systems/audit/Auditor.ts"
import { ActorRig, operator } from "../../support/ActorRig.ts"
import { survivesBrokenMessages } from "../../support/BrokenMessages.ts"

const root = { kind: "auditor", id: "root" }

/** An auditor that has begun; `last` records are chained, where it has looked. */
const begun = (last?: number): ActorRig => {
  const rig = new ActorRig([auditor])
  rig.ask(root, "Begin", { since: 1 }, { asker: runtimeAsker })
  rig.advance(1000)
  if (last !== undefined) rig.ends.at(-1)?.({ _tag: "Chained", records: last, last, witness: undefined })
  rig.advance(1000)
  return rig
}

const erase = (rig: ActorRig, seq: number, reason = "request 4711") => {
  const body = encodeStored({ seq, reason })
  const replies = rig.post(root, { message: "Erase", body, requestId: rig.requestId(), asker: operator })
  rig.advance(1000)
  const [reply] = replies
  return reply?._tag === "Failed" || reply?._tag === "Refused" ? reply.error : reply?._tag
}

describe("an auditor", () => {
  it.effect("takes ten thousand messages, most of them broken, from whoever asks, and crashes over none", () =>
    survivesBrokenMessages(begun(7), root, Auditor, 20_262)
  )

  it("notes in its journal what is to be taken away, and why", () => {
    const rig = begun(7)
    assert.strictEqual(erase(rig, 7), "Success")
    const records = rig.journal.flatMap(({ body }) => decodeJournalBody(body))
    assert.deepInclude(records.at(-1), { type: "audit.erased", data: { seq: 7, reason: "request 4711" } })
  })

  it("refuses to take away what it has not chained, or does not know yet to have, and what has no reason", () => {
    assert.deepInclude(Object(erase(begun(7), 8)), { _tag: "NotFound", what: "record 8 of the audit chain of root" })
    assert.deepInclude(Object(erase(begun(), 1)), { _tag: "Unavailable" })
    assert.deepInclude(Object(erase(begun(7), 0)), { _tag: "Malformed" })
    assert.deepInclude(Object(erase(begun(7), 1, "")), { _tag: "Malformed" })
  })

  it("lets nobody take anything away who has no right to", () => {
    const asker = { ...operator, may: ["audit.read"] }
    const reply = begun(7).ask(root, "Erase", { seq: 1, reason: "x" }, { asker })
    assert.deepInclude(Object(reply._tag === "Failed" ? reply.error : reply), { _tag: "PolicyDenied" })
  })
})
