import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { isBehind } from "../../../src/actors/subscription/Cursors.ts"
import { Subscription, silenceMillisMax } from "../../../src/protocol/Subscription.ts"
import { SubscriptionRig, start } from "./SubscriptionRig.ts"

/** A group that is there, and has looked at the stream once. */
const created = (settings: object = {}): SubscriptionRig => {
  const rig = new SubscriptionRig()
  rig.ask("Create", { ackWithinMillis: 1000, ...settings })
  return rig
}

/** Pulls twice: the first pull of an empty hand only has the stream read. */
const pulled = (rig: SubscriptionRig, consumer = "a", max = 100): ReadonlyArray<string> => {
  const first = rig.pull(consumer, max)
  return first.length > 0 ? first : rig.pull(consumer, max)
}

const cursorsOf = (...positions: ReadonlyArray<number>) => positions.map((position) => `7.${position}`)

describe("a subscription", () => {
  it("lends what comes after it began, in order, and again only when nobody has acknowledged it in time", () => {
    const rig = new SubscriptionRig()
    rig.emit("device/press-0")
    rig.now += 1
    rig.ask("Create", { ackWithinMillis: 1000 })
    rig.emit("device/press-1")
    rig.emit("device/press-2")
    assert.deepStrictEqual(pulled(rig), cursorsOf(2, 3))
    assert.deepStrictEqual(rig.pull(), [])
    rig.now += 999
    assert.deepStrictEqual(rig.pull(), [])
    rig.now += 1
    assert.deepStrictEqual(rig.pull("b"), cursorsOf(2, 3))
    assert.deepInclude(rig.view(), { given: 4, again: 2, done: 0, inFlight: 2 })
    assert.deepStrictEqual(rig.ack("b", ...cursorsOf(2, 3)), { acknowledged: 2, unknown: 0 })
    assert.deepInclude(rig.view(), { position: "7.3", inFlight: 0, done: 2 })
    assert.deepStrictEqual(rig.pull(), [])
    rig.now += 5000
    assert.deepStrictEqual(rig.pull(), [])
  })

  it("begins behind a cursor, or at a time", () => {
    const rig = new SubscriptionRig()
    for (const _ of [1, 2, 3, 4]) {
      rig.emit("device/press-1")
      rig.now += 1000
    }
    rig.ask("Create", { after: "7.3" })
    assert.deepStrictEqual(pulled(rig), cursorsOf(4))
    rig.ask("Remove")
    rig.ask("Create", { since: start + 1000 })
    assert.deepStrictEqual(pulled(rig), cursorsOf(2, 3, 4))
  })

  it("shares the work: nobody gets what somebody else has, nor anything of a source of which somebody has something", () => {
    const rig = created()
    for (const source of ["device/a", "device/b", "device/a", "device/c"]) rig.emit(source)
    assert.deepStrictEqual(pulled(rig, "one", 1), cursorsOf(1))
    assert.deepStrictEqual(rig.pull("two", 1), cursorsOf(2))
    assert.deepStrictEqual(rig.pull("two"), cursorsOf(4), "7.3 is of the source of which one has something")
    assert.deepStrictEqual(rig.pull("one"), [], "it may not have got the answer with 7.1")
    rig.ack("one", "7.1")
    assert.deepStrictEqual(rig.pull("one"), cursorsOf(3))
    assert.deepStrictEqual(
      [...rig.view().consumers].sort((left, right) => left.consumer.localeCompare(right.consumer)),
      [
        { consumer: "one", inFlight: 1 },
        { consumer: "two", inFlight: 2 }
      ]
    )
  })

  it("keeps its place while an earlier event is not acknowledged, and never lends again what is", () => {
    const rig = created()
    for (const source of ["device/a", "device/b", "device/c"]) rig.emit(source)
    pulled(rig)
    rig.ack("a", ...cursorsOf(2, 3))
    assert.notStrictEqual(rig.view().position, "7.3")
    rig.now += 1000
    rig.move()
    assert.deepStrictEqual(pulled(rig), cursorsOf(1), "the others are acknowledged, also on another node")
    rig.ack("a", "7.1")
    assert.strictEqual(rig.view().position, "7.3")
    assert.deepInclude(rig.view(), { inFlight: 0, lapsed: 0 })
  })

  it("leaves a consumer what it has when the actor moves", () => {
    const rig = created()
    rig.emit("device/a")
    rig.emit("device/b")
    assert.deepStrictEqual(pulled(rig, "one", 1), cursorsOf(1))
    rig.move()
    assert.deepStrictEqual(pulled(rig, "two"), cursorsOf(2))
    assert.deepStrictEqual(rig.ack("one", "7.1"), { acknowledged: 1, unknown: 0 })
    rig.move()
    assert.deepStrictEqual(rig.ack("two", "7.2"), { acknowledged: 1, unknown: 0 }, "before it has read again")
    assert.strictEqual(rig.view().position, "7.2")
  })

  it("takes an acknowledgement up to an event for what the consumer has, and not for what others have", () => {
    const rig = created()
    for (const source of ["device/a", "device/b", "device/c", "device/d"]) rig.emit(source)
    pulled(rig, "one", 2)
    rig.pull("two")
    assert.deepStrictEqual(rig.ask("Ack", { consumer: "one", upTo: "7.4" }), { acknowledged: 2, unknown: 0 })
    assert.deepStrictEqual(rig.ack("one", "7.3", "7.9"), { acknowledged: 0, unknown: 2 })
    assert.deepInclude(rig.view(), { position: "7.2", inFlight: 2 })
  })

  it("gives back at once what a consumer returns, with all of the same source behind it", () => {
    const rig = created()
    for (const source of ["device/a", "device/b", "device/a", "device/a"]) rig.emit(source)
    pulled(rig, "one")
    assert.deepStrictEqual(rig.ask("Nack", { consumer: "one", cursors: ["7.3"] }), { released: 2 })
    assert.deepStrictEqual(rig.pull("two"), [], "7.1 is still with one")
    rig.ack("one", "7.1")
    assert.deepStrictEqual(rig.pull("two"), cursorsOf(3, 4))
    assert.deepStrictEqual(rig.ask("Nack", { consumer: "one", cursors: ["7.3"] }), { released: 0 })
  })

  it("reads and lends no further than its consumers acknowledge", () => {
    const rig = created({ maxInFlight: 10 })
    for (let number = 0; number < 100; number++) rig.emit(`device/press-${number}`)
    const first = pulled(rig)
    assert.strictEqual(first.length, 10)
    assert.deepStrictEqual(rig.pull("b"), [])
    assert.strictEqual(Object(rig.resident).placed.length, 20)
    rig.ack("a", ...first.slice(0, 3))
    assert.strictEqual(rig.pull("b").length, 3)
    const seen = new Set(first)
    for (let round = 0; round < 20; round++) {
      rig.now += 1000
      for (const cursor of pulled(rig, "c")) {
        seen.add(cursor)
        rig.ack("c", cursor)
      }
    }
    assert.strictEqual(seen.size, 100)
    assert.deepInclude(rig.view(), { position: "7.100", inFlight: 0, lapsed: 0, done: 100 })
  })

  it("lends again what has lapsed, also while new events in front of it find no room", () => {
    const rig = created({ maxInFlight: 2 })
    for (const source of ["device/a", "device/a", "device/b", "device/a"]) rig.emit(source)
    assert.deepStrictEqual(pulled(rig, "one", 1), cursorsOf(1))
    assert.deepStrictEqual(rig.pull("two"), cursorsOf(3))
    rig.now += 1000
    assert.deepStrictEqual(rig.pull("three"), cursorsOf(1, 3))
  })

  it("is suspended after a day in which nothing was acknowledged, and has lost nothing", () => {
    const rig = created()
    assert.strictEqual(rig.due(), undefined)
    rig.emit("device/a")
    rig.emit("device/b")
    const mine = pulled(rig)
    assert.strictEqual(rig.due(), start + silenceMillisMax)
    rig.now += silenceMillisMax - 1
    rig.timeout()
    assert.strictEqual(rig.view().state, "active")
    rig.ack("a", "7.1")
    assert.strictEqual(rig.due(), rig.now + silenceMillisMax, "one is acknowledged, one is not")
    rig.now += silenceMillisMax
    rig.pull()
    rig.timeout()
    assert.strictEqual(rig.view().state, "suspended")
    assert.strictEqual(rig.due(), undefined)
    assert.strictEqual(
      Object(rig.ask("Pull", { consumer: "a", max: 1 })).message,
      "Pull is not possible while suspended"
    )
    rig.emit("device/c")
    rig.ask("Resume")
    rig.now += 1000
    assert.deepStrictEqual([...pulled(rig), ...rig.pull()], cursorsOf(2, 3))
    assert.strictEqual(mine.length, 2)
  })

  it("says how old its backlog is", () => {
    const rig = created()
    assert.strictEqual(rig.view().oldestAt, undefined)
    rig.emit("device/a")
    rig.now += 60_000
    rig.emit("device/b")
    pulled(rig)
    assert.strictEqual(rig.view().oldestAt, start)
    rig.ack("a", "7.1")
    assert.strictEqual(rig.view().oldestAt, start + 60_000)
    rig.ack("a", "7.2")
    assert.strictEqual(rig.view().oldestAt, undefined)
  })

  it("asks the stream once at a time, again after an outage, and takes no outcome it does not wait for", () => {
    const rig = created()
    rig.isReadable = false
    rig.emit("device/a")
    rig.pull()
    rig.pull()
    assert.strictEqual(rig.reads.length, 1)
    const [first] = rig.reads
    rig.complete(first?.id ?? "", { _tag: "Unavailable" })
    rig.pull()
    assert.strictEqual(rig.reads.length, 2)
    for (const order of [...rig.reads]) rig.answer(order)
    assert.deepStrictEqual(rig.pull(), cursorsOf(1))
    assert.strictEqual(rig.pull("b").length, 0)
    rig.now += 30_000
    rig.pull("c")
    assert.strictEqual(rig.reads.length, 4, "one that is not heard of is given up")
  })

  it("lets go what the journal has forgotten", () => {
    const rig = created({ maxInFlight: 2 })
    for (const source of ["device/a", "device/b", "device/c"]) rig.emit(source)
    pulled(rig)
    rig.forget(2)
    rig.move()
    rig.now += 1000
    assert.deepStrictEqual(pulled(rig), cursorsOf(3))
    assert.deepInclude(rig.view(), { inFlight: 1, lapsed: 0 })
  })

  it("stays when it is created again with the same settings, and refuses others", () => {
    const rig = created({ where: 'severity == "error"' })
    assert.strictEqual(
      Object(rig.ask("Create", { ackWithinMillis: 1000, where: 'severity == "error"' })).state,
      "active"
    )
    assert.strictEqual(Object(rig.ask("Create", { ackWithinMillis: 2000 }))._tag, "Conflict")
    rig.ask("Remove")
    assert.strictEqual(rig.view().state, "removed")
    assert.match(Object(rig.ask("Pull", { consumer: "a", max: 1 })).message, /no subscription alarms; create it first/)
    assert.strictEqual(Object(rig.ask("Create", { ackWithinMillis: 2000 })).state, "active")
  })

  it("refuses a condition with the place in it that is wrong", () => {
    const rig = new SubscriptionRig()
    const refusal = rig.ask("Create", { where: 'severty == "error" and > 3' })
    assert.strictEqual(Object(refusal)._tag, "ConditionInvalid")
    assert.match(Object(refusal).message, /line 1, column \d+/)
    assert.strictEqual(rig.view().state, "removed")
  })

  it("notes its place now and then while nothing is meant for it, so that little is read again", () => {
    const rig = created()
    rig.isMeant = () => false
    const positions: Array<string | undefined> = []
    for (let half = 0; half < 4; half++) {
      rig.emit("device/a")
      assert.deepStrictEqual(pulled(rig), [])
      positions.push(rig.view().position)
      rig.now += 30_000
    }
    assert.deepStrictEqual(positions, [undefined, undefined, "7.3", "7.3"])
    rig.isMeant = () => true
    rig.move()
    assert.deepStrictEqual(pulled(rig), cursorsOf(4))
  })

  it("emits facts that its contract declares", () => {
    const rig = created()
    rig.emit("device/a")
    pulled(rig)
    rig.now += silenceMillisMax
    rig.timeout()
    rig.ask("Resume")
    rig.ask("Remove")
    const schemas = new Map<string, Schema.Codec<unknown>>(Object.entries(Subscription.events))
    for (const { type, data } of rig.events) {
      const schema = schemas.get(type)
      assert.isTrue(schema !== undefined && Schema.is(schema)(data), `${type} ${JSON.stringify(data)}`)
    }
    assert.deepStrictEqual(new Set(rig.events.map(({ type }) => type)), new Set(schemas.keys()))
  })

  it("orders cursors as the journal is read", () => {
    const ordered = ["7.9", "7.10.1", "7.10.2", "7.10.12", "7.10", "10.1", "18446744073709551615.1"]
    for (const [at, one] of ordered.entries())
      for (const [place, other] of ordered.entries())
        assert.strictEqual(isBehind(one, other), at > place, `${one} ${other}`)
  })
})
