import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as Behaviour from "../../src/actors/Behaviour.ts"
import type { Reply } from "../../src/actors/Envelope.ts"
import { operator as operatorActor } from "../../src/actors/operator/Operator.ts"
import type { Asker } from "../../src/protocol/Asker.ts"
import * as Contract from "../../src/protocol/Contract.ts"
import type { HolonError } from "../../src/protocol/Errors.ts"
import { decodeJournalBody, type JournalRecord } from "../../src/protocol/JournalBody.ts"
import { encodeStored } from "../../src/protocol/Stored.ts"
import { ActorRig } from "../support/ActorRig.ts"

const Valve = Contract.make("valve", {
  state: Schema.Struct({ isOpen: Schema.Boolean }),
  messages: {
    Open: Contract.once({ audience: "operator", capability: "valve.open" }),
    Read: Contract.query({ success: Schema.Boolean, audience: "operator", capability: "valve.read" }),
    Follow: Contract.watch({ success: Schema.Boolean, audience: "operator", capability: "valve.read" }),
    Ping: Contract.query({ audience: "public", capability: "valve.ping" }),
    Flush: Contract.idempotent({ capability: "valve.flush" })
  }
})
const valve = Behaviour.make(Valve, {
  initial: () => ({ isOpen: false }),
  Open: () => ({ state: { isOpen: true } }),
  Read: (state) => ({ reply: state.isOpen }),
  Follow: (state) => ({ reply: state.isOpen }),
  Ping: () => ({}),
  Flush: () => ({ state: { isOpen: false } })
})

const v = { kind: "valve", id: "v-1" }
const bob: Asker = { kind: "user", id: "bob", role: "operator", may: ["valve.read"] }
const windowMillis = 10_000

const start = () => new ActorRig([valve, operatorActor])

const errorOf = (reply: Reply): HolonError => {
  if (reply._tag !== "Failed") throw new Error(`${reply._tag}, not refused`)
  return reply.error
}

const eventsOf = (rig: ActorRig): ReadonlyArray<JournalRecord> =>
  rig.journal.filter(({ key }) => key === "operator/bob").flatMap(({ body }) => decodeJournalBody(body))

const rowsOf = (rig: ActorRig): number => rig.journal.filter(({ key }) => key === "operator/bob").length

describe("an operator with fewer rights", () => {
  it("does what it has the right to, and is refused the rest with a sentence that says what to do", () => {
    const rig = start()
    rig.ask(v, "Open", {})
    assert.deepStrictEqual(rig.ask(v, "Read", {}, { asker: bob }), { _tag: "Success", value: true })
    const error = errorOf(rig.ask(v, "Open", {}, { asker: bob }))
    assert.strictEqual(error._tag, "PolicyDenied")
    assert.strictEqual(
      error.message,
      'bob has no right to valve.open, which Open of valve/v-1 needs; whoever keeps the config of the cluster can add "valve.open" to tokens.operators.bob.may'
    )
  })

  it("changes nothing by a refused message, and brings nobody into being", () => {
    const rig = start()
    assert.strictEqual(errorOf(rig.ask(v, "Open", {}, { asker: bob }))._tag, "PolicyDenied")
    assert.isFalse(rig.rows.has("valve/v-1"))
    rig.ask(v, "Open", {})
    const version = rig.rows.get("valve/v-1")?.version
    rig.ask(v, "Open", {}, { asker: bob })
    assert.strictEqual(rig.rows.get("valve/v-1")?.version, version)
  })

  it("is refused a message that came from another node by the cell", () => {
    const rig = start()
    rig.ask(v, "Open", {})
    const posted = { message: "Open", body: encodeStored({}), requestId: rig.requestId(), asker: bob }
    const replies = rig.post(v, posted)
    rig.advance(1000)
    const [reply] = replies
    assert.strictEqual(reply === undefined ? undefined : errorOf(reply)._tag, "PolicyDenied")
  })

  it("is refused a watch before its first item", () => {
    const rig = start()
    rig.ask(v, "Open", {})
    const blind: Asker = { ...bob, may: [] }
    const posted = { message: "Follow", body: encodeStored({}), requestId: rig.requestId(), asker: blind }
    const items: Array<unknown> = []
    const ends: Array<HolonError | undefined> = []
    rig.residency.watchPosted(
      v,
      posted,
      (item) => items.push(item),
      (error) => ends.push(error)
    )
    rig.advance(1000)
    assert.deepStrictEqual([items.length, ends[0]?._tag], [0, "PolicyDenied"])
    assert.strictEqual(eventsOf(rig)[0]?.type, "operator.refused")
  })

  it("may do what everybody may", () => {
    const rig = start()
    rig.ask(v, "Open", {})
    assert.strictEqual(rig.ask(v, "Ping", {}, { asker: { ...bob, may: [] } })._tag, "Success")
  })
})

