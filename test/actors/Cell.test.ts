import { assert, describe, it } from "@effect/vitest"
import { device } from "../../src/actors/device/Device.ts"
import type { Reply } from "../../src/actors/Envelope.ts"
import { vsm } from "../../src/actors/vsm/Vsm.ts"
import type { Asker } from "../../src/protocol/Asker.ts"
import type { UpFrame } from "../../src/protocol/Frame.ts"
import { encodeUp } from "../../src/protocol/FrameCodec.ts"
import { decodeJournalBody } from "../../src/protocol/JournalBody.ts"
import { decodeStored, encodeStored } from "../../src/protocol/Stored.ts"
import { ActorRig, epoch } from "../support/ActorRig.ts"
import { counter, TooHigh } from "../support/Counter.ts"
import { shelf } from "../support/Shelf.ts"
import { tank } from "../support/Tank.ts"

const a = { kind: "counter", id: "a" }
const b = { kind: "counter", id: "b" }

const successOf = (reply: Reply | undefined): unknown => {
  assert.strictEqual(reply?._tag, "Success")
  return reply?._tag === "Success" ? reply.value : undefined
}
const failureOf = (reply: Reply | undefined): string =>
  reply?._tag === "Failed" ? reply.error._tag : `no failure: ${reply?._tag}`

const stateOf = (rig: ActorRig, key: string): Record<string, unknown> => {
  const stored: unknown = decodeStored(rig.rows.get(key)?.head ?? new Uint8Array([0xf6]))
  return Array.isArray(stored) ? stored[0] : {}
}

