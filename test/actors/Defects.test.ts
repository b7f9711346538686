/** A defect of a behaviour ends the transition that has it, and nothing else: not the cell, not the lane, not the node. */
import { assert, describe, it } from "@effect/vitest"
import { DateTime, Schema } from "effect"
import * as Behaviour from "../../src/actors/Behaviour.ts"
import type { Reply } from "../../src/actors/Envelope.ts"
import * as Contract from "../../src/protocol/Contract.ts"
import type { HolonError } from "../../src/protocol/Errors.ts"
import { decodeStored, encodeStored } from "../../src/protocol/Stored.ts"
import { ActorRig, operator } from "../support/ActorRig.ts"
import { counter } from "../support/Counter.ts"

const Faulty = Contract.make("faulty", {
  state: Schema.Struct({ count: Schema.Int, due: Schema.NullOr(Schema.Finite), crashes: Schema.Int }),
  messages: {
    Add: Contract.once({ success: Schema.Int, audience: "operator" }),
    Read: Contract.query({ success: Schema.Int, audience: "operator" }),
    Look: Contract.watch({ success: Schema.Int, audience: "operator" }),
    TellNobody: Contract.once({ audience: "operator" }),
    Misspeak: Contract.idempotent({ audience: "operator" }),
    Misfit: Contract.idempotent({ audience: "operator" }),
    CrashAt: Contract.once({
      payload: { at: Schema.DateTimeUtc, password: Schema.String },
      secret: ["password"],
      audience: "operator"
    }),
    RingCrashing: Contract.idempotent({ payload: { at: Schema.Finite, crashes: Schema.Int }, audience: "operator" })
  }
})

/** How often the timeout has still to crash, beside the state: a crash changes no state. */
const faulty = () => {
  let left = 0
  return Behaviour.make(Faulty, {
    initial: () => ({ count: 0, due: null, crashes: 0 }),
    dueAt: ({ due }) => due ?? undefined,
    timeout: (state, { now }) => {
      if (state.due === null || state.due > now) return {}
      if (left-- > 0) throw new Error("a planted crash of a timeout")
      return { state: { ...state, due: null, count: state.count + 100 } }
    },
    Add: (state) => ({ state: { ...state, count: state.count + 1 }, reply: state.count + 1 }),
    Read: (state) => ({ reply: state.count }),
    Look: (state) => {
      if (state.count === 13) throw new Error("a planted crash of a watch")
      return { reply: state.count }
    },
    TellNobody: (state) => ({
      state: { ...state, count: state.count + 1 },
      tells: [{ to: { kind: "nobody", id: "n" }, message: "Hear", payload: {} }]
    }),
    Misspeak: (state, _payload, { self }) => ({
      state: { ...state, count: state.count + 1 },
      link: { node: "node-1", connection: 1, epoch: 1 },
      frames: [{ type: "cancel", id: self.id, seq: -1 } as never]
    }),
    Misfit: (state) => ({ state: { ...state, count: 0.5 } }),
    CrashAt: () => {
      throw new Error("a planted crash")
    },
    RingCrashing: (state, { at, crashes }) => {
      left = crashes
      return { state: { ...state, due: at } }
    }
  })
}

const a = { kind: "faulty", id: "a" }
const tagOf = (reply: Reply | undefined): string => (reply?._tag === "Failed" ? reply.error._tag : String(reply?._tag))
const successOf = (reply: Reply | undefined): unknown => (reply?._tag === "Success" ? reply.value : tagOf(reply))

const begin = (rig: ActorRig, items: Array<unknown>, ends: Array<HolonError | undefined>) =>
  rig.residency.watchPosted(
    a,
    { message: "Look", body: encodeStored({}), requestId: "", asker: operator },
    (item) => items.push(item),
    (error) => ends.push(error)
  )

