/** Deliveries in a cell: what leaves when, and what becomes of it when nodes die and actors stand still. */
import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as Behaviour from "../../../src/actors/Behaviour.ts"
import { delivery } from "../../../src/actors/delivery/Delivery.ts"
import * as Contract from "../../../src/protocol/Contract.ts"
import { deliveryIdOf } from "../../../src/protocol/Delivery.ts"
import { ActorRig, type StoredActor } from "../../support/ActorRig.ts"
import { webhook } from "./DeliveryRig.ts"

const id = deliveryIdOf(webhook)
const key = `delivery/${id}`

/** Stands for a partition of patterns: what it found leaves as tells. */
const Finder = Contract.make("finder", {
  state: Schema.Struct({ found: Schema.Int }),
  messages: { Find: Contract.idempotent({ payload: { count: Schema.Int }, audience: "operator" }) }
})
const finder = Behaviour.make(Finder, {
  initial: () => ({ found: 0 }),
  Find: ({ found }, { count }) => ({
    state: { found: found + count },
    tells: Array.from({ length: count }, (_, at) => ({
      to: { kind: "delivery", id },
      message: "Deliver",
      payload: { matchId: `m-${found + at}`, pattern: "hot", target: webhook, key: `k-${found + at}`, envelope: {} }
    }))
  })
})
const one = { kind: "finder", id: "f-1" }
const operator = { kind: "user", id: "ada", role: "operator" } as const
const stateOf = (rig: ActorRig) => {
  const reply = rig.ask({ kind: "delivery", id }, "GetState", {}, { asker: operator })
  return reply._tag === "Success" ? Object(reply.value) : reply
}

describe("a delivery in its cell", () => {
  it("begins no attempt before the letter is durable, and each again on the node that takes over", () => {
    const rig = new ActorRig([finder, delivery])
    rig.ask(one, "Find", { count: 1 })
    rig.advance()
    assert.deepStrictEqual(rig.performed, ["0"])
    rig.holdCommits = true
    rig.send(one, "Find", { count: 1 })
    rig.advance(100)
    assert.deepStrictEqual(rig.performed, ["0"])
    rig.releaseCommits()
    rig.advance(1000)
    assert.deepStrictEqual(rig.performed, ["0", "1"])
    rig.start("node-2").acquired([1])
    rig.advance(1000)
    assert.deepStrictEqual(rig.performed, ["0", "1", "0", "1"])
    assert.deepInclude(stateOf(rig), { queued: 2, inFlight: 2 })
  })

  it("gets every letter once and in order, however often the commit of a letter is in doubt", () => {
    const rig = new ActorRig([finder, delivery])
    rig.ask(one, "Find", { count: 2 })
    rig.nextCommits.push("lost after writing", "Outage", "RolledBack", "lost after writing")
    rig.send(one, "Find", { count: 3 })
    rig.advance(30_000)
    assert.deepInclude(stateOf(rig), { queued: 5, dead: 0, dropped: 0 })
  })

  it("gets what was found while it was quarantined, when it is released", () => {
    const rig = new ActorRig([finder, delivery])
    const place = { kind: "delivery", id }
    const quarantine = { ...place, shard: 1, expected: 1, since: rig.now, cause: "a test", attempts: 5 }
    const row = { version: 1, owner: "", format: 1, head: null, parts: new Map<string, Uint8Array>(), wakeAt: null }
    const stored: StoredActor = { ...row, quarantine }
    rig.rows.set(key, stored)
    rig.ask(one, "Find", { count: 3 })
    rig.advance(120_000)
    assert.deepStrictEqual(rig.performed, [], "nobody is at work there")
    stored.quarantine = undefined
    rig.advance(120_000)
    assert.deepInclude(stateOf(rig), { queued: 3, inFlight: 3 })
    assert.isEmpty(rig.dead)
  })
})
