import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { valueAt } from "../../../../src/protocol/condition/Values.ts"
import type { BoundPolicy, BoundStatement } from "../../../../src/protocol/policy/BoundPolicy.ts"
import type { Level } from "../../../../src/protocol/policy/Decision.ts"
import { interpretPolicies } from "../../../../src/protocol/policy/Interpret.ts"
import { checkPolicyText } from "../../../../src/protocol/policy/PolicyCheck.ts"
import { isProtected } from "../../../../src/protocol/policy/Request.ts"
import { Limits } from "../../../../src/systems/policy/engine/Limits.ts"
import { PolicySet } from "../../../../src/systems/policy/engine/PolicySet.ts"
import { DrawnPolicies, policySeed } from "../../../support/DrawnPolicies.ts"

/** Counts as the language says: every request that was let through is kept for ever, and looked through. */
class SlowLimits {
  readonly #through: Array<{ readonly limit: string; readonly at: number }> = []
  /** One that stands twice in a rule is one. */
  readonly asked = new Set<string>()

  waitFor(now: number) {
    this.asked.clear()
    return (
      vsm: string,
      policy: string,
      rule: number,
      limit: Extract<BoundStatement, { _tag: "Limit" }>,
      document: unknown
    ) => {
      const values = limit.by.map((path) => valueAt(document, path))
      if (values.some((value) => value === undefined || value === null || typeof value === "object"))
        return Number.POSITIVE_INFINITY
      const name = JSON.stringify([vsm, policy, rule, limit.written, values])
      this.asked.add(name)
      const within = this.#through.filter((each) => each.limit === name && now - each.at < limit.millis)
      const [oldest] = within.slice(-limit.count)
      return oldest === undefined || within.length < limit.count ? 0 : oldest.at + limit.millis - now
    }
  }
  take(now: number) {
    for (const limit of this.asked) this.#through.push({ limit, at: now })
  }
}

const drawnLevels = (source: DrawnPolicies, round: number): ReadonlyArray<Level<BoundPolicy>> =>
  Array.from({ length: 1 + (round % 3) }, (_, depth) => ({
    vsm: depth === 0 ? "root" : `vsm-${depth}`,
    policies: Array.from({ length: round % 7 }, (__, index) => source.sound(`p${index}`))
  }))

const pathOf = (levels: ReadonlyArray<Level<BoundPolicy>>): ReadonlyArray<string> => levels.map(({ vsm }) => vsm)

const bound = (text: string): BoundPolicy => Result.getOrThrow(checkPolicyText(text))

describe("PolicySet", () => {
  it("asks the policies of the VSMs on the path, and of no others", () => {
    const levels = [
      { vsm: "root", policies: [bound("policy all { when true { allow } }")] },
      { vsm: "line-1", policies: [bound('policy shut { when protected == false { deny "shut" } }')] },
      { vsm: "line-2", policies: [bound("policy some { when clearance >= 2 { allow } }")] }
    ]
    const set = new PolicySet(levels, new Limits(), 3)
    const request = { ...new DrawnPolicies(1).request(), capability: "led.set" }
    const asked = (clearance: number, ...path: ReadonlyArray<string>) =>
      set.decide({ ...request, principal: { ...request.principal, clearance } }, path, 0).reason
    assert.deepStrictEqual(
      [asked(0, "root"), asked(0, "root", "line-1"), asked(0, "root", "line-2"), asked(2, "root", "line-2")],
      ["", "shut", "no policy allows led.set", ""]
    )
    assert.strictEqual(asked(2), "no policy allows led.set")
  })

  it("never lets a VSM give what the ones above it take away", () => {
    const source = new DrawnPolicies(policySeed + 3)
    let times = 0
    for (let round = 0; round < 200; round++) {
      const levels = drawnLevels(source, round)
      const [above, below] = [new PolicySet(levels, new Limits(), 1), new PolicySet(levels, new Limits(), 1)]
      for (let time = 0; time < 20; time++) {
        // Limits count what was let through, which differs: each request comes when all of them have room.
        const now = time * 10_000
        const request = source.request()
        const path = pathOf(levels)
        if (above.decide(request, path.slice(0, -1), now).effect === "allow" || path.length < 2) continue
        if (isProtected(request.capability)) continue
        const decided = below.decide(request, path, now)
        // What nobody above allows may still be allowed below; what somebody forbids may not.
        if (above.decide(request, path.slice(0, -1), now).policies.length === 0) continue
        assert.strictEqual(decided.effect, "deny")
        times++
      }
    }
    assert.isAbove(times, 100)
  })

  it("decides as the interpreter does, for random policies and requests", () => {
    const source = new DrawnPolicies(policySeed)
    const seen = { allow: 0, deny: 0, unclear: 0, exceeded: 0, unmet: 0, obliged: 0 }
    for (let round = 0; round < 400; round++) {
      const levels = drawnLevels(source, round)
      const set = new PolicySet(levels, new Limits(), round)
      const slow = new SlowLimits()
      for (let time = 0; time < 50; time++) {
        const now = time * 40
        const request = source.request()
        const waitFor = slow.waitFor(now)
        const expected = interpretPolicies(
          levels,
          request,
          ({ vsm, bound, rule, statement, document }) => waitFor(vsm, bound.policy.name, rule, statement, document),
          round
        )
        if (expected.effect === "allow") slow.take(now)
        const decided = set.decide(request, pathOf(levels), now)
        assert.deepStrictEqual(decided, expected, `seed ${policySeed}, round ${round}: ${JSON.stringify(request)}`)
        seen[decided.effect]++
        if (decided.reason.includes("cannot be judged")) seen.unclear++
        if (decided.reason.includes("is reached")) seen.exceeded++
        if (decided.reason.includes(" requires ")) seen.unmet++
        if (decided.obligations.length > 0) seen.obliged++
      }
    }
    // Every way to a decision was taken.
    for (const [way, times] of Object.entries(seen)) assert.isAbove(times, 100, way)
  })

  it("never denies what is protected but for who asks, whatever the policies", () => {
    const source = new DrawnPolicies(policySeed + 1)
    let times = 0
    for (let round = 0; round < 400; round++) {
      const levels = drawnLevels(source, round)
      const set = new PolicySet(levels, new Limits(), 1)
      for (let time = 0; time < 20; time++) {
        const drawn = source.request()
        const request = { ...drawn, principal: { ...drawn.principal, clearance: 4, scopes: ["invoke:motor", "read"] } }
        if (!isProtected(request.capability)) continue
        const { effect, reason } = set.decide(request, pathOf(levels), time)
        if (effect === "deny") assert.include(reason, " requires ")
        times++
      }
    }
    assert.isAbove(times, 1000)
  })
})
