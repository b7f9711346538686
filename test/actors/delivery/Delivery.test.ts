import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { pageSize } from "../../../src/actors/delivery/Pages.ts"
import { inFlightMax } from "../../../src/actors/delivery/Turn.ts"
import {
  Delivery,
  type DeliveryRecord,
  deliveryIdOf,
  lettersMax,
  shownTarget,
  waitMillisMax
} from "../../../src/protocol/Delivery.ts"
import { DeliveryRig, webhook } from "./DeliveryRig.ts"

const hour = 3_600_000

describe("a delivery", () => {
  it("sends the first letter of each key at once, and the next one of a key when the one before has arrived", () => {
    const rig = new DeliveryRig()
    rig.deliver("a-1", "a")
    rig.deliver("a-2", "a")
    rig.deliver("b-1", "b")
    assert.deepStrictEqual(rig.underWay, ["a-1", "b-1"])
    rig.delivered("a-1")
    assert.deepStrictEqual(rig.underWay, ["b-1", "a-2"])
    rig.delivered("b-1")
    rig.delivered("a-2")
    assert.deepInclude(rig.view(), { queued: 0, inFlight: 0, delivered: 3, dead: 0 })
    assert.strictEqual((rig.state as DeliveryRecord).dueAt, undefined)
  })

  it("sends a match that comes again once, also after it has arrived and after it has moved", () => {
    const rig = new DeliveryRig()
    rig.deliver("m-1")
    rig.deliver("m-1")
    assert.deepStrictEqual(rig.underWay, ["m-1"])
    rig.delivered("m-1")
    rig.move()
    rig.deliver("m-1")
    assert.deepInclude(rig.view(), { queued: 0, delivered: 1 })
    assert.deepStrictEqual(rig.underWay, [])
  })

  it("remembers the last four thousand matches and forgets older ones, whose pages go", () => {
    const rig = new DeliveryRig()
    const count = 4096 + 2 * pageSize
    for (let number = 0; number < count; number++) {
      rig.deliver(`m-${number}`, String(number))
      rig.delivered(`m-${number}`)
    }
    const { pages } = rig.state as DeliveryRecord
    assert.strictEqual(pages.length, 4096 / pageSize)
    rig.deliver(`m-${count - 4096}`)
    assert.deepStrictEqual(rig.underWay, [])
    rig.deliver("m-0")
    assert.deepStrictEqual(rig.underWay, ["m-0"])
  })

  it("says of each letter what led to it, whatever else it was doing then, also after it has moved", () => {
    const rig = new DeliveryRig()
    for (const name of ["a", "b"]) {
      rig.causes = [`match-${name}`]
      rig.root = `root-${name}`
      rig.deliver(name, "one key")
    }
    rig.root = undefined
    rig.deliver("c", "one key")
    rig.move()
    rig.untilDue()
    rig.delivered("a")
    rig.end("b", { _tag: "Refused", error: "gone" })
    rig.delivered("c")
    const said = (facts: DeliveryRig["events"]) => facts.map(({ data, because }) => [Object(data).matchId, because])
    assert.deepStrictEqual(said(rig.samples), [
      ["a", { causes: ["match-a"], root: "root-a" }],
      ["c", undefined]
    ])
    assert.deepStrictEqual(said(rig.events), [["b", { causes: ["match-b"], root: "root-b" }]])
  })

  it("has no more than so many letters under way", () => {
    const rig = new DeliveryRig()
    for (let key = 0; key < 3 * inFlightMax; key++) rig.deliver(`m-${key}`, `key-${key}`)
    assert.strictEqual(rig.underWay.length, inFlightMax)
    rig.delivered("m-0")
    assert.deepStrictEqual(rig.underWay.at(-1), `m-${inFlightMax}`)
    assert.strictEqual(rig.underWay.length, inFlightMax)
  })

  it("waits longer after each failure with full jitter, and gives a letter up behind the last pause", () => {
    const rig = new DeliveryRig()
    rig.random = 1
    rig.deliver("m-1")
    const pauses: Array<number> = []
    for (let attempt = 0; attempt < 8; attempt++) {
      rig.failed("m-1")
      assert.deepStrictEqual(rig.underWay, [])
      pauses.push(rig.untilDue())
      assert.deepStrictEqual(rig.underWay, ["m-1"])
    }
    assert.deepStrictEqual(
      pauses,
      [1, 2, 4, 8, 16, 32, 60, 60].map((seconds) => seconds * 1000)
    )
    assert.deepStrictEqual(rig.events, [])
    rig.failed("m-1", "the server answers 500")
    assert.deepStrictEqual(rig.events, [
      {
        type: "delivery.dead",
        severity: "error",
        data: {
          matchId: "m-1",
          pattern: "hot",
          key: "press-1",
          target: "http://plant.example/hooks/7",
          attempts: 9,
          lastError: "the server answers 500"
        }
      }
    ])
    assert.deepInclude(rig.view(), { queued: 0, dead: 1 })
    const early = new DeliveryRig()
    early.random = 0.25
    early.deliver("m-1")
    early.failed("m-1")
    assert.strictEqual(early.untilDue(), 250)
  })

  it("gives up at once what the target refuses for good, and goes on with the next of that key", () => {
    const rig = new DeliveryRig()
    rig.deliver("m-1")
    rig.deliver("m-2")
    rig.end("m-1", { _tag: "Refused", error: "the server answers 400" })
    assert.deepStrictEqual(rig.underWay, ["m-2"])
    assert.deepInclude(rig.view(), { queued: 1, dead: 1 })
  })

  it("never lets a letter that fails hold up another key", () => {
    const rig = new DeliveryRig()
    for (let number = 0; number < 40; number++) rig.deliver(`bad-${number}`, "bad")
    rig.failed("bad-0")
    for (let number = 0; number < 40; number++) {
      rig.deliver(`good-${number}`, "good")
      rig.delivered(`good-${number}`)
    }
    assert.deepInclude(rig.view(), { queued: 40, delivered: 40 })
  })

  it("begins again what was under way with a node that died, and takes one outcome of a letter only", () => {
    const rig = new DeliveryRig()
    rig.deliver("a-1", "a")
    rig.deliver("b-1", "b")
    rig.failed("b-1")
    assert.isTrue(Boolean(rig.state))
    rig.move()
    assert.deepStrictEqual(rig.underWay, ["a-1"], "b-1 waits for its time")
    const [{ id } = { id: "" }] = rig.attempts
    rig.delivered("a-1")
    rig.complete(id, { _tag: "Failed", error: "late" })
    assert.deepInclude(rig.view(), { queued: 1, delivered: 1 })
    rig.untilDue()
    assert.deepStrictEqual(rig.underWay, ["b-1"])
  })

  it("begins an attempt again of which nothing is heard", () => {
    const rig = new DeliveryRig()
    rig.deliver("m-1")
    for (let waited = 0; waited < 30_000; ) waited += rig.untilDue()
    assert.deepStrictEqual(rig.underWay, ["m-1", "m-1"])
    rig.delivered("m-1")
    assert.deepInclude(rig.view(), { queued: 0, inFlight: 0, delivered: 1 })
  })

  it("takes nothing new with a hundred thousand letters, counts what it drops, and goes on after a word of an operator", () => {
    const rig = new DeliveryRig()
    for (let number = 0; number < lettersMax; number++) rig.deliver(`m-${number}`, "one")
    assert.strictEqual(rig.view().state, "active")
    rig.deliver("over-1", "other")
    rig.deliver("over-2", "other")
    assert.deepStrictEqual(rig.view().suspended?.reason, "backlog")
    assert.deepInclude(rig.view(), { queued: lettersMax, dropped: 2 })
    rig.now += 10_000
    rig.timeout()
    const dropped = rig.events.filter(({ type }) => type === "delivery.dropped").map(({ data }) => Object(data).count)
    assert.deepStrictEqual(dropped, [1, 1])
    rig.delivered("m-0")
    rig.ask("Resume")
    assert.deepInclude(rig.view(), { state: "active", queued: lettersMax - 1 })
    rig.deliver("over-3", "other")
    assert.include(rig.underWay, "over-3")
    rig.move()
    assert.strictEqual(rig.view().queued, lettersMax)
  }, 30_000)

  it("suspends a target whose letters have waited for a day, and waits a day more when it is resumed", () => {
    const rig = new DeliveryRig()
    rig.random = 1
    for (let number = 0; number < 10_000; number++) rig.deliver(`m-${number}`)
    while (rig.view().state === "active" && rig.now < Number(rig.view().oldestAt) + 2 * waitMillisMax) {
      const [matchId] = rig.underWay
      if (matchId === undefined) rig.untilDue()
      else rig.failed(matchId)
    }
    assert.deepStrictEqual(rig.view().suspended?.reason, "age")
    assert.isAtLeast(rig.view().dead, 300)
    assert.strictEqual(rig.view().dead + rig.view().queued, 10_000)
    rig.ask("Resume")
    rig.now += 23 * hour
    rig.timeout()
    assert.strictEqual(rig.view().state, "active")
    rig.now += hour
    rig.timeout()
    assert.strictEqual(rig.view().state, "suspended")
  })

  it("replays dead letters in their old place, those that are named or all, and says so", () => {
    const rig = new DeliveryRig()
    for (const number of [1, 2, 3, 4]) rig.deliver(`m-${number}`)
    for (const number of [1, 2, 3]) rig.end(`m-${number}`, { _tag: "Refused", error: "the server answers 410" })
    const dead = rig.ask("GetDead", { limit: 2 })
    assert.deepStrictEqual(
      Object(dead)
        .letters.map(Object)
        .map(({ matchId, attempts, lastError }: never) => [matchId, attempts, lastError]),
      [
        ["m-1", 1, "the server answers 410"],
        ["m-2", 1, "the server answers 410"]
      ]
    )
    assert.strictEqual(Object(dead).next, 2)
    assert.deepStrictEqual(rig.ask("Replay", { matchIds: ["m-2", "m-4", "none"] }), { count: 1 })
    assert.deepStrictEqual(rig.underWay, ["m-4"], "one of a key at a time")
    rig.delivered("m-4")
    assert.deepStrictEqual(rig.underWay, ["m-2"])
    rig.delivered("m-2")
    assert.deepStrictEqual(rig.ask("Replay"), { count: 2 })
    assert.deepStrictEqual(rig.underWay, ["m-1"])
    rig.delivered("m-1")
    rig.delivered("m-3")
    assert.deepInclude(rig.view(), { queued: 0, dead: 0, delivered: 4 })
    const replayed = rig.events
      .filter(({ type }) => type === "delivery.replayed")
      .map(({ data }) => Object(data).matchIds)
    assert.deepStrictEqual(replayed, [["m-2"], ["m-1", "m-3"]])
  })

  it("drops what is dead, what is named, or all that waits, but not what is under way", () => {
    const rig = new DeliveryRig()
    for (const number of [1, 2, 3, 4, 5]) rig.deliver(`m-${number}`)
    rig.end("m-1", { _tag: "Refused", error: "the server answers 400" })
    assert.deepStrictEqual(rig.ask("Drop"), { count: 1 })
    assert.deepStrictEqual(rig.ask("Drop", { matchIds: ["m-4"] }), { count: 1 })
    assert.deepStrictEqual(rig.ask("Drop", { queued: true }), { count: 2 })
    assert.deepStrictEqual(rig.underWay, ["m-2"])
    assert.deepInclude(rig.view(), { queued: 1, dead: 0 })
    rig.delivered("m-2")
    rig.deliver("m-6")
    assert.deepStrictEqual(rig.underWay, ["m-6"])
    assert.strictEqual(Object(rig.ask("GetLetter", { matchId: "m-6" })).key, "press-1")
    assert.match(Object(rig.ask("GetLetter", { matchId: "m-5" })).message, /there is no letter m-5 at webhook:1/)
  })

  it("takes nothing new while an operator has suspended it, and finishes what it has", () => {
    const rig = new DeliveryRig()
    rig.deliver("m-1")
    rig.deliver("m-2")
    rig.ask("Suspend")
    rig.ask("Suspend")
    rig.deliver("m-3")
    rig.delivered("m-1")
    rig.delivered("m-2")
    assert.deepInclude(rig.view(), { state: "suspended", queued: 0, delivered: 2, dropped: 1 })
    rig.ask("Resume")
    rig.deliver("m-4")
    assert.deepStrictEqual(rig.underWay, ["m-4"])
    assert.deepStrictEqual(rig.typesOf(), ["delivery.suspended", "delivery.dropped", "delivery.resumed"])
  })

  it("emits facts that its contract declares", () => {
    const rig = new DeliveryRig()
    rig.deliver("m-1")
    rig.delivered("m-1")
    rig.deliver("m-2")
    rig.end("m-2", { _tag: "Refused", error: "the server answers 400" })
    rig.ask("Replay")
    rig.end("m-2", { _tag: "Refused", error: "the server answers 400" })
    rig.ask("Drop")
    rig.ask("Suspend")
    rig.deliver("m-3")
    rig.ask("Resume")
    rig.deliver("m-4")
    rig.away("m-4")
    rig.untilDue()
    rig.away("m-4")
    rig.untilDue()
    rig.delivered("m-4")
    const schemas = new Map<string, Schema.Codec<unknown>>(Object.entries(Delivery.events))
    const facts = [...rig.events, ...rig.samples]
    for (const { type, data } of facts) {
      const schema = schemas.get(type)
      assert.isTrue(schema !== undefined && Schema.is(schema)(data), `${type} ${JSON.stringify(data)}`)
    }
    assert.deepStrictEqual(new Set(facts.map(({ type }) => type)), new Set(schemas.keys()), "all have had their turn")
    assert.notInclude(JSON.stringify(facts), "geheim", "what stands in a query is nobody's business")
  })

  it("is named for its target, which is shown without what may be secret", () => {
    assert.match(deliveryIdOf(webhook), /^webhook:[0-9a-f]{32}$/)
    assert.notStrictEqual(deliveryIdOf(webhook), deliveryIdOf({ _tag: "Webhook", url: "http://plant.example/hooks/8" }))
    assert.match(deliveryIdOf({ _tag: "Mqtt", topic: "alarms/hot" }), /^mqtt:[0-9a-f]{32}$/)
    assert.strictEqual(shownTarget({ _tag: "Webhook", url: "https://me:pw@x.example/a?b=c" }), "https://x.example/a")
  })
})