describe("the event of a refusal", () => {
  it("says who was refused what right for which message to whom, at once", () => {
    const rig = start()
    rig.ask(v, "Open", {}, { asker: bob })
    const [event, ...others] = eventsOf(rig)
    assert.strictEqual(others.length, 0)
    assert.strictEqual(event?.type, "operator.refused")
    assert.strictEqual(event?.severity, "warn")
    assert.deepInclude(event?.data, { capability: "valve.open", message: "Open", target: "valve/v-1", count: 1 })
  })

  it("is written too when an operator with all rights sends what only actors may", () => {
    const rig = start()
    rig.ask(v, "Open", {})
    rig.ask(v, "Flush", {}, { asker: { kind: "user", id: "bob", role: "operator" } })
    assert.deepInclude(eventsOf(rig)[0]?.data, { capability: "valve.flush", message: "Flush" })
  })

  it("stands once for a flood and once more a window, with the count", () => {
    const rig = start()
    rig.ask(v, "Open", {})
    for (let turn = 0; turn < 1000; turn++) rig.send(v, "Open", {}, { asker: bob })
    rig.advance(1000)
    assert.strictEqual(rowsOf(rig), 1)
    rig.advance(windowMillis)
    assert.strictEqual(rowsOf(rig), 2)
    assert.deepInclude(eventsOf(rig)[1]?.data, { message: "Open", count: 999 })
    rig.advance(3 * windowMillis)
    assert.strictEqual(rowsOf(rig), 2)
    rig.ask(v, "Open", {}, { asker: bob })
    assert.strictEqual(rowsOf(rig), 3)
  })

  it("names sixteen acts of a flood and counts the others together", () => {
    const rig = start()
    const refuse = (id: number) =>
      rig.residency.refusals.note(bob, { capability: "c", message: "m", target: `t/${id}` })
    refuse(0)
    for (let id = 1; id <= 100; id++) refuse(id)
    rig.advance(windowMillis)
    const [, ...later] = eventsOf(rig)
    assert.strictEqual(rowsOf(rig), 2)
    assert.strictEqual(later.length, 17)
    assert.deepInclude(later.at(-1)?.data, { capability: "*", message: "*", target: "*", count: 84 })
  })

  it("waits while nobody can take it, and is written once then", () => {
    const rig = start()
    rig.canPost = false
    rig.ask(v, "Open", {}, { asker: bob })
    rig.advance(2 * windowMillis)
    assert.strictEqual(rowsOf(rig), 0)
    rig.canPost = true
    rig.advance(3 * windowMillis)
    assert.strictEqual(rowsOf(rig), 1)
    assert.deepInclude(eventsOf(rig)[0]?.data, { count: 1 })
  })

  it("is written once also when its commit was not confirmed", () => {
    const rig = start()
    rig.nextCommits.push("lost after writing")
    rig.ask(v, "Open", {}, { asker: bob })
    rig.advance(3 * windowMillis)
    assert.strictEqual(rowsOf(rig), 1)
  })

  it("does not wait for its window when the node stops", () => {
    const rig = start()
    rig.ask(v, "Open", {})
    rig.ask(v, "Open", {}, { asker: bob })
    for (let turn = 0; turn < 4; turn++) rig.send(v, "Open", {}, { asker: bob })
    let isThrough = false
    rig.residency.refusals.flush(() => {
      isThrough = true
    })
    rig.advance(100)
    assert.isTrue(isThrough)
    assert.strictEqual(rowsOf(rig), 2)
    assert.deepInclude(eventsOf(rig)[1]?.data, { message: "Open", target: "valve/v-1", count: 4 })
  })

  it("keeps no node from stopping that cannot bring it anywhere", () => {
    const rig = start()
    rig.canPost = false
    rig.ask(v, "Open", {}, { asker: bob })
    let isThrough = false
    rig.residency.refusals.flush(() => {
      isThrough = true
    })
    rig.advance(100)
    assert.isTrue(isThrough)
    assert.strictEqual(rowsOf(rig), 0)
  })

  it("is remembered by the operator's actor for who asks", () => {
    const rig = start()
    rig.ask(v, "Open", {}, { asker: bob })
    const reply = rig.ask({ kind: "operator", id: "bob" }, "GetRefusals", {})
    const value = reply._tag === "Success" ? JSON.stringify(reply.value) : reply._tag
    assert.include(value, '"capability":"valve.open"')
  })

  it("is of nobody when a board is refused", () => {
    const rig = start()
    rig.ask(v, "Open", {}, { asker: { kind: "device", id: "bob", role: "board" } })
    rig.advance(windowMillis)
    assert.strictEqual(rowsOf(rig), 0)
  })
})
