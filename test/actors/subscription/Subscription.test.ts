import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { isBehind } from "../../../src/events/EventStream.ts"
import { Subscription } from "../../../src/protocol/Subscription.ts"
import { deadMax, silenceMillisMax } from "../../../src/protocol/SubscriptionState.ts"
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
    for (let attempt = 1; attempt < 8; attempt++) {
      assert.deepStrictEqual(rig.pull(), cursorsOf(1))
      rig.now += 1000
    }
    assert.deepStrictEqual(rig.pull(), [])
    rig.ask("Replay")
    for (let attempt = 1; attempt <= 8; attempt++) {
      assert.deepStrictEqual(rig.pull(), cursorsOf(1))
      rig.now += 1000
    }
    rig.pull()
    rig.ask("Drop")
    rig.ask("Remove")
    const schemas = new Map<string, Schema.Codec<unknown>>(Object.entries(Subscription.events))
    for (const { type, data } of rig.events) {
      const schema = schemas.get(type)
      assert.isTrue(schema !== undefined && Schema.is(schema)(data), `${type} ${JSON.stringify(data)}`)
    }
    assert.deepStrictEqual(new Set(rig.events.map(({ type }) => type)), new Set(schemas.keys()))
  })

  it("puts aside what nobody gets done, so that it holds up nobody, and says why", () => {
    const rig = created({ attemptsMax: 3 })
    for (const source of ["device/a", "device/a", "device/b"]) rig.emit(source)
    assert.deepStrictEqual(pulled(rig), cursorsOf(1, 2, 3))
    rig.ack("a", "7.3")
    rig.ask("Nack", { consumer: "a", cursors: ["7.1"] })
    assert.deepStrictEqual(rig.pull(), cursorsOf(1), "alone: it may be what kills its consumers")
    rig.ask("Nack", { consumer: "a", cursors: ["7.1"], reason: "no such hall" })
    assert.deepStrictEqual(rig.pull("b"), cursorsOf(1))
    assert.deepStrictEqual(rig.events.slice(1), [])
    rig.ask("Nack", { consumer: "b", cursors: ["7.1"], reason: "still no such hall" })
    assert.deepStrictEqual(rig.pull(), cursorsOf(2), "its source goes on")
    const [, dead] = rig.events
    assert.deepStrictEqual(dead?.data, {
      cursor: "7.1",
      event: rig.stream[0]?.event.id,
      type: "command.done",
      source: "device/a",
      attempts: 3,
      consumer: "b",
      cause: "still no such hall"
    })
    rig.ack("a", "7.2")
    assert.deepInclude(rig.view(), { position: "7.3", dead: 1, inFlight: 0, lapsed: 0 })
    rig.now += 60_000
    rig.move()
    assert.deepStrictEqual(pulled(rig), [])
  })

  it("puts aside what is never acknowledged, and does not let its neighbours die with it", () => {
    const rig = created()
    for (const source of ["device/a", "device/a", "device/b"]) rig.emit(source)
    const done: Array<string> = []
    for (let round = 0; round < 40 && rig.view().dead === 0; round++) {
      const got = pulled(rig)
      // Who gets the first one dies of it, with all else that it has in hand.
      if (!got.includes("7.1"))
        for (const cursor of got) {
          rig.ack("a", cursor)
          done.push(cursor)
        }
      rig.now += 1000
    }
    assert.deepStrictEqual(
      Object(rig.ask("GetDead")).events.map(({ cursor, attempts, cause }: never) => [cursor, attempts, cause]),
      [["7.1", 8, "not acknowledged in time"]]
    )
    for (const cursor of pulled(rig)) rig.ack("a", cursor)
    assert.deepInclude(rig.view(), { position: "7.3", done: 2, dead: 1 })
  })

  it("lends dead events again, gives them up, shows them whole, and keeps them when it moves", () => {
    const rig = created({ attemptsMax: 1 })
    for (const source of ["device/a", "device/b", "device/c"]) rig.emit(source)
    pulled(rig)
    rig.now += 1000
    assert.deepStrictEqual(rig.pull(), [])
    assert.strictEqual(rig.view().dead, 3)
    rig.forget(3)
    rig.move()
    const page = rig.ask("GetDead", { limit: 2 })
    assert.deepStrictEqual([Object(page).events.length, Object(page).next], [2, "7.2"])
    assert.strictEqual(Object(rig.ask("GetDead", { from: "7.2" })).events[0].cursor, "7.3")
    assert.strictEqual(Object(rig.ask("GetDeadEvent", { cursor: "7.2" })).event.source.id, "b")
    assert.match(Object(rig.ask("GetDeadEvent", { cursor: "7.9" })).message, /no dead event 7.9/)
    assert.deepStrictEqual(rig.ask("Replay", { cursors: ["7.2", "7.9"] }), { count: 1 })
    assert.deepStrictEqual(rig.pull(), cursorsOf(2), "also when the journal has forgotten it")
    assert.deepStrictEqual(rig.ack("a", "7.2"), { acknowledged: 1, unknown: 0 })
    assert.deepStrictEqual(rig.ask("Drop", { cursors: ["7.3"] }), { count: 1 })
    assert.deepStrictEqual(rig.ask("Replay"), { count: 1 })
    assert.deepStrictEqual(rig.pull(), cursorsOf(1))
    rig.now += 1000
    rig.pull()
    assert.strictEqual(rig.view().dead, 1, "it has died again")
    assert.deepStrictEqual(rig.ask("Drop"), { count: 1 })
    assert.deepInclude(rig.view(), { dead: 0, inFlight: 0, lapsed: 0, done: 1 })
    assert.deepStrictEqual(rig.ask("Drop"), { count: 0 })
  })

  it("is suspended with a thousand dead events, and loses none", () => {
    const rig = created({ attemptsMax: 1, maxInFlight: 1000 })
    for (let number = 0; number <= deadMax; number++) rig.emit(`device/${number}`)
    for (let round = 0; rig.view().state === "active" && round < 10; round++) {
      rig.pull("a", 1000)
      rig.now += 1000
    }
    assert.deepInclude(rig.view(), { state: "suspended", dead: deadMax })
    assert.strictEqual(rig.view().suspended?.reason, "dead")
    rig.ask("Drop")
    rig.ask("Resume")
    rig.pull()
    assert.deepInclude(rig.view(), { state: "active", dead: 1 })
  })

  it("gives what was returned with a delay to nobody before, and nothing of its source behind it", () => {
    const rig = created()
    for (const source of ["device/a", "device/a", "device/b"]) rig.emit(source)
    pulled(rig)
    assert.deepStrictEqual(rig.ask("Nack", { consumer: "a", cursors: ["7.1"], delayMillis: 5000 }), { released: 2 })
    assert.deepInclude(rig.view(), { inFlight: 1, lapsed: 2 })
    rig.ack("a", "7.3")
    assert.deepStrictEqual(rig.ask("Ack", { consumer: "a", upTo: "7.9" }), { acknowledged: 0, unknown: 0 })
    rig.now += 4999
    assert.deepStrictEqual(rig.pull("b"), [])
    rig.now += 1
    assert.deepStrictEqual(rig.pull("b"), cursorsOf(1, 2))
  })

  it("tells who waits of an event that comes, without reading again and again", () => {
    const rig = created()
    assert.deepStrictEqual(rig.wait("a", 30_000), [])
    assert.strictEqual(rig.reads.length, 1)
    assert.deepStrictEqual(rig.wait("b", 30_000), [], "one reads for all")
    assert.strictEqual(rig.reads.length, 1)
    assert.isFalse(rig.isLendable)
    rig.emit("device/a")
    assert.strictEqual(rig.roused, 1)
    assert.isTrue(rig.isLendable)
    assert.deepStrictEqual(rig.wait("b", 30_000), cursorsOf(1))
    assert.isFalse(rig.isLendable)
    assert.deepStrictEqual(rig.wait("a", 30_000), [])
  })

  it("reads on while somebody waits, and no longer", () => {
    const rig = created()
    rig.wait("a", 15_000)
    const end = (): void => {
      const [order] = rig.reads.splice(0)
      if (order !== undefined) rig.answer(order)
    }
    rig.now += 10_000
    end()
    assert.strictEqual(rig.reads.length, 1, "five seconds are left")
    rig.now += 5000
    end()
    assert.deepStrictEqual(rig.reads, [])
  })

  it("tells who waits when something that was lent is free again", () => {
    const rig = created()
    rig.emit("device/a")
    pulled(rig, "a")
    assert.strictEqual(rig.residentDue(), undefined, "nobody waits")
    rig.now += 400
    rig.wait("b", 5000)
    assert.strictEqual(rig.residentDue(), start + 1000)
    rig.now += 600
    rig.timeout()
    assert.strictEqual(rig.roused, 2)
    assert.isTrue(rig.isLendable)
    assert.strictEqual(rig.residentDue(), undefined)
    assert.deepStrictEqual(rig.wait("b", 5000), cursorsOf(1))
  })

  it("has whoever waits ask again when it is suspended or gone, so that they hear of it", () => {
    const rig = created()
    assert.isFalse(rig.isLendable)
    rig.ask("Remove")
    assert.isTrue(rig.isLendable)
  })

  it("orders cursors as the journal is read", () => {
    const ordered = ["7.9", "7.10.1", "7.10.2", "7.10.12", "7.10", "10.1", "18446744073709551615.1"]
    for (const [at, one] of ordered.entries())
      for (const [place, other] of ordered.entries())
        assert.strictEqual(isBehind(one, other), at > place, `${one} ${other}`)
  })
})
