import { assert, describe, it } from "@effect/vitest"
import { runtimeAsker } from "../../../../src/protocol/Asker.ts"
import { checkPolicyText } from "../../../../src/protocol/policy/PolicyCheck.ts"
import type { ThreatView } from "../../../../src/protocol/vsm/Threat.ts"
import { bob, Wards } from "./Wards.ts"

const minute = 60_000
const stranger = "address/10.0.0.7"

describe("an immune system", () => {
  it("bars an address after three wrong tokens, from nobody else, and lets it in again when the time is over", () => {
    const wards = new Wards()
    wards.see("wrong-token", stranger, 2)
    assert.deepStrictEqual(wards.bars, [])
    wards.see("wrong-token", stranger)
    assert.deepStrictEqual(wards.bars, [stranger])
    assert.deepInclude(wards.newest, { subject: stranger, template: "bar", state: "active", level: 0.75, by: "immune" })
    assert.strictEqual(wards.said("immune.suspected").length, 1)
    wards.advance(10 * minute)
    assert.deepStrictEqual(wards.bars, [])
    assert.strictEqual(wards.newest.state, "expired")
    assert.deepStrictEqual(wards.view().threats, [])
    assert.deepStrictEqual(
      wards.said("immune.ended").map(({ data }) => Object(data).state),
      ["expired"]
    )
  })

  it("forgets two wrong tokens within a minute, however often that is", () => {
    const wards = new Wards()
    for (let round = 0; round < 20; round++) {
      wards.see("wrong-token", stranger, 2)
      wards.advance(61_000)
    }
    assert.deepStrictEqual(wards.view().mitigations, [])
    assert.deepStrictEqual(wards.view().threats, [])
  })

  it("asks a person where others come in from the same address, and cries for one", () => {
    const wards = new Wards()
    wards.see("wrong-token", stranger, 3, { others: 1 })
    assert.deepStrictEqual(wards.bars, [])
    assert.deepInclude(wards.newest, { state: "proposed", reason: "others come in from the same address", needed: 1 })
    wards.advance()
    assert.deepInclude(Object(wards.said("algedonic.felt")[0]?.data), {
      metric: "threat",
      source: stranger,
      intensity: 0.75
    })
    wards.ask("Approve", { mitigation: wards.newest.id })
    assert.deepStrictEqual(wards.bars, [stranger])
  })

  it("turns a board away that floods, and lets it come back by itself", () => {
    const wards = new Wards()
    wards.attach("press-1")
    wards.see("malformed-burst", "device/press-1")
    wards.advance()
    assert.deepInclude(Object(wards.rig.toGateway.at(-1)?.message), { _tag: "Close", reason: 9 })
    assert.deepInclude(Object(wards.attach("press-1", 2)), { _tag: "Unavailable", cause: "quarantined" })
    wards.advance(10 * minute)
    assert.strictEqual(wards.attach("press-1", 3), "Success")
    assert.deepStrictEqual(
      wards.said("device.readmitted").map(({ data }) => Object(data).why),
      ["expired"]
    )
  })

  it("turns it away for longer the graver it is, and ends that when somebody lifts it", () => {
    const wards = new Wards()
    wards.attach("press-1")
    wards.see("malformed-burst", "device/press-1", 2)
    const { id, ttlMillis } = wards.newest
    assert.strictEqual(ttlMillis, 60 * minute)
    assert.deepInclude(Object(wards.ask("Lift", { mitigation: id })), { state: "lifted" })
    assert.strictEqual(wards.attach("press-1", 2), "Success")
    assert.deepInclude(Object(wards.ask("Lift", { mitigation: id })), { _tag: "InvalidTransition" })
  })

  it("asks a person for a device that is more than a tenth of its zone", () => {
    const wards = new Wards()
    wards.fleet = { ...wards.fleet, byZone: { hall: 9 } }
    wards.attach("press-1")
    wards.see("flood", "device/press-1", 1, { zone: "hall" })
    assert.deepInclude(wards.newest, { state: "proposed", reason: "it is more than a tenth of zone hall" })
    assert.strictEqual(wards.attach("press-1", 2), "Success")
  })

  it("throttles an account that sends what nobody can read, and takes its token when it goes on", () => {
    const wards = new Wards()
    wards.see("bad-input", "user/eve", 5)
    const throttle = wards.newest
    assert.deepInclude(throttle, { template: "throttle", state: "active" })
    wards.advance(1000)
    assert.deepStrictEqual([...wards.policies.keys()], ["immune-root-1"])
    assert.strictEqual(checkPolicyText(throttle.policy ?? "")._tag, "Success")
    wards.see("bad-input", "user/eve", 5)
    assert.deepInclude(wards.newest, { template: "revoke", state: "active" })
    assert.deepStrictEqual(wards.bars, ["user/eve"])
    assert.strictEqual(wards.view().mitigations.find(({ id }) => id === throttle.id)?.state, "lifted")
    wards.advance(1000)
    assert.deepStrictEqual([...wards.policies.keys()], [])
  })

  it("denies what an account asks for that tries what it may not, again and again", () => {
    const wards = new Wards()
    for (let round = 0; round < 3; round++) wards.see("refused-act", "user/eve", 10)
    const templates = wards.view().mitigations.map(({ template }) => template)
    assert.deepStrictEqual(templates, ["deny", "throttle"])
  })

  it("says that a remedy failed where its policy is not taken, and goes on", () => {
    const wards = new Wards()
    wards.takesPolicies = false
    wards.see("bad-input", "user/eve", 5)
    wards.advance(1000)
    assert.deepInclude(wards.newest, { state: "failed", reason: "not today" })
    wards.see("wrong-token", stranger, 3)
    assert.deepStrictEqual(wards.bars, [stranger])
  })

  it("never takes the last account with all rights, and says which rule forbids it", () => {
    const wards = new Wards()
    wards.fleet = { ...wards.fleet, keepers: ["eve"] }
    wards.see("bad-input", "user/eve", 20)
    assert.deepStrictEqual(wards.bars, [])
    assert.deepStrictEqual(wards.view().mitigations, [])
    assert.deepInclude(Object(wards.said("immune.withheld")[0]?.data), {
      rule: "somebody with all rights must be left"
    })
  })

  it("does nothing by itself when it is told so", () => {
    const wards = new Wards()
    wards.see("wrong-token", "address/10.0.0.8")
    wards.ask("SetTerms", { isAutomatic: false })
    wards.see("wrong-token", stranger, 3)
    assert.deepInclude(wards.newest, { state: "proposed", reason: "nothing is done here without a person" })
    wards.ask("Reject", { mitigation: wards.newest.id })
    assert.strictEqual(wards.newest.state, "rejected")
    assert.deepStrictEqual(
      wards.view().threats.map(({ subject }) => subject),
      ["address/10.0.0.8"]
    )
  })

  it("lets a proposal lapse that nobody answers", () => {
    const wards = new Wards()
    wards.see("wrong-token", stranger, 3, { others: 2 })
    wards.advance(61 * minute)
    assert.strictEqual(wards.newest.state, "lapsed")
    assert.deepInclude(Object(wards.ask("Approve", { mitigation: wards.newest.id })), { _tag: "InvalidTransition" })
  })

  it("does for a person what he asks for, for longer than an hour only with a second one", () => {
    const wards = new Wards()
    wards.see("wrong-token", "address/10.0.0.8")
    const day = { subject: stranger, template: "bar", ttlMillis: 24 * 60 * minute, reason: "known to us" }
    wards.ask("Mitigate", day)
    assert.deepInclude(wards.newest, { state: "proposed", needed: 2, approvals: ["user/ada"] })
    wards.ask("Approve", { mitigation: wards.newest.id })
    assert.strictEqual(wards.newest.state, "proposed")
    wards.ask("Approve", { mitigation: wards.newest.id }, bob)
    assert.deepInclude(wards.newest, { state: "active", approvals: ["user/ada", "user/bob"] })
    assert.deepStrictEqual(wards.bars, [stranger])
  })

  it("refuses a person what no rule of safety allows", () => {
    const wards = new Wards()
    wards.see("wrong-token", "address/10.0.0.8")
    const isolate = { subject: "user/eve", template: "isolate", ttlMillis: minute, reason: "no reason" }
    assert.deepInclude(Object(wards.ask("Mitigate", isolate)), { _tag: "UnsafeMitigation" })
    assert.deepInclude(Object(wards.ask("Approve", { mitigation: "root.99" })), { _tag: "NotFound" })
  })

  it("takes nobody's approval for a longer time than was proposed to him", () => {
    const wards = new Wards()
    wards.see("wrong-token", "address/10.0.0.8")
    const hours = { subject: stranger, template: "bar", ttlMillis: 2 * 60 * minute, reason: "known to us" }
    wards.ask("Mitigate", hours)
    wards.ask("Approve", { mitigation: wards.newest.id, ttlMillis: 24 * 60 * minute }, bob)
    assert.deepInclude(wards.newest, { state: "proposed", approvals: ["user/bob"] })
    wards.ask("Approve", { mitigation: wards.newest.id })
    assert.deepInclude(wards.newest, { state: "active", approvals: ["user/bob", "user/ada"] })
  })

  it("takes a pattern for no person", () => {
    const wards = new Wards()
    wards.see("wrong-token", "address/10.0.0.8")
    const hours = { subject: stranger, template: "bar", ttlMillis: 2 * 60 * minute, reason: "a pattern said so" }
    wards.ask("Mitigate", hours, runtimeAsker)
    assert.deepInclude(wards.newest, { state: "proposed", needed: 2, approvals: [] })
    for (const message of ["Approve", "Reject"])
      assert.deepInclude(Object(wards.ask(message, { mitigation: wards.newest.id }, runtimeAsker)), {
        _tag: "PolicyDenied"
      })
    wards.ask("Approve", { mitigation: wards.newest.id }, bob)
    assert.strictEqual(wards.newest.state, "proposed")
  })

  it("lets nobody decide on what is done against himself", () => {
    const wards = new Wards()
    wards.see("bad-input", "user/bob", 10)
    assert.deepInclude(wards.newest, { template: "revoke", state: "active" })
    assert.deepInclude(Object(wards.ask("Lift", { mitigation: wards.newest.id }, bob)), { _tag: "PolicyDenied" })
    // What he does against himself for a second would take with it what speaks against him.
    const own = { subject: "user/bob", template: "throttle", ttlMillis: 1000, reason: "x" }
    assert.deepInclude(Object(wards.ask("Mitigate", own, bob)), { _tag: "PolicyDenied" })
  })

  it("counts for half what was a false alarm", () => {
    const wards = new Wards()
    wards.see("wrong-token", stranger, 3)
    wards.ask("Lift", { mitigation: wards.newest.id, isFalseAlarm: true })
    wards.see("wrong-token", stranger, 3)
    assert.deepInclude(wards.view().threats[0], { level: 0.375, stage: "none" })
    assert.strictEqual(wards.view().mitigations.length, 1)
  })

  it("asks a person for a remedy that has failed five times", () => {
    const wards = new Wards()
    for (let round = 0; round < 6; round++) {
      wards.see("wrong-token", `address/10.0.1.${round}`, 3)
      wards.advance(minute)
      // It goes on though it is barred: the bar did not hold.
      wards.see("wrong-token", `address/10.0.1.${round}`, 1)
      wards.advance(10 * minute)
    }
    assert.deepInclude(wards.view().efficacies, { "bar address:wrong-token": { good: 0, bad: 5 } })
    assert.deepInclude(wards.newest, { subject: "address/10.0.1.5", reason: "bar has rarely helped against this" })
  })

  it("knows again what an incident looked like", () => {
    const wards = new Wards()
    for (let round = 0; round < 2; round++) wards.see("refused-act", "user/eve", 10)
    wards.advance(minute)
    wards.see("refused-act", "user/bob", 10)
    assert.include(wards.view().threats.find(({ subject }) => subject === "user/bob")?.kinds ?? [], "known")
    assert.deepInclude(wards.newest, { subject: "user/bob", template: "throttle" })
  })

  it("takes a report of a person for half a suspicion at most", () => {
    const wards = new Wards()
    wards.see("wrong-token", "address/10.0.0.8")
    wards.ask("Report", { subject: "device/press-1", reason: "smells", weight: 0.5 })
    assert.deepInclude(wards.view().threats[0], { subject: "device/press-1", level: 0.5, stage: "watch" })
  })

  it("does what it had begun when its node dies before the fleet was counted", () => {
    const wards = new Wards()
    wards.rig.send(wards.root, "Evidence", { signs: [{ kind: "wrong-token", subject: stranger, count: 3 }] })
    const signs = [{ kind: "wrong-token", subject: stranger, count: 3 }]
    wards.rig.send(wards.root, "Evidence", { signs }, { asker: { kind: "service", id: "holon", role: "internal" } })
    wards.rig.advance()
    wards.kill()
    assert.deepStrictEqual(wards.bars, [stranger])
  })

  it("ends what is over while it slept", () => {
    const wards = new Wards()
    wards.see("wrong-token", stranger, 3)
    wards.kill()
    wards.rig.sleep(11 * minute)
    wards.kill()
    wards.advance(1000)
    assert.deepStrictEqual(wards.bars, [])
    assert.strictEqual(wards.newest.state, "expired")
  })

  it("calls no person for what it has done itself, and one for what it proposes", () => {
    const wards = new Wards()
    wards.see("wrong-token", stranger, 3)
    wards.see("wrong-token", "address/10.0.0.8", 3, { others: 1 })
    wards.advance(minute)
    const called = wards.said("algedonic.person-called").map(({ data }) => Object(data).source)
    assert.deepStrictEqual(called, ["address/10.0.0.8"])
  })

  it("goes on while it is attacked from more addresses than it keeps apart, and lets all of them in again", () => {
    const wards = new Wards()
    for (let number = 0; number < 250; number++)
      wards.see("wrong-token", `address/10.2.${number >> 7}.${number & 127}`, 3)
    wards.advance(1000)
    assert.strictEqual(wards.bars.length, 250)
    wards.advance(11 * minute)
    assert.strictEqual(wards.bars.length, 0)
    assert.deepStrictEqual(wards.view().threats, [])
  })

  it("answers all threats that one message brings", () => {
    const wards = new Wards()
    const signs = Array.from({ length: 60 }, (_, number) => ({
      kind: "wrong-token",
      subject: `address/10.3.0.${number}`,
      count: 3
    }))
    wards.rig.send(wards.root, "Evidence", { signs }, { asker: runtimeAsker })
    wards.advance(5000)
    assert.strictEqual(wards.bars.length, 60)
  })

  it("keeps the gravest apart in a flood of names", () => {
    const wards = new Wards()
    wards.see("wrong-token", stranger, 3, { others: 1 })
    for (let number = 0; number < 300; number++) wards.see("wrong-token", `address/10.1.${number >> 8}.${number & 255}`)
    const { threats } = wards.view()
    assert.strictEqual(threats.length, 200)
    assert.strictEqual(threats[0]?.subject, stranger)
  })

  it("reads the event stream for all, tells another VSM what concerns its units, and reads on where it had come to", () => {
    const wards = new Wards()
    wards.rig.send(wards.root, "Begin", {}, { asker: runtimeAsker })
    wards.rig.advance(1000)
    const looks = () => wards.rig.ends.splice(0)
    const sign = (subject: string) => ({ kind: "duplicate-id", subject, count: 1, ids: [] })
    const signs = [
      { vsm: "root", sign: sign("device/press-1") },
      { vsm: "line-1", sign: sign("device/press-2") }
    ]
    for (const end of looks()) end({ _tag: "Looked", cursor: "7.7", signs })
    wards.rig.advance()
    const suspects = (id: string) => {
      const [reply] = [wards.rig.send({ kind: "immune", id }, "GetThreats", {})].flatMap((replies) => {
        wards.rig.advance()
        return replies
      })
      return reply?._tag === "Success" ? Object(reply.value).threats.map(({ subject }: ThreatView) => subject) : reply
    }
    assert.deepStrictEqual(suspects("root"), ["device/press-1"])
    assert.deepStrictEqual(suspects("line-1"), ["device/press-2"])
    // What the journal does not answer is asked again, and a node that takes over reads on behind what was written.
    for (const end of looks()) end({ _tag: "Unavailable" })
    wards.rig.advance(999)
    assert.lengthOf(looks(), 0)
    wards.rig.advance(1)
    assert.lengthOf(looks(), 1)
    wards.rig.residency.stop()
    wards.rig.start("node-2").acquired([1])
    wards.rig.advance(1000)
    assert.lengthOf(looks(), 1)
  })
})
