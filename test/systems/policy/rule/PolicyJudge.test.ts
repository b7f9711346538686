import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import type { JudgedAct } from "../../../../src/actors/Judge.ts"
import type { Asker } from "../../../../src/protocol/Asker.ts"
import { checkPolicyText } from "../../../../src/protocol/policy/PolicyCheck.ts"
import { EpochPolicies, type InForce } from "../../../../src/systems/policy/engine/EpochPolicies.ts"
import { Limits } from "../../../../src/systems/policy/engine/Limits.ts"
import { PolicyCache } from "../../../../src/systems/policy/engine/PolicyCache.ts"
import { PolicyJudge } from "../../../../src/systems/policy/rule/PolicyJudge.ts"

const policy = (source: string, fields: Partial<InForce> = {}): InForce => ({
  vsm: "root",
  version: 1,
  bound: Result.getOrThrow(checkPolicyText(source)),
  ...fields
})
const open = policy("policy open { when true { allow } }")
const hot = policy('policy hot { when fact.temp > 80 and protected == false { deny "hot" } }')

const ada: Asker = { kind: "user", id: "ada", role: "operator" }
const setting: JudgedAct = {
  capability: "device.set",
  message: "SetDesired",
  target: "device/press-1",
  args: { duty: 1 },
  zone: "hall.a",
  facts: () => ({ temp: 90, device: "press-9" }),
  isActuating: true
}

/** A judge whose time the test moves. */
class Node {
  now = 1_790_000_000_000
  readonly limits = new Limits()
  readonly cache: PolicyCache<EpochPolicies>
  readonly judge: PolicyJudge
  #ids = 0

  constructor(...policies: ReadonlyArray<InForce>) {
    this.cache = new PolicyCache(new EpochPolicies(1, policies, this.limits))
    this.judge = new PolicyJudge(this.cache, {
      node: "node-1",
      now: () => this.now,
      newId: () => `decision-${++this.#ids}`
    })
  }
  denial(act: Partial<JudgedAct> = {}, asker = ada): string | undefined {
    return this.judge.judge(asker, { ...setting, ...act })?._tag
  }
}

