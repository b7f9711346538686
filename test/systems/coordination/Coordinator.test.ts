import { assert, describe, it } from "@effect/vitest"
import { runtimeAsker } from "../../../src/protocol/Asker.ts"
import type { ClaimView } from "../../../src/protocol/vsm/Claim.ts"
import { Floor } from "./Floor.ts"

const press = "device/press-1"

const tokenOf = ({ fence }: ClaimView, vsm = "root", resource = press) => ({ vsm, resource, fence })

/** A floor with a press, on which somebody claims first and somebody later. */
const contest = (more: object = {}) => {
  const floor = new Floor()
  floor.attach("press-1")
  const first = floor.claim(press, more)
  floor.rig.advance(1000)
  const second = floor.claim(press)
  return { floor, first, second }
}

describe("a claim of a coordinator", () => {
  it("is held by one at a time; who asked later gets it when it is given back", () => {
    const { floor, first, second } = contest()
    assert.deepStrictEqual([first.state, second.state], ["held", "waiting"])
    assert.deepInclude(floor.ask("Release", { lease: first.lease }), { state: "released" })
    assert.strictEqual(floor.view(second.lease)?.state, "held")
    assert.strictEqual(floor.view(second.lease)?.fence, 2)
  })

  it("is lost by a holder that does not renew it, though the node died meanwhile, and the next one has it", () => {
    const { floor, first, second } = contest()
    floor.rig.advance(10_000)
    assert.deepInclude(floor.ask("Renew", { lease: first.lease }), { state: "held" })
    floor.rig.advance(25_000)
    assert.strictEqual(floor.view(first.lease)?.state, "held")
    floor.kill()
    floor.settle(10_000)
    assert.strictEqual(floor.view(second.lease)?.state, "held")
    assert.deepInclude(floor.ask("Renew", { lease: first.lease }), { _tag: "Conflict" })
    assert.deepStrictEqual(floor.events("claim.expired"), [{ lease: first.lease, op: first.op, by: "user/ada" }])
  })

  it("is taken for one of higher priority, and its holder and the stream learn whose it is", () => {
    const { floor, first } = contest()
    const urgent = floor.claim(press, { priority: "critical" })
    assert.strictEqual(urgent.state, "held")
    assert.deepInclude(floor.view(first.lease), { state: "wounded", lostTo: urgent.op })
    assert.deepInclude(floor.ask("Renew", { lease: first.lease }), { _tag: "Conflict", holder: `op ${urgent.op}` })
    assert.lengthOf(floor.events("claim.wounded"), 1)
  })

  it("is refused at once with who has it where nobody waits, and unknown ones are not found", () => {
    const { floor } = contest()
    assert.deepInclude(floor.ask("Claim", { claims: [{ resource: press, mode: "write" }] }), { _tag: "Conflict" })
    for (const message of ["Renew", "Release"])
      assert.deepInclude(floor.ask(message, { lease: "nothing" }), { _tag: "NotFound", what: "claim nothing" })
    assert.deepInclude(floor.ask("ReleaseSlot", { slot: "nothing" }), { _tag: "NotFound" })
    assert.isNull(floor.view("nothing"))
  })

  it("is refused for an op that was made at another time than now", () => {
    const op = "01930000-0000-7000-8000-000000000001"
    const refused = new Floor().ask("Claim", { op, claims: [{ resource: press, mode: "write" }] })
    assert.deepInclude(refused, { _tag: "Malformed", path: "op" })
  })

  it("is listed by resource and by state, with the last fence", () => {
    const { floor, second } = contest()
    floor.claim("zone/hall")
    assert.lengthOf(Object(floor.ask("GetClaims")).claims, 3)
    assert.lengthOf(Object(floor.ask("GetClaims", { resource: press })).claims, 2)
    const waiting = Object(floor.ask("GetClaims", { state: "waiting" }))
    assert.deepStrictEqual([waiting.claims[0].lease, waiting.fence], [second.lease, 2])
  })
})

