import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import type { Reply } from "../../../../src/actors/Envelope.ts"
import type { Asker } from "../../../../src/protocol/Asker.ts"
import { runtimeAsker } from "../../../../src/protocol/Asker.ts"
import { PolicyKeeper } from "../../../../src/protocol/vsm/PolicyKeeper.ts"
import { PolicyView } from "../../../../src/protocol/vsm/PolicyView.ts"
import { immune } from "../../../../src/systems/policy/immune/Immune.ts"
import { policyKeeper } from "../../../../src/systems/policy/rule/Keeper.ts"
import { ActorRig, operator } from "../../../support/ActorRig.ts"
import { survivesBrokenMessages } from "../../../support/BrokenMessages.ts"

const place = { kind: "policy", id: "root" }
const bob: Asker = { ...operator, id: "bob" }
const isView = Schema.is(PolicyView)
const strict = 'policy strict { when arg.duty > 0.6 and protected == false { deny "too much" } }'

/** A keeper whose register answers when the test says so. */
class Desk {
  readonly rig = new ActorRig([policyKeeper, immune])
  epoch = 0

  send(message: string, payload: unknown, asker = operator): Reply {
    return this.rig.ask(place, message, payload, { asker })
  }
  view(name = "strict", version?: number): PolicyView {
    const reply = this.send("GetPolicy", { name, ...(version !== undefined && { version }) })
    if (reply._tag !== "Success" || !isView(reply.value)) throw new Error(`no policy ${name}: ${JSON.stringify(reply)}`)
    return reply.value
  }
  /** What is refused, by its tag. */
  refusal(message: string, payload: unknown, asker = operator): string {
    const reply = this.send(message, payload, asker)
    const error = reply._tag === "Refused" ? reply.error : reply._tag === "Failed" ? reply.error : undefined
    return String(Object(error)._tag)
  }
  /** The register answers what was published last; looks at the journal never end. */
  publish(outcome?: object): void {
    const { rig } = this
    const index = rig.performed.findLastIndex((id) => /^\d+$/.test(id))
    const revision = Number(rig.performed[index])
    rig.ends[index]?.(outcome ?? { _tag: "Known", revision, epoch: ++this.epoch, at: rig.now + 600 })
    rig.advance(1)
  }
  activate(payload: object = {}, source = strict): void {
    this.send("Stage", { source })
    this.publish()
    this.send("Activate", { name: "strict", ...payload })
    this.publish()
  }
  tally(denials: number, decisions = 50, node = "node-1"): void {
    const none = { decisions, denials: 0, errors: 0 }
    const tried = { decisions, denials, errors: 0 }
    const version = this.view().version
    const payload = { node, name: "strict", version, tried, before: none, rest: none }
    this.send("NoteTrial", payload, runtimeAsker)
  }
}