describe("the judge of a node", () => {
  it("looks at nothing where everything is allowed", () => {
    const node = new Node(open)
    const facts = () => {
      throw new Error("nobody asked")
    }
    assert.isUndefined(node.denial({ facts, vsm: "line-1" }))
    assert.deepStrictEqual(node.judge.places.wanted, [])
  })

  it("says which policies deny, by which epoch, and keeps what they were asked with", () => {
    const node = new Node(open, hot)
    const denied = node.judge.judge(ada, setting)
    assert.deepInclude(Object(denied), {
      _tag: "PolicyDenied",
      policyIds: ["hot"],
      reason: "hot",
      decision: "decision-1"
    })
    const [noted] = node.judge.notes.take(node.now)
    assert.deepInclude(noted?.decision, { effect: "deny", epoch: 1 })
    assert.deepInclude(noted?.request, { args: { duty: 1 }, zone: "hall.a" })
    // What a board reports never stands for the name of its device, and what no policy asks for is left out.
    assert.deepInclude(noted?.request.facts, { temp: 90, device: "press-1", right: "device.set" })
  })

  it("counts what is alike, and tells it once more when its time is over", () => {
    const node = new Node(open, hot)
    for (let time = 0; time < 5; time++) node.denial()
    assert.lengthOf(node.judge.notes.take(node.now), 1)
    assert.deepStrictEqual(node.judge.notes.take(node.now + 1000), [])
    const later = node.judge.notes.take(node.now + 10_000)
    assert.deepStrictEqual(
      later.map(({ id, count }) => [id, count]),
      [["decision-1", 4]]
    )
  })

  it("asks a right first, then the zones of who asks, then policies", () => {
    const node = new Node(open, hot)
    assert.strictEqual(node.denial({}, { ...ada, may: ["device.read"] }), "PolicyDenied")
    assert.deepStrictEqual(node.judge.notes.take(node.now), [])
    const zoned = { ...ada, zones: ["hall.b"] }
    assert.strictEqual(node.denial({}, zoned), "ZoneDenied")
    assert.strictEqual(node.denial({ zone: undefined }, zoned), "ZoneDenied")
    const reading = { zone: undefined, isActuating: false, facts: () => ({ temp: 1 }) }
    assert.isUndefined(node.denial(reading, zoned))
    assert.isUndefined(node.denial({ zone: undefined, isForOthers: true, facts: () => ({ temp: 1 }) }, zoned))
  })

  it("denies what cannot be judged where it is judged for good, and leaves it to the cell on the way there", () => {
    const node = new Node(open, hot)
    const blind = { facts: () => ({}) }
    assert.strictEqual(node.denial(blind), "PolicyDenied")
    assert.isUndefined(node.denial({ ...blind, isForwarded: true }))
  })

  it("counts for a limit what is let through for good, and says when there is room again", () => {
    const node = new Node(open, policy("policy calm { when true { limit 1 per 10s by device } }"))
    for (let time = 0; time < 3; time++) assert.isUndefined(node.denial({ isForwarded: true }))
    assert.isUndefined(node.denial())
    node.now += 4000
    assert.deepInclude(Object(node.judge.judge(ada, setting)), { _tag: "RateLimited", retryAfterMs: 6000 })
    assert.isUndefined(node.denial({ target: "device/press-2" }))
    node.now += 6000
    assert.isUndefined(node.denial())
  })

  it("keeps the policies of all VSMs above, and moves nothing for one of which it does not know where it stands", () => {
    const node = new Node(open, policy('policy shut { when protected == false { deny "shut" } }', { vsm: "hall" }))
    const cold = { facts: () => ({ temp: 1 }) }
    assert.isUndefined(node.denial(cold))
    assert.strictEqual(node.denial({ ...cold, vsm: "line-1" }), "PolicyDenied")
    assert.deepStrictEqual(node.judge.places.wanted, ["line-1"])
    // To stop it waits for no answer of the database.
    assert.isUndefined(node.denial({ ...cold, vsm: "line-1", name: "motor.stop" }))
    assert.isUndefined(node.denial({ ...cold, vsm: "line-1", isActuating: false }))
    node.judge.places.learn("line-1", ["root", "hall", "line-1"])
    assert.strictEqual(node.denial({ ...cold, vsm: "line-1", isActuating: false }), "PolicyDenied")
    node.judge.places.learn("line-1", ["root", "line-1"])
    assert.isUndefined(node.denial({ ...cold, vsm: "line-1" }))
  })

  it("counts by what who asks has said, however long that is", () => {
    const node = new Node(open, policy("policy calm { when true { limit 1 per 10s by arg.note } }"))
    const of = (end: string) => ({ args: { note: `${"x".repeat(100_000)}${end}` } })
    assert.isUndefined(node.denial(of("a")))
    assert.isUndefined(node.denial(of("b")))
    assert.strictEqual(node.denial(of("a")), "RateLimited")
  })

  it("remembers some VSMs that are none, and no more", () => {
    const { places } = new Node(open).judge
    for (let at = 0; at < 5000; at++) places.pathOf(`no-${at}`)
    assert.lengthOf(places.wanted, 128)
    for (let at = 0; at < 5000; at++) places.learn(`no-${at}`, ["root"])
    assert.lengthOf(places.known, 4096)
    assert.deepStrictEqual(places.pathOf("no-4999"), ["root"])
  })

  it("goes on reading and stopping, and moves nothing else, when it could not ask for newer policies for too long", () => {
    const node = new Node(open)
    node.cache.asked(node.now)
    node.now += 10_000
    assert.isUndefined(node.denial())
    node.now += 1
    assert.strictEqual(node.denial(), "PolicyDenied")
    assert.isUndefined(node.denial({ isActuating: false }))
    assert.isUndefined(node.denial({ name: "motor.stop" }))
    node.cache.asked(node.now)
    assert.isUndefined(node.denial())
  })

  it("decides by one epoch whole, and turns at its instant", () => {
    const node = new Node(open)
    const shut = policy('policy shut { when protected == false { deny "shut" } }')
    node.cache.install(new EpochPolicies(2, [open, shut], node.limits), node.now + 1000)
    node.now += 999
    assert.isUndefined(node.denial())
    node.now += 1
    assert.strictEqual(node.denial(), "PolicyDenied")
    assert.strictEqual(node.judge.notes.take(node.now)[0]?.decision.epoch, 2)
  })

  it("counts a trial in its zones beside what was before, and elsewhere the rest", () => {
    const loose = policy('policy duty { when arg.duty > 5 and protected == false { deny "no" } }', {
      except: ["hall.a"]
    })
    const strict = policy('policy duty { when arg.duty > 0 and protected == false { deny "no" } }', {
      version: 2,
      zones: ["hall.a"]
    })
    const node = new Node(open, loose, strict)
    assert.strictEqual(node.denial(), "PolicyDenied")
    assert.strictEqual(node.denial({ zone: "hall.a.cell" }), "PolicyDenied")
    assert.isUndefined(node.denial({ zone: "hall.b" }))
    assert.isUndefined(node.denial({ zone: undefined }))
    const [count] = node.judge.trials.take(node.cache.at(node.now))
    assert.deepInclude(count, {
      name: "duty",
      version: 2,
      tried: { decisions: 2, denials: 2, errors: 0 },
      before: { decisions: 2, denials: 0, errors: 0 },
      rest: { decisions: 2, denials: 0, errors: 0 }
    })
    assert.deepStrictEqual(node.judge.trials.take(node.cache.at(node.now)), [])
  })
})