describe("output commit", () => {
  it("holds a reply back until its state is durable", () => {
    const rig = new ActorRig([counter])
    rig.holdCommits = true
    const replies = rig.send(a, "Add", { by: 2 })
    rig.advance()
    assert.deepStrictEqual(replies, [])
    rig.releaseCommits()
    assert.strictEqual(successOf(replies[0]), 2)
  })

  it("holds a read back while what it has seen is not durable", () => {
    const rig = new ActorRig([counter])
    rig.ask(a, "Add", { by: 1 })
    rig.holdCommits = true
    rig.send(a, "Add", { by: 1 })
    const reads = rig.send(a, "Read", {})
    rig.advance()
    assert.deepStrictEqual(reads, [])
    rig.releaseCommits()
    assert.strictEqual(successOf(reads[0]), 2)
  })

  it("ends an older link only when the newer one is durable", () => {
    const press = { kind: "device", id: "press-1" }
    const rig = new ActorRig([device, vsm])
    const attach = (link: number) => ({
      ...{ node: "node-1", connection: link, boot: 7, link, up: 10, profile: "p", firmware: "1", caps: 0 },
      ...{ rx: 4096, requests: 1, desired: 0, leaseMillis: 60_000 }
    })
    const asker: Asker = { kind: "device", id: press.id, role: "board" }
    assert.strictEqual(rig.ask(press, "Attach", attach(1), { asker })._tag, "Success")
    rig.holdCommits = true
    rig.send(press, "Attach", attach(2), { asker })
    const outcomes: Array<string> = []
    const frame: UpFrame = { type: "report", seq: 1, state: { n: 1 } }
    rig.residency.frame({ id: press.id, epoch: 1, connection: 1, frame, bytes: encodeUp(frame) }, ({ _tag }) =>
      outcomes.push(_tag)
    )
    rig.advance()
    assert.deepStrictEqual(outcomes, [])
    rig.releaseCommits()
    assert.deepStrictEqual(outcomes, ["Superseded"])
  })

  it("fails all that waits on a commit of unknown outcome, and claims again by itself", () => {
    const rig = new ActorRig([counter])
    rig.ask(a, "Add", { by: 1 })
    rig.nextCommits.push("lost after writing")
    const first = rig.send(a, "Add", { by: 1 })
    const read = rig.send(a, "Read", {})
    rig.advance()
    assert.strictEqual(failureOf(first[0]), "Unavailable")
    assert.strictEqual(failureOf(read[0]), "Unavailable")
    rig.advance(1000)
    assert.strictEqual(rig.residency.size, 1)
    assert.strictEqual(successOf(rig.ask(a, "Read", {})), 2)
  })

  it("writes nothing over a row that another node has claimed", () => {
    const rig = new ActorRig([counter])
    rig.ask(a, "Add", { by: 1 })
    rig.holdCommits = true
    const stale = rig.send(a, "Add", { by: 10 })
    rig.advance()
    const row = rig.rows.get("counter/a")
    assert.isDefined(row)
    if (row !== undefined) row.version++
    rig.releaseCommits()
    assert.strictEqual(failureOf(stale[0]), "Unavailable")
    assert.strictEqual(successOf(rig.ask(a, "Read", {})), 1)
  })

  it("writes two actors that wait together in one statement, sorted by address", () => {
    const rig = new ActorRig([counter])
    for (const id of ["x", "c", "m", "e"]) rig.ask({ kind: "counter", id }, "Add", { by: 1 })
    rig.batches.length = 0
    for (const id of ["x", "c", "m", "e"]) rig.send({ kind: "counter", id }, "Add", { by: 1 })
    rig.advance()
    assert.strictEqual(rig.batches.length, 2)
    assert.strictEqual(rig.batches.flat().length, 4)
    for (const batch of rig.batches) assert.deepStrictEqual(batch, [...batch].sort())
  })

  it("lets only the culprit fail when the store refuses a batch for its data", () => {
    const rig = new ActorRig([counter])
    const ids = ["i1", "i3", "i5", "i7"].map((id) => ({ kind: "counter", id }))
    for (const address of ids) rig.ask(address, "Add", { by: 1 })
    rig.nextCommits.push("Refused", "Refused", "Refused")
    const replies = ids.map((address) => rig.send(address, "Add", { by: 1 }))
    rig.advance()
    const failures = replies.filter(([reply]) => reply?._tag === "Failed")
    assert.isAtLeast(failures.length, 1)
    assert.isBelow(failures.length, 4)
  })

  it("repeats a statement the store has rolled back", () => {
    const rig = new ActorRig([counter])
    rig.nextCommits.push("RolledBack")
    assert.strictEqual(successOf(rig.ask(a, "Add", { by: 3 })), 3)
  })

  it("puts what a commit emitted into its journal row, numbered without a gap", () => {
    const rig = new ActorRig([counter])
    rig.ask(a, "Add", { by: 3 })
    rig.ask(a, "Add", { by: 4 })
    const records = rig.journal.flatMap(({ body }) => decodeJournalBody(body))
    assert.deepStrictEqual(
      records.map(({ seq, type, data }) => ({ seq, type, data })),
      [
        { seq: 1, type: "counter.added", data: { by: 3 } },
        { seq: 2, type: "counter.added", data: { by: 4 } }
      ]
    )
  })

  it("begins an effect after the commit, never before", () => {
    const rig = new ActorRig([counter])
    rig.ask(a, "Add", { by: 1 })
    rig.holdCommits = true
    rig.send(a, "Work", { id: "w1" })
    rig.advance()
    assert.deepStrictEqual(rig.performed, [])
    rig.releaseCommits()
    assert.deepStrictEqual(rig.performed, ["w1"])
  })
})

describe("once", () => {
  it("answers a repeat from the row, also on another node", () => {
    const rig = new ActorRig([counter])
    const requestId = rig.requestId()
    assert.strictEqual(successOf(rig.ask(a, "Add", { by: 5 }, { requestId })), 5)
    assert.strictEqual(successOf(rig.ask(a, "Add", { by: 5 }, { requestId })), 5)
    rig.residency.stop()
    rig.start("node-2")
    assert.strictEqual(successOf(rig.ask(a, "Add", { by: 5 }, { requestId })), 5)
    assert.strictEqual(successOf(rig.ask(a, "Read", {})), 5)
  })

  it("keeps a refusal too: a late copy does not apply what was refused", () => {
    const rig = new ActorRig([counter])
    rig.ask(a, "Add", { by: 5 })
    const requestId = rig.requestId()
    const refused = rig.ask(a, "Add", { by: 1, limit: 5 }, { requestId })
    assert.deepStrictEqual(refused, { _tag: "Refused", error: new TooHigh({ limit: 5 }) })
    rig.ask(a, "Add", { by: -5 })
    assert.deepStrictEqual(rig.ask(a, "Add", { by: 1, limit: 5 }, { requestId }), refused)
    assert.strictEqual(successOf(rig.ask(a, "Read", {})), 0)
  })

  it("refuses an id past its life, and forgets a reply only after that", () => {
    const rig = new ActorRig([counter])
    const requestId = rig.requestId()
    const late = rig.requestId()
    rig.ask(a, "Add", { by: 5 }, { requestId })
    rig.advance(10 * 60_000 + 1000)
    assert.strictEqual(successOf(rig.ask(a, "Add", { by: 5 }, { requestId })), 5)
    assert.strictEqual(failureOf(rig.ask(a, "Add", { by: 5 }, { requestId: late })), "Expired")
    rig.advance(60_000)
    rig.ask(a, "Add", { by: 1 })
    assert.strictEqual(failureOf(rig.ask(a, "Add", { by: 5 }, { requestId })), "Expired")
    assert.strictEqual(successOf(rig.ask(a, "Read", {})), 6)
  })

  it("refuses an id that is no UUIDv7", () => {
    const rig = new ActorRig([counter])
    assert.strictEqual(failureOf(rig.ask(a, "Add", { by: 5 }, { requestId: "1" })), "Malformed")
  })
})