describe("the keeper of policies", () => {
  it("stages, and puts into force once all nodes can know of it", () => {
    const desk = new Desk()
    desk.send("Stage", { source: strict })
    assert.deepInclude(desk.view(), { state: "staged", version: 1, needs: 0, author: "user:ada" })
    desk.publish()
    desk.send("Activate", { name: "strict" })
    const waiting = desk.view()
    assert.strictEqual(waiting.state, "active")
    assert.isUndefined(waiting.epoch)
    desk.publish()
    const active = desk.view()
    assert.strictEqual(active.epoch, 2)
    assert.isDefined(active.from)
    assert.isUndefined(active.publishing)
  })

  it("makes known again, under its old number, what its node had not made known when it died", () => {
    const desk = new Desk()
    desk.send("Stage", { source: strict })
    desk.publish()
    desk.send("Activate", { name: "strict" })
    const before = desk.rig.performed.filter((id) => /^\d+$/.test(id)).at(-1)
    desk.rig.start("node-2")
    assert.isUndefined(desk.view().epoch)
    assert.strictEqual(desk.rig.performed.filter((id) => /^\d+$/.test(id)).at(-1), before)
    desk.publish()
    assert.isDefined(desk.view().from)
  })

  it("leaves to the immune system what is its own: people neither write such a policy nor take one back", () => {
    const desk = new Desk()
    const source =
      'policy "held" class immune ttl 10min { when principal.id == "eve" and protected == false { deny "x" } }'
    assert.strictEqual(desk.refusal("Stage", { source }), "PolicyInvalid")
    assert.strictEqual(desk.refusal("GetPolicy", { name: "held" }), "NotFound", "nothing was kept of it")
    const endless = source.replace(" ttl 10min", "").replace('"x"', '"for a ttl 10min"')
    desk.send("Deploy", { source: endless, mitigation: "root.0", answerTo: "root" }, runtimeAsker)
    assert.strictEqual(desk.refusal("GetPolicy", { name: "held" }), "NotFound", "it would have no end")
    desk.send("Deploy", { source, mitigation: "root.1", answerTo: "root" }, runtimeAsker)
    desk.publish()
    assert.strictEqual(desk.refusal("Withdraw", { name: "held" }), "InvalidTransition")
    assert.strictEqual(desk.refusal("Rollback", { name: "held" }), "InvalidTransition")
    assert.strictEqual(desk.view("held").state, "active")
    desk.send("Revoke", { name: "held", reason: "lifted" }, runtimeAsker)
    assert.strictEqual(desk.view("held").state, "withdrawn")
  })

  it("tries again until the register answers", () => {
    const desk = new Desk()
    desk.send("Stage", { source: strict })
    const count = desk.rig.performed.length
    desk.publish({ _tag: "Unavailable" })
    desk.rig.advance(2000)
    assert.isAbove(desk.rig.performed.length, count)
  })

  it("comes into force at its instant, and ends by its ttl", () => {
    const desk = new Desk()
    desk.send("Stage", { source: strict.replace("strict {", "strict ttl 1h {") })
    desk.publish()
    const at = desk.rig.now + 60_000
    desk.send("Activate", { name: "strict", at })
    assert.deepInclude(desk.view(), { state: "staged", at })
    desk.publish()
    desk.rig.advance(59_000)
    assert.strictEqual(desk.view().state, "active")
    desk.publish()
    assert.strictEqual(desk.view().expiresAt, (desk.view().from ?? 0) + 3_600_000)
    desk.rig.advance(3_600_000)
    assert.deepInclude(desk.view(), { state: "expired", reason: "its ttl was over" })
  })

  it("keeps a trial that goes well, and takes one back that denies more than before", () => {
    const good = new Desk()
    good.activate({ canaryZones: ["hall.a"], canaryMillis: 60_000 })
    assert.strictEqual(good.view().state, "canary")
    good.tally(1)
    good.rig.advance(61_000)
    assert.strictEqual(good.view().state, "active")

    const bad = new Desk()
    bad.activate()
    bad.send("Stage", { source: strict.replace("0.6", "0.1") })
    bad.publish()
    bad.send("Activate", { name: "strict", canaryZones: ["hall.a"] })
    bad.publish()
    bad.tally(3, 25)
    assert.strictEqual(bad.view().state, "canary")
    bad.tally(3, 25, "node-2")
    const taken = bad.view("strict", 2)
    assert.strictEqual(taken.state, "rolled_back")
    assert.include(taken.reason, "6 of 50 were denied or failed")
    assert.strictEqual(bad.view("strict", 1).state, "active")
  })

  it("goes back to the version before, or to one that is named", () => {
    const desk = new Desk()
    for (const duty of ["0.6", "0.5", "0.4"]) desk.activate({}, strict.replace("0.6", duty))
    const states = () => [1, 2, 3].map((version) => desk.view("strict", version).state)
    assert.deepStrictEqual(states(), ["superseded", "superseded", "active"])
    desk.send("Rollback", { name: "strict" })
    assert.deepStrictEqual(states(), ["superseded", "active", "rolled_back"])
    desk.publish()
    desk.send("Rollback", { name: "strict", toVersion: 1 })
    assert.deepStrictEqual(states(), ["active", "rolled_back", "rolled_back"])
    desk.send("Withdraw", { name: "strict" })
    assert.deepStrictEqual(states(), ["withdrawn", "rolled_back", "rolled_back"])
  })

  it("wants two people, each once, for what moves things or speaks of high clearance", () => {
    const desk = new Desk()
    desk.send("Stage", { source: strict.replace("strict {", "strict class actuating {") })
    assert.strictEqual(desk.refusal("Activate", { name: "strict" }), "PolicyDenied")
    desk.send("Approve", { name: "strict" })
    assert.strictEqual(desk.refusal("Approve", { name: "strict" }), "InvalidTransition")
    assert.strictEqual(desk.refusal("Activate", { name: "strict" }), "PolicyDenied")
    desk.send("Approve", { name: "strict" }, bob)
    assert.strictEqual(desk.send("Activate", { name: "strict" })._tag, "Success")
    desk.send("Stage", { source: "policy high { when clearance >= 3 { allow } }" })
    assert.strictEqual(desk.view("high").needs, 2)
  })

  it("takes what a pattern says for nobody's approval", () => {
    const desk = new Desk()
    desk.send("Stage", { source: strict.replace("strict {", "strict class actuating {") })
    desk.send("Approve", { name: "strict" })
    assert.strictEqual(desk.refusal("Approve", { name: "strict" }, runtimeAsker), "PolicyDenied")
    assert.strictEqual(desk.refusal("Activate", { name: "strict" }), "PolicyDenied")
  })

  it("wants two people for what takes the place of a policy that needed them, whatever it says of itself", () => {
    const desk = new Desk()
    desk.send("Stage", { source: strict.replace("strict {", "strict class actuating {") })
    for (const asker of [operator, bob]) desk.send("Approve", { name: "strict" }, asker)
    desk.send("Activate", { name: "strict" })
    desk.publish()
    desk.send("Stage", { source: strict.replace("0.6", "99") })
    assert.deepInclude(desk.view(), { version: 2, class: "access", needs: 2 })
    assert.strictEqual(desk.refusal("Activate", { name: "strict" }), "PolicyDenied")
  })

  it("counts two trials beside each other", () => {
    const desk = new Desk()
    const none = { decisions: 25, denials: 0, errors: 0 }
    for (const name of ["strict", "other"]) {
      desk.send("Stage", { source: strict.replace("strict", name) })
      desk.publish()
      desk.send("Activate", { name, canaryZones: ["hall.a"] })
      desk.publish()
    }
    for (const node of ["node-1", "node-2"])
      for (const name of ["strict", "other"])
        desk.send("NoteTrial", { node, name, version: 1, tried: none, before: none, rest: none }, runtimeAsker)
    for (const name of ["strict", "other"]) assert.strictEqual(desk.view(name).trial?.tried.decisions, 50)
  })

  it("looks for the impact of two policies at a time", () => {
    const desk = new Desk()
    const looked = () => desk.rig.performed.filter((id) => id.includes("@"))
    for (const name of ["one", "two", "three"]) desk.send("Stage", { source: strict.replace("strict", name) })
    assert.deepStrictEqual(looked(), ["one@1", "two@1"])
    const impact = { acts: 0, newlyDenied: 0, newlyAllowed: 0, changed: [], from: 0, to: 1 }
    desk.rig.ends[desk.rig.performed.indexOf("one@1")]?.(impact)
    desk.rig.advance(1)
    assert.deepStrictEqual(looked(), ["one@1", "two@1", "three@1"])
  })

  it("refuses what is no policy, what locks out, what is not there, and what is not so", () => {
    const desk = new Desk()
    assert.strictEqual(desk.refusal("Stage", { source: "policy p { }" }), "PolicyInvalid")
    assert.strictEqual(desk.refusal("Stage", { source: 'policy p { when true { deny "no" } }' }), "PolicyInvalid")
    for (const [message, payload] of [
      ["Approve", {}],
      ["Activate", {}],
      ["Rollback", {}],
      ["Withdraw", {}],
      ["GetPolicy", {}]
    ] as const)
      assert.strictEqual(desk.refusal(message, { name: "nobody", ...payload }), "NotFound", message)
    desk.activate()
    for (const message of ["Approve", "Activate"])
      assert.strictEqual(desk.refusal(message, { name: "strict" }), "InvalidTransition", message)
    assert.strictEqual(desk.refusal("Rollback", { name: "strict", toVersion: 9 }), "NotFound")
    desk.send("Stage", { source: strict.replace("strict {", "strict zone hall {") })
    assert.strictEqual(desk.refusal("Rollback", { name: "other" }), "NotFound")
    assert.strictEqual(desk.refusal("Activate", { name: "strict", canaryZones: ["yard"] }), "Malformed")
    assert.strictEqual(desk.refusal("Activate", { name: "strict", at: desk.rig.now + 40 * 86_400_000 }), "Malformed")
  })

  it("lets nobody give below the root what the root does not", () => {
    const rig = new ActorRig([policyKeeper])
    const reply = rig.ask({ kind: "policy", id: "line-1" }, "Stage", { source: "policy wide { when true { allow } }" })
    assert.strictEqual(reply._tag === "Refused" ? Object(reply.error)._tag : reply._tag, "PolicyInvalid")
    const narrow = rig.ask({ kind: "policy", id: "line-1" }, "Stage", { source: strict })
    assert.strictEqual(narrow._tag, "Success")
  })

  it.effect("takes ten thousand messages, most of them broken, from whoever asks, and crashes over none", () => {
    const desk = new Desk()
    desk.activate()
    return survivesBrokenMessages(desk.rig, place, PolicyKeeper, 20_261)
  })
})
