import { assert, describe, it } from "@effect/vitest"
import type { Reply } from "../../src/actors/Envelope.ts"
import { decodeStored } from "../../src/protocol/Stored.ts"
import { ActorRig, epoch } from "../support/ActorRig.ts"
import { counter } from "../support/Counter.ts"

const a = { kind: "counter", id: "a" }

const successOf = (reply: Reply | undefined): unknown => (reply?._tag === "Success" ? reply.value : reply?._tag)
const ringsOf = (rig: ActorRig, key: string): unknown => {
  const stored: unknown = decodeStored(rig.rows.get(key)?.head ?? new Uint8Array([0xf6]))
  return Array.isArray(stored) ? stored[0].rings : undefined
}

describe("an actor dropped by an outage", () => {
  it("wakes again though the lease is stale for a while, whoever asks", () => {
    const rig = new ActorRig([counter])
    rig.ask(a, "Add", { by: 1 })
    rig.nextCommits.push("Outage")
    rig.send(a, "Add", { by: 1 })
    rig.advance()
    assert.strictEqual(rig.residency.size, 0)
    rig.isFresh = false
    rig.advance(5000)
    assert.strictEqual(rig.residency.size, 0)
    rig.isFresh = true
    rig.advance(1000)
    assert.strictEqual(rig.residency.size, 1)
  })

  it("does not wake again where its shard is gone", () => {
    const rig = new ActorRig([counter])
    rig.ask(a, "Add", { by: 1 })
    rig.nextCommits.push("Outage")
    rig.send(a, "Add", { by: 1 })
    rig.advance()
    rig.holdsShards = false
    rig.advance(1000)
    rig.holdsShards = true
    rig.advance(10_000)
    assert.strictEqual(rig.residency.size, 0)
  })
})

describe("a scan", () => {
  it("finds a sleeper behind any number of residents that stay due", () => {
    const rig = new ActorRig([counter])
    // A tell to a kind's unknown id stays outstanding while its receiver cannot be reached.
    rig.ask(a, "RingAt", { at: epoch + 120_000 })
    rig.residency.dropAll()
    rig.canPost = false
    for (let count = 0; count < 1200; count++)
      rig.send({ kind: "counter", id: `s${count}` }, "TellTo", { id: "far", numbers: [1] })
    rig.advance(118_000)
    assert.strictEqual(rig.residency.size, 1200)
    rig.advance(5000)
    assert.strictEqual(ringsOf(rig, "counter/a"), 1)
  })

  it("rings a resident whose timer slept with its machine", () => {
    const rig = new ActorRig([counter])
    rig.ask(a, "RingAt", { at: epoch + 60_000 })
    rig.sleep(3_600_000)
    rig.advance(3000)
    assert.strictEqual(ringsOf(rig, "counter/a"), 1)
  })

  it("waits for the one before", () => {
    const rig = new ActorRig([counter])
    rig.holdScans = true
    rig.advance(10_000)
    assert.strictEqual(rig.scans, 1)
  })
})

describe("a node that stops", () => {
  it("lets the commits under way end before its cells, and takes nothing more", () => {
    const rig = new ActorRig([counter])
    rig.ask(a, "Add", { by: 1 })
    rig.holdCommits = true
    const under = rig.send(a, "Add", { by: 1 })
    rig.advance()
    let isClosed = false
    rig.residency.close(() => {
      isClosed = true
    })
    const late = rig.send(a, "Add", { by: 1 })
    rig.advance(100)
    assert.isFalse(isClosed)
    rig.releaseCommits()
    rig.advance(10)
    assert.isTrue(isClosed)
    assert.strictEqual(successOf(under[0]), 2)
    assert.strictEqual(late[0]?._tag, "NotHere")
    assert.strictEqual(rig.residency.size, 0)
  })

  it("waits no longer than two seconds for a store that is silent", () => {
    const rig = new ActorRig([counter])
    rig.ask(a, "Add", { by: 1 })
    rig.holdCommits = true
    const under = rig.send(a, "Add", { by: 1 })
    rig.advance()
    let isClosed = false
    rig.residency.close(() => {
      isClosed = true
    })
    rig.advance(2100)
    assert.isTrue(isClosed)
    assert.strictEqual(under[0]?._tag, "Failed")
  })
})

describe("a tell that ends as a dead letter", () => {
  it("is kept without its secrets", () => {
    const rig = new ActorRig([counter])
    rig.ask(a, "TellCrash", { id: "b", password: "xyzzy" })
    rig.advance(10_000)
    const kept = rig.dead.map(({ key, payload }) => ({ key, payload: decodeStored(payload) }))
    assert.deepStrictEqual(kept, [
      { key: "counter/b", payload: { password: "***" } },
      { key: "counter/a", payload: { password: "***" } }
    ])
  })
})
