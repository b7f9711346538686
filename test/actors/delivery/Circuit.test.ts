import { assert, describe, it } from "@effect/vitest"
import { askedAfterMillis } from "../../../src/actors/delivery/Circuit.ts"
import { inFlightMax } from "../../../src/actors/delivery/Turn.ts"
import { type Delivery, type Letter, waitMillisMax } from "../../../src/protocol/Delivery.ts"
import { DeliveryRig, start } from "./DeliveryRig.ts"

const minute = 60_000

const letterOf = (rig: DeliveryRig, matchId: string): Letter => rig.ask("GetLetter", { matchId }) as Letter

const dataOf = (rig: DeliveryRig, type: keyof Delivery["events"]): ReadonlyArray<unknown> =>
  rig.events.filter((event) => event.type === type).map(({ data }) => data)

/** Asks for so long, ms, and finds nobody. Answers how often. */
const awayFor = (rig: DeliveryRig, millis: number): number => {
  const until = rig.now + millis
  let asked = 0
  for (;;) {
    const [matchId] = rig.underWay
    if (matchId !== undefined) {
      rig.away(matchId)
      asked++
    } else if (rig.now >= until || rig.view().queued === 0) return asked
    else rig.untilDue()
  }
}

describe("a target that is away", () => {
  it("loses nothing in any time less than a day, uses up no attempt, and gets everything in order when it is back", () => {
    const rig = new DeliveryRig()
    rig.deliver("a-1", "a")
    rig.deliver("a-2", "a")
    for (let key = 0; key < 40; key++) rig.deliver(`k-${key}`, `k-${key}`)
    awayFor(rig, 10 * minute)
    assert.deepInclude(rig.view(), { queued: 42, inFlight: 0, dead: 0, state: "active" })
    assert.deepInclude(letterOf(rig, "a-1"), { attempts: 0, lastError: "the server is not reached" })
    rig.deliver("a-3", "a")
    awayFor(rig, waitMillisMax - 20 * minute)
    assert.deepInclude(rig.view(), { queued: 43, dead: 0, state: "active" })
    const arrived: Array<string> = []
    while (rig.view().queued > 0) {
      const [matchId] = rig.underWay
      if (matchId === undefined) rig.untilDue()
      else {
        arrived.push(matchId)
        rig.delivered(matchId)
      }
    }
    assert.strictEqual(arrived.length, 43)
    assert.deepStrictEqual(
      arrived.filter((matchId) => matchId.startsWith("a-")),
      ["a-1", "a-2", "a-3"]
    )
    assert.deepStrictEqual(rig.typesOf(), ["delivery.away", "delivery.back"])
  })

  it("is asked by one letter at a time, less and less often, another one each time, and says since when and when next", () => {
    const rig = new DeliveryRig()
    rig.random = 1
    for (const key of ["a", "b", "c"]) rig.deliver(`${key}-1`, key)
    for (const key of ["a", "b", "c"]) rig.away(`${key}-1`)
    assert.deepStrictEqual(rig.view().away, {
      since: start,
      nextAt: start + 1000,
      tries: 0,
      lastError: "the server is not reached"
    })
    const asked: Array<string> = []
    const pauses: Array<number> = []
    for (let tries = 0; tries <= askedAfterMillis.length; tries++) {
      pauses.push(rig.untilDue())
      assert.strictEqual(rig.underWay.length, 1)
      asked.push(...rig.underWay)
      rig.away(rig.underWay[0] ?? "")
    }
    assert.deepStrictEqual(pauses, [...askedAfterMillis, 60_000])
    assert.deepStrictEqual(asked.slice(0, 4), ["a-1", "b-1", "c-1", "a-1"])
    assert.deepInclude(rig.view().away, { since: start, tries: 8, nextAt: rig.now + 60_000 })
    const early = new DeliveryRig()
    early.random = 0
    early.deliver("m-1")
    early.away("m-1")
    assert.strictEqual(early.untilDue(), 500, "half of the pause is certain")
  })

  it("gets nothing from who comes meanwhile, and all of them again with its first answer, also a refusal", () => {
    const rig = new DeliveryRig()
    rig.deliver("a-1", "a")
    rig.away("a-1")
    for (let key = 0; key < 30; key++) rig.deliver(`k-${key}`, `k-${key}`)
    assert.deepStrictEqual(rig.underWay, [])
    rig.untilDue()
    assert.deepStrictEqual(rig.underWay, ["a-1"])
    rig.end("a-1", { _tag: "Refused", error: "the server answers 400" })
    assert.strictEqual(rig.underWay.length, inFlightMax)
    assert.strictEqual(rig.view().away, undefined)
    assert.deepStrictEqual(rig.typesOf(), ["delivery.dead"], "one miss alone is told to nobody")
  })

  it("is told of when it was asked in vain again, and when it is back", () => {
    const rig = new DeliveryRig()
    rig.random = 1
    rig.deliver("m-1")
    rig.now += 10_000
    rig.away("m-1", "no answer in 10 seconds")
    assert.deepStrictEqual(rig.events, [])
    rig.untilDue()
    rig.away("m-1", "no answer in 10 seconds")
    const target = "http://plant.example/hooks/7"
    assert.deepStrictEqual(dataOf(rig, "delivery.away"), [
      { target, since: start, lastError: "no answer in 10 seconds", queued: 1 }
    ])
    rig.untilDue()
    rig.delivered("m-1")
    assert.deepStrictEqual(dataOf(rig, "delivery.back"), [{ target, awayMillis: 13_000, queued: 1 }])
  })

  it("keeps being away when it moves, and is asked again at its time", () => {
    const rig = new DeliveryRig()
    rig.deliver("m-1")
    rig.away("m-1")
    const before = rig.view().away
    rig.move()
    assert.deepStrictEqual(rig.view().away, before)
    assert.deepStrictEqual(rig.underWay, [])
    rig.untilDue()
    rig.move()
    assert.deepStrictEqual(rig.underWay, ["m-1"], "the node that asked has died")
  })

  it("is asked at once when an operator says so", () => {
    const rig = new DeliveryRig()
    rig.deliver("m-1")
    awayFor(rig, 10 * minute)
    rig.ask("Resume")
    assert.deepStrictEqual(rig.underWay, ["m-1"])
    assert.notInclude(rig.typesOf(), "delivery.resumed", "it was not suspended")
  })

  it("takes nothing new after a day, like any other, and still gets what waited", () => {
    const rig = new DeliveryRig()
    rig.deliver("m-1")
    awayFor(rig, waitMillisMax + minute)
    assert.strictEqual(rig.view().suspended?.reason, "age")
    rig.deliver("m-2")
    assert.deepInclude(rig.view(), { queued: 1, dead: 0, dropped: 1 })
    rig.ask("Resume")
    rig.delivered("m-1")
    assert.deepInclude(rig.view(), { queued: 0, delivered: 1, state: "active" })
  })
})