describe("guard", () => {
  it("refuses who may not, whatever way the message came", () => {
    const rig = new ActorRig([counter])
    const asker = { kind: "device", id: "a", role: "board" } as const
    assert.strictEqual(failureOf(rig.ask(a, "Add", { by: 1 }, { asker })), "PolicyDenied")
    assert.strictEqual(failureOf(rig.ask(a, "Told", { number: 1 })), "PolicyDenied")
  })

  it("serves nobody while the lease is not fresh or the shard is gone", () => {
    const rig = new ActorRig([counter])
    rig.ask(a, "Add", { by: 1 })
    rig.isFresh = false
    assert.strictEqual(rig.send(a, "Add", { by: 1 })[0]?._tag, "NotHere")
    rig.isFresh = true
    rig.holdsShards = false
    assert.strictEqual(rig.send(a, "Add", { by: 1 })[0]?._tag, "NotHere")
  })

  it("answers NotFound to a query of an unknown id, and makes no row", () => {
    const rig = new ActorRig([counter])
    assert.strictEqual(failureOf(rig.ask(a, "Read", {})), "NotFound")
    assert.strictEqual(rig.rows.size, 0)
    assert.strictEqual(rig.residency.size, 0)
  })
})

describe("tells", () => {
  it("arrive in order and once, though the receiver's first commit is lost", () => {
    const rig = new ActorRig([counter])
    rig.ask(b, "Add", { by: 0 })
    rig.ask(a, "TellTo", { id: "b", numbers: [1, 2, 3] })
    rig.nextCommits.push("lost after writing")
    rig.advance(10_000)
    assert.deepStrictEqual(stateOf(rig, "counter/b").told, [1, 2, 3])
    assert.deepStrictEqual(
      [...(rig.rows.get("counter/a")?.parts.keys() ?? [])].filter((key) => key.startsWith("~tell/")),
      []
    )
  })

  it("are sent by the next node when the sender's died before it could", () => {
    const rig = new ActorRig([counter])
    rig.ask(a, "Add", { by: 0 })
    rig.holdCommits = true
    rig.send(a, "TellTo", { id: "b", numbers: [7] })
    rig.advance()
    rig.residency.stop()
    rig.residency.dropAll()
    rig.releaseCommits()
    assert.isUndefined(rig.rows.get("counter/b"))
    rig.start("node-2")
    rig.residency.acquired([1])
    rig.advance(2000)
    assert.deepStrictEqual(stateOf(rig, "counter/b").told, [7])
  })

  it("are refused past 256 outstanding", () => {
    const rig = new ActorRig([counter])
    const numbers = Array.from({ length: 257 }, (_, index) => index)
    assert.strictEqual(failureOf(rig.ask(a, "TellTo", { id: "b", numbers })), "Backpressure")
  })
})

describe("timers", () => {
  it("ring on the node that takes the shard over", () => {
    const rig = new ActorRig([counter])
    rig.ask(a, "RingAt", { at: epoch + 60_000 })
    rig.residency.stop()
    rig.residency.dropAll()
    rig.advance(120_000)
    rig.start("node-2")
    rig.advance(2000)
    assert.strictEqual(stateOf(rig, "counter/a").rings, 1)
  })
})