describe("a device", () => {
  it("takes commands under the newest claim, and refuses one whose claim was lost, before and after anybody else acts", () => {
    const { floor, first, second } = contest({ holdMillis: 5000 })
    assert.deepInclude(floor.invoke("press-1", "press.start", tokenOf(first)), { name: "press.start" })
    floor.settle(6000)
    const held = floor.view(second.lease)
    assert.deepInclude(held, { state: "held", fence: 2 })
    const late = floor.invoke("press-1", "press.start", tokenOf(first))
    assert.deepInclude(late, { _tag: "Conflict", holder: `a newer claim of ${press} (fence 2, not 1)` })
    floor.kill()
    assert.deepInclude(floor.invoke("press-1", "press.start", tokenOf(first)), { _tag: "Conflict" })
    if (held !== null) assert.deepInclude(floor.invoke("press-1", "press.stop", tokenOf(held)), { name: "press.stop" })
  })

  it("refuses a late claim by what it has seen alone, though the coordinator cannot reach it", () => {
    const { floor, first, second } = contest({ holdMillis: 5000 })
    floor.rig.canPost = false
    floor.settle(6000)
    const held = floor.view(second.lease)
    assert.isNotNull(held)
    assert.deepInclude(floor.invoke("press-1", "a", tokenOf(first)), { name: "a" }, "nobody newer has acted yet")
    if (held !== null) floor.invoke("press-1", "b", tokenOf(held))
    assert.deepInclude(floor.invoke("press-1", "c", tokenOf(first)), { _tag: "Conflict" })
    const patch = { patch: { speed: 1 } }
    const to = { kind: "device", id: "press-1" }
    assert.deepInclude(floor.ask("SetDesired", { ...patch, claim: tokenOf(first) }, to), { _tag: "Conflict" })
    assert.deepInclude(floor.ask("SetDesired", patch, to), { _tag: "Accepted" }, "without a claim it is as it was")
  })

  it("knows only claims of its own VSM and of itself", () => {
    const floor = new Floor()
    const token = { vsm: "root", resource: press, fence: 1 }
    floor.attach("press-1")
    assert.deepInclude(floor.invoke("press-1", "a", { ...token, vsm: "line-1" }), { holder: "the VSM root" })
    assert.deepInclude(floor.invoke("press-1", "a", { ...token, resource: "device/press-2" }), { _tag: "Malformed" })
    assert.deepInclude(floor.invoke("press-1", "a", token), { name: "a" })
  })
})

describe("a turn of a coordinator", () => {
  it("is one of eight, is waited for, given back, and taken from who is silent", () => {
    const floor = new Floor()
    const reserve = (more: object = {}) => Object(floor.ask("ReserveSlot", { topic: "rollout", ...more }))
    const held = Array.from({ length: 8 }, () => reserve())
    assert.deepStrictEqual(
      held.map(({ state }) => state),
      held.map(() => "held")
    )
    assert.deepInclude(reserve(), { _tag: "Backpressure" })
    const next = reserve({ waitMillis: 5000 })
    const last = reserve({ waitMillis: 60_000 })
    assert.deepInclude(floor.ask("ReleaseSlot", { slot: held[0].slot }), { state: "released" })
    assert.deepStrictEqual([floor.slot(next.slot)?.state, floor.slot(last.slot)?.state], ["held", "waiting"])
    floor.kill()
    floor.settle(40_000)
    assert.strictEqual(floor.slot(last.slot)?.state, "held")
    assert.isAbove(floor.events("slot.expired").length, 6)
    assert.lengthOf(Object(floor.ask("GetSlots")).slots, 1)
  })
})

describe("a knob of a coordinator", () => {
  it("is held back when two controllers fight, and people see that", () => {
    const floor = new Floor()
    const propose = (value: number, by: string, rank: number) =>
      Object(floor.ask("ProposeSetpoint", { unit: "press-1", knob: "valve", value, by, rank, min: 0, max: 1 }))
    const answers = Array.from({ length: 8 }, (_, turn) =>
      propose(turn % 2, turn % 2 === 0 ? "save" : "heat", turn % 2)
    )
    assert.deepStrictEqual(answers[0], { value: 0, gain: 1, dwellUntil: 0 })
    assert.deepInclude(answers.at(-2), { _tag: "Conflict", holder: "the controller heat" })
    assert.isBelow(answers.at(-1).gain, 1)
    const [view] = Object(floor.ask("GetKnobs", { unit: "press-1" })).knobs
    assert.deepInclude(view, { unit: "press-1", knob: "valve", state: "damped", owner: "heat" })
    assert.lengthOf(floor.events("knob.damped"), 1)
    floor.kill()
    assert.deepInclude(propose(0, "save", 0), { _tag: "Conflict" }, "it is remembered")
    assert.lengthOf(Object(floor.ask("GetKnobs", { unit: "press-2" })).knobs, 0)
  })
})

