import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import type { Asker } from "../../../../src/protocol/Asker.ts"
import { Dispatcher } from "../../../../src/protocol/vsm/Dispatcher.ts"
import { operator } from "../../../support/ActorRig.ts"
import { survivesBrokenMessages } from "../../../support/BrokenMessages.ts"
import { Desk } from "./Desk.ts"

const decodeList = Schema.decodeUnknownSync(Schema.Struct({ ops: Schema.Array(Schema.Struct({ op: Schema.String })) }))
const place = { kind: Dispatcher.kind, id: "root" }
const unknown = "01930000-0000-7000-8000-000000000001"

describe("a dispatcher", () => {
  it.effect("takes ten thousand messages, most of them broken, from whoever asks, and crashes over none", () => {
    const desk = new Desk()
    desk.order()
    return survivesBrokenMessages(desk.rig, place, Dispatcher, 20_262)
  })

  it("refuses an order that says nothing, or says it twice", () => {
    const desk = new Desk()
    const capability = "device.field.set@1"
    const targets = { of: [{ id: "press-1" }], except: [] }
    for (const order of [{}, { text: "stop", capability }, { text: "stop", targets }, { text: "stop", said: "go" }])
      assert.deepInclude(desk.ask("DispatchIntent", order), { _tag: "Malformed", path: "text" }, JSON.stringify(order))
  })

  it("refuses more than it would want to remember", () => {
    const desk = new Desk()
    const targets = { of: Array.from({ length: 5000 }, (_, at) => ({ id: `press-${at}` })), except: [] }
    const answer = desk.ask("DispatchIntent", { capability: "device.output.switch@1", targets })
    assert.deepInclude(answer, { _tag: "TooLarge", limit: 65_536 })
  })

  it("has who is confined to zones see and cancel what he wants himself, and nothing else", () => {
    const desk = new Desk()
    const asker: Asker = { ...operator, id: "zoe", zones: ["hall.a"] }
    const others = desk.order()
    const own = desk.order({}, "root", { asker })
    for (const message of ["OpStatus", "CancelOp"]) {
      assert.deepInclude(desk.ask(message, { op: others }, "root", { asker }), { _tag: "NotFound" }, message)
      assert.deepInclude(desk.ask(message, { op: own }, "root", { asker }), { op: own }, message)
    }
    const opsOf = (more: object) => decodeList(desk.ask("ListOps", {}, "root", more)).ops.map(({ op }) => op)
    assert.deepStrictEqual(opsOf({ asker }), [own])
    assert.deepStrictEqual(opsOf({}), [own, others])
    assert.isUndefined(desk.view(others).isCancelling)
  })

  it("refuses who has no name, no right, or is a board", () => {
    const desk = new Desk()
    const ask = (asker: Asker) => desk.ask("DispatchIntent", { text: "stop" }, "root", { asker })
    assert.deepInclude(ask({ ...operator, id: "" }), { _tag: "Unauthenticated" })
    assert.deepInclude(ask({ ...operator, may: ["vsm.read"] }), { _tag: "PolicyDenied" })
    assert.deepInclude(ask({ kind: "device", id: "press-1", role: "board" }), { _tag: "PolicyDenied" })
  })

  it("has too much of one user before of all, and says when he may come again", () => {
    const desk = new Desk()
    const few: Asker = { ...operator, id: "eve", may: ["vsm.*"] }
    let taken = 0
    const flood = (more: object = {}): unknown => {
      for (;;) {
        const replies = desk.rig.send(place, "DispatchIntent", { text: "stop", ...more }, { asker: few })
        desk.rig.advance(1)
        const [reply] = replies
        if (reply?._tag !== "Success") return reply?._tag === "Refused" ? reply.error : reply
        taken++
      }
    }
    assert.deepInclude(flood(), { _tag: "RateLimited", bucket: "user/eve" })
    assert.isAtLeast(taken, 50)
    assert.deepInclude(flood({ priority: "algedonic" }), { _tag: "RateLimited" }, "also one to whom all of it hurts")
    assert.match(desk.order(), /^[0-9a-f-]{36}$/, "another user is not held back by it")
  })

  it("takes orders of others when one asks without end, however often that one is refused", () => {
    const desk = new Desk()
    const asker: Asker = { ...operator, id: "eve", may: ["vsm.*"] }
    for (let at = 0; at < 5000; at++) {
      desk.rig.send(place, "DispatchIntent", { text: "stop" }, { asker })
      if (at % 100 === 0) desk.rig.advance(1)
    }
    desk.rig.advance(1000)
    assert.match(desk.order(), /^[0-9a-f-]{36}$/)
  })

  it("takes a request once, and none that is too old for what it would lead to", () => {
    const desk = new Desk()
    const requestId = desk.rig.requestId()
    const [op, again] = [0, 1].map(() => desk.order({}, "root", { requestId }))
    assert.strictEqual(op, again)
    desk.kill()
    assert.strictEqual(desk.order({}, "root", { requestId }), op)
    const asker: Asker = { ...operator, id: "eve" }
    const taken = desk.ask("DispatchIntent", { text: "stop" }, "root", { requestId, asker })
    assert.deepInclude(taken, { _tag: "Malformed", path: "requestId" })
    const late = desk.rig.requestId()
    desk.rig.advance(600_001)
    assert.deepInclude(desk.ask("DispatchIntent", { text: "stop" }, "root", { requestId: late }), { _tag: "Expired" })
  })

  it("holds 4096 ops and no more", () => {
    const desk = new Desk()
    const internal = { asker: { ...operator, role: "internal" } } as const
    for (let at = 0; at < 4096; at++) {
      desk.rig.send(place, "DispatchIntent", { text: "stop" }, internal)
      // Two hundred and fifty ids are all that the rig makes of one millisecond.
      if (at % 200 === 0) desk.rig.advance(1)
    }
    desk.rig.advance(1000)
    assert.deepInclude(desk.ask("DispatchIntent", { text: "stop" }, "root", internal), {
      _tag: "Backpressure",
      bucket: "the list of ops of root"
    })
  })

  it("does not know ops that nobody gave", () => {
    const desk = new Desk()
    desk.order()
    for (const message of ["OpStatus", "CancelOp"])
      assert.deepInclude(desk.ask(message, { op: unknown }), { _tag: "NotFound", what: `op ${unknown}` })
  })
})