describe("a letter that meets nobody while others are answered", () => {
  it("is at fault itself: its attempts count, and it holds up no other", () => {
    const rig = new DeliveryRig()
    rig.random = 1
    rig.deliver("bad", "bad")
    let number = 0
    const good = () => {
      rig.deliver(`good-${number}`, "good")
      rig.delivered(`good-${number++}`)
    }
    for (let attempt = 0; attempt < 9; attempt++) {
      assert.deepStrictEqual(rig.underWay, ["bad"])
      rig.now += 1
      good()
      rig.away("bad", "no answer in 10 seconds")
      assert.strictEqual(rig.view().away, undefined)
      if (attempt < 8) rig.untilDue()
    }
    assert.deepInclude(rig.view(), { queued: 0, dead: 1, delivered: 9 })
    assert.deepInclude(dataOf(rig, "delivery.dead")[0], { matchId: "bad", attempts: 9 })
  })

  it("is found out also where others come seldom, and never at the same time", () => {
    const rig = new DeliveryRig()
    rig.deliver("bad", "bad")
    let number = 0
    while (rig.view().dead === 0 && number < 50) {
      awayFor(rig, 5 * minute)
      rig.deliver(`good-${number}`, "good")
      for (let asked = 0; asked < 3 && rig.view().delivered === number; asked++) {
        if (rig.underWay.length === 0) rig.untilDue()
        for (const matchId of rig.underWay) {
          if (matchId === "bad") rig.away("bad")
          else rig.delivered(matchId)
        }
      }
      number++
      assert.strictEqual(rig.view().delivered, number, "each good one waits for two questions at most")
    }
    assert.deepInclude(rig.view(), { dead: 1, queued: 0 })
    assert.isAtMost(number, 10)
  })

  it("is not held to be at fault for an outage that began after others were answered", () => {
    const rig = new DeliveryRig()
    rig.deliver("a-1", "a")
    rig.now += 10
    rig.delivered("a-1")
    rig.now += 10
    rig.deliver("b-1", "b")
    rig.now += 10
    rig.away("b-1")
    assert.deepInclude(letterOf(rig, "b-1"), { attempts: 0 })
    assert.isDefined(rig.view().away)
  })
})