describe("a knob that swings again and again", () => {
  it("is felt by its VSM until it is given back", () => {
    const floor = new Floor()
    const propose = (value: number, by: string) =>
      floor.ask("ProposeSetpoint", { unit: "press-1", knob: "valve", value, by, min: 0, max: 1 })
    const signals = () => Object(floor.ask("GetSignals", {}, { kind: "algedonic", id: "root" })).signals
    const isFree = () => Object(floor.ask("GetKnobs", { unit: "press-1" })).knobs[0].state === "free"
    const fight = () => {
      for (let turn = 0; turn < 8; turn++) propose(turn % 2, turn % 2 === 0 ? "save" : "heat")
    }
    const rest = () => {
      for (let waited = 0; waited < 600 && !isFree(); waited++) floor.rig.advance(1000)
    }
    fight()
    rest()
    fight()
    assert.lengthOf(floor.events("knob.oscillating"), 0)
    rest()
    fight()
    assert.lengthOf(floor.events("knob.oscillating"), 1)
    assert.deepInclude(signals()[0], { source: "knob/press-1/valve", metric: "oscillating", intensity: 0.8 })
    rest()
    propose(0, "save")
    floor.settle()
    assert.deepStrictEqual(signals(), [])
  })
})

describe("nodes that the coordinator of the root hears of", () => {
  const place = { node: "n-a-1", address: "127.0.0.1:7701", why: ["latency", "stall"], by: "" }
  const hear = (floor: Floor, standing: string, since: number, more: object = {}) => {
    floor.rig.ask(floor.place, "NodeJudged", { ...place, standing, since, ...more }, { asker: runtimeAsker })
    floor.settle()
  }
  const signals = (floor: Floor) => Object(floor.ask("GetSignals", {}, { kind: "algedonic", id: "root" })).signals

  it("are on the stream once, however many nodes tell of them, with how they were", () => {
    const floor = new Floor()
    const vitals = { accepted: 70, completed: 40, waiting: 30, stalledMillis: 25_000, residentBytes: 1_000_000 }
    for (let told = 0; told < 3; told++) hear(floor, "quarantined", 1000, vitals)
    floor.kill()
    hear(floor, "quarantined", 1000, vitals)
    assert.deepStrictEqual(floor.events("node.quarantined"), [
      { ...place, standing: "quarantined", since: 1000, ...vitals }
    ])
    assert.deepInclude(signals(floor)[0], { source: `node/${place.address}`, metric: "zombie", intensity: 0.9 })
  })

  it("hurt until they are well, and come back", () => {
    const floor = new Floor()
    hear(floor, "quarantined", 1000)
    hear(floor, "probation", 2000)
    assert.deepStrictEqual(signals(floor), [])
    hear(floor, "quarantined", 1500)
    assert.lengthOf(floor.events("node.quarantined"), 1, "what comes late changes nothing")
    hear(floor, "serving", 3000)
    assert.deepStrictEqual(floor.events("node.probation"), [place])
    assert.deepStrictEqual(floor.events("node.readmitted"), [place])
  })

  it("are remembered, the latest of them", () => {
    const floor = new Floor()
    for (let index = 0; index < 100; index++)
      hear(floor, "excluded", index, { address: `10.0.0.${index}:1`, by: "user/ada" })
    assert.lengthOf(floor.events("node.excluded"), 100)
    const { parts } = floor.rig.rows.get("coordinator/root") ?? { parts: new Map<string, unknown>() }
    assert.lengthOf(
      [...parts.keys()].filter((key) => key.startsWith("node/")),
      64
    )
  })
})

describe("the coordinator of a VSM that retires", () => {
  it("takes back claims and turns, held and waited for, and gives no others", () => {
    const floor = new Floor()
    const held = floor.claim("device/press-1")
    const waiting = floor.claim("device/press-1")
    const slot = String(Object(floor.ask("ReserveSlot", { topic: "rollout" })).slot)
    floor.rig.ask(floor.place, "Retired", {}, { asker: runtimeAsker })
    assert.deepStrictEqual(
      [held, waiting].map(({ lease }) => floor.view(lease)?.state),
      ["released", "released"]
    )
    assert.strictEqual(floor.slot(slot)?.state, "released")
    floor.kill()
    const setpoint = { unit: "press-1", knob: "valve", value: 1, min: 0, max: 1, by: "heat" }
    for (const answer of [
      floor.ask("Claim", { claims: [{ resource: "device/press-1", mode: "read" }] }),
      floor.ask("ReserveSlot", { topic: "rollout" }),
      floor.ask("ProposeSetpoint", setpoint)
    ])
      assert.deepInclude(answer, { _tag: "InvalidTransition", from: "its VSM has retired" })
    floor.rig.ask(floor.place, "Begun", {}, { asker: runtimeAsker })
    assert.strictEqual(floor.claim("device/press-1").state, "held", "another VSM of its id has units")
  })
})