describe("a defect", () => {
  it("in what a transition tells discards the whole transition", () => {
    const rig = new ActorRig([faulty()])
    const requestId = rig.requestId()
    assert.strictEqual(tagOf(rig.ask(a, "TellNobody", {}, { requestId })), "Internal")
    assert.strictEqual(successOf(rig.ask(a, "Read", {})), 0)
    assert.lengthOf(rig.dead, 1)
  })

  it("is told again with the same trace to who repeats its request", () => {
    const rig = new ActorRig([faulty()])
    const requestId = rig.requestId()
    const first = rig.ask(a, "TellNobody", {}, { requestId })
    assert.deepStrictEqual(rig.ask(a, "TellNobody", {}, { requestId }), first)
  })

  it("in a frame for the board discards the whole transition", () => {
    const rig = new ActorRig([faulty()])
    assert.strictEqual(tagOf(rig.ask(a, "Misspeak", {})), "Internal")
    assert.strictEqual(successOf(rig.ask(a, "Read", {})), 0)
    assert.deepStrictEqual(rig.toGateway, [])
  })

  it("of a state that does not fit its schema drops its cell, and every lane goes on", () => {
    const rig = new ActorRig([faulty(), counter])
    rig.ask(a, "Add", {})
    assert.strictEqual(tagOf(rig.ask(a, "Misfit", {})), "Unavailable")
    for (const id of ["b", "c", "d", "e"])
      assert.strictEqual(successOf(rig.ask({ kind: "counter", id }, "Add", { by: 2 })), 2)
    assert.strictEqual(successOf(rig.ask(a, "Read", {})), 1)
  })

  it("in a callback of one actor does not keep a lane from the others", () => {
    const rig = new ActorRig([counter])
    const ids = ["b", "c", "d", "e"]
    for (const id of ids) rig.ask({ kind: "counter", id }, "Add", { by: 1 })
    const replies: Array<Reply> = []
    for (const id of ids)
      rig.residency.deliver(
        { kind: "counter", id },
        { message: "Add", payload: { by: 1 }, requestId: rig.requestId(), asker: operator },
        (reply) => {
          replies.push(reply)
          throw new Error("a planted crash of a callback")
        }
      )
    rig.advance()
    assert.deepStrictEqual(replies.map(successOf), [2, 2, 2, 2])
    for (const id of ids) assert.strictEqual(successOf(rig.ask({ kind: "counter", id }, "Add", { by: 1 })), 3)
  })

  it("makes a dead letter of any payload, without its secrets", () => {
    const rig = new ActorRig([faulty()])
    const payload = { at: DateTime.makeUnsafe(0), password: "xyzzy" }
    assert.strictEqual(tagOf(rig.ask(a, "CrashAt", payload)), "Internal")
    assert.deepStrictEqual(decodeStored(rig.dead[0]?.payload ?? new Uint8Array()), {
      at: "1970-01-01T00:00:00.000Z",
      password: "***"
    })
  })

  it("of a timeout keeps it due: it runs again a second later", () => {
    const rig = new ActorRig([faulty()])
    rig.ask(a, "RingCrashing", { at: rig.now + 5000, crashes: 3 })
    rig.advance(10_000)
    assert.strictEqual(successOf(rig.ask(a, "Read", {})), 100)
  })

  it("of a timeout that never ends quarantines the actor", () => {
    const rig = new ActorRig([faulty()])
    rig.ask(a, "RingCrashing", { at: rig.now + 5000, crashes: 100 })
    rig.advance(20_000)
    assert.isDefined(rig.rows.get("faulty/a")?.quarantine)
  })

  it("of a watch ends that watch only", () => {
    const rig = new ActorRig([faulty()])
    for (let count = 0; count < 12; count++) rig.ask(a, "Add", {})
    const items: Array<unknown> = []
    const ends: Array<HolonError | undefined> = []
    begin(rig, items, ends)
    rig.advance(100)
    assert.deepStrictEqual(items, [12])
    rig.ask(a, "Add", {})
    assert.deepStrictEqual(
      ends.map((error) => error?._tag),
      ["Internal"]
    )
    assert.strictEqual(successOf(rig.ask(a, "Add", {})), 14)
    assert.deepStrictEqual(items, [12])
  })
})

describe("a quarantined actor", () => {
  it("is quarantined though the store is away for minutes", () => {
    const rig = new ActorRig([faulty()])
    const payload = { at: DateTime.makeUnsafe(0), password: "xyzzy" }
    rig.isQuarantineAway = true
    for (let count = 0; count < 5; count++) rig.ask(a, "CrashAt", payload)
    rig.advance(300_000)
    rig.isQuarantineAway = false
    rig.advance(1000)
    assert.isDefined(rig.rows.get("faulty/a")?.quarantine)
  })

  it("ends its watches with an error, so that nobody begins them again at once", () => {
    const rig = new ActorRig([faulty()])
    rig.ask(a, "Add", {})
    const ends: Array<HolonError | undefined> = []
    begin(rig, [], ends)
    const payload = { at: DateTime.makeUnsafe(0), password: "xyzzy" }
    for (let count = 0; count < 5; count++) rig.ask(a, "CrashAt", payload)
    begin(rig, [], ends)
    rig.advance(100)
    assert.deepStrictEqual(
      ends.map((error) => error?._tag),
      ["Unavailable", "Unavailable"]
    )
  })
})

describe("a row of a newer format", () => {
  it("is left alone, not quarantined", () => {
    const rig = new ActorRig([faulty()])
    rig.ask(a, "Add", {})
    rig.residency.dropAll()
    const row = rig.rows.get("faulty/a")
    if (row !== undefined) row.format = 2
    for (let count = 0; count < 10; count++) assert.strictEqual(tagOf(rig.ask(a, "Read", {})), "NotHere")
    assert.isUndefined(row?.quarantine)
  })
})