describe("crashes", () => {
  it("discard the transition only; the third makes a dead letter without secrets", () => {
    const rig = new ActorRig([counter])
    rig.ask(a, "Add", { by: 1 })
    assert.strictEqual(failureOf(rig.ask(a, "Crash", { password: "xyzzy" })), "Internal")
    const [letter] = rig.dead
    assert.strictEqual(letter?.message, "Crash")
    assert.deepStrictEqual(decodeStored(letter?.payload ?? new Uint8Array()), { password: "***" })
    assert.strictEqual(successOf(rig.ask(a, "Read", {})), 1)
  })

  it("quarantine an actor at the fifth within a minute, and only it", () => {
    const rig = new ActorRig([counter])
    rig.ask(b, "Add", { by: 1 })
    for (let count = 0; count < 5; count++) rig.ask(a, "Crash", { password: "x" })
    rig.advance(100)
    assert.isDefined(rig.rows.get("counter/a")?.quarantine)
    assert.strictEqual(failureOf(rig.ask(a, "Read", {})), "Unavailable")
    assert.strictEqual(successOf(rig.ask(b, "Read", {})), 1)
  })

  it("are not what an outage is: a store that is away quarantines nobody", () => {
    const rig = new ActorRig([counter])
    rig.ask(a, "Add", { by: 1 })
    for (let count = 0; count < 10; count++) {
      rig.nextCommits.push("Outage")
      rig.send(a, "Add", { by: 1 })
      rig.advance(1000)
    }
    assert.strictEqual(successOf(rig.ask(a, "Read", {})), 1)
    assert.isUndefined(rig.rows.get("counter/a")?.quarantine)
  })

  it("of a row that does not load quarantine it without decoding it", () => {
    const rig = new ActorRig([counter])
    rig.ask(a, "Add", { by: 1 })
    rig.residency.dropAll()
    const row = rig.rows.get("counter/a")
    if (row !== undefined) row.head = encodeStored([{ count: "not a number" }, 2])
    rig.residency.wake([a])
    rig.advance(10_000)
    assert.isDefined(rig.rows.get("counter/a")?.quarantine)
  })
})

describe("formats", () => {
  it("keep what a newer node has written beside what this one knows", () => {
    const rig = new ActorRig([counter])
    rig.ask(a, "Add", { by: 1 })
    rig.residency.dropAll()
    const row = rig.rows.get("counter/a")
    if (row !== undefined) row.head = encodeStored([{ ...stateOf(rig, "counter/a"), colour: "red" }, 2])
    rig.ask(a, "Add", { by: 1 })
    assert.strictEqual(stateOf(rig, "counter/a").colour, "red")
    assert.strictEqual(stateOf(rig, "counter/a").count, 2)
  })

  it("of earlier releases are read, and written while they are in force", () => {
    const rig = new ActorRig([tank])
    rig.format = 1
    const id = { kind: "tank", id: "t" }
    const headOf = () => {
      const stored = decodeStored(rig.rows.get("tank/t")?.head ?? new Uint8Array())
      return { format: rig.rows.get("tank/t")?.format, head: Array.isArray(stored) ? stored[0] : undefined }
    }
    rig.ask(id, "Fill", { litres: 2 })
    assert.deepStrictEqual(headOf(), { format: 1, head: { litres: 2 } })
    rig.residency.dropAll()
    rig.format = 2
    assert.deepStrictEqual(rig.ask(id, "Level", {}), { _tag: "Success", value: 2 })
    rig.ask(id, "Fill", { litres: 0.5 })
    assert.deepStrictEqual(headOf(), { format: 2, head: { millilitres: 2500 } })
  })

  it("that change are told to a storage of parts", () => {
    const rig = new ActorRig([shelf])
    rig.format = 1
    const id = { kind: "shelf", id: "s" }
    const partsOf = () =>
      Object.fromEntries([...(rig.rows.get("shelf/s")?.parts ?? [])].map(([key, value]) => [key, decodeStored(value)]))
    rig.ask(id, "Put", { name: "a", what: "x" })
    rig.ask(id, "Put", { name: "b", what: "y" })
    assert.deepStrictEqual(partsOf(), { "box/a": "x", "box/b": "y" })
    rig.format = 2
    rig.ask(id, "Put", { name: "b", what: "z" })
    assert.deepStrictEqual(partsOf(), { "box/a": { what: "x" }, "box/b": { what: "z" } })
  })
})
