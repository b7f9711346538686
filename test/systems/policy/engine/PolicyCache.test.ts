import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { checkPolicyText } from "../../../../src/protocol/policy/PolicyCheck.ts"
import type { PolicyRequest } from "../../../../src/protocol/policy/Request.ts"
import { Limits } from "../../../../src/systems/policy/engine/Limits.ts"
import { PolicyCache } from "../../../../src/systems/policy/engine/PolicyCache.ts"
import { PolicySet } from "../../../../src/systems/policy/engine/PolicySet.ts"

const limits = new Limits()
const setOf = (epoch: number, inside = "when true { allow }") =>
  new PolicySet(
    [{ vsm: "root", policies: [Result.getOrThrow(checkPolicyText(`policy p { ${inside} }`))] }],
    limits,
    epoch
  )
const request: PolicyRequest = {
  principal: { kind: "user", id: "ada", zones: [], clearance: 0, scopes: [] },
  capability: "led.set",
  isActuating: true,
  args: {},
  facts: {}
}
const at = (cache: PolicyCache, now: number, change: Partial<PolicyRequest> = {}) => {
  const { effect, epoch } = cache.decide({ ...request, ...change }, ["root"], now)
  return [effect, epoch]
}

describe("PolicyCache", () => {
  it("turns to the next policies at their instant, and names the epoch that decided", () => {
    const cache = new PolicyCache(setOf(1))
    cache.install(setOf(2, 'when protected == false { deny "shut" }'), 1000)
    assert.deepStrictEqual(at(cache, 999), ["allow", 1])
    assert.deepStrictEqual(at(cache, 1000), ["deny", 2])
    // A clock that goes back brings nothing back.
    assert.deepStrictEqual(at(cache, 500), ["deny", 2])
  })

  it("is where it should be whichever came first, and whatever comes twice or late", () => {
    const cache = new PolicyCache(setOf(1))
    cache.install(setOf(3, 'when protected == false { deny "third" }'), 2000)
    cache.install(setOf(2), 1000)
    cache.install(setOf(2), 1000)
    assert.deepStrictEqual(at(cache, 1500), ["allow", 2])
    assert.deepStrictEqual(at(cache, 2000), ["deny", 3])
    cache.install(setOf(2), 0)
    assert.deepStrictEqual(at(cache, 2500), ["deny", 3])
  })

  it("leaves out an epoch whose instant comes behind that of the next one", () => {
    const cache = new PolicyCache(setOf(1))
    cache.install(setOf(2), 3000)
    cache.install(setOf(3), 1000)
    assert.deepStrictEqual(at(cache, 1000), ["allow", 3])
    assert.deepStrictEqual(at(cache, 3000), ["allow", 3])
  })

  it("moves nothing any more when it is three epochs behind, and stops and reads nevertheless", () => {
    const cache = new PolicyCache(setOf(1))
    cache.heard(3)
    assert.deepStrictEqual(at(cache, 0), ["allow", 1])
    cache.heard(4)
    assert.deepStrictEqual(at(cache, 0), ["deny", 1])
    assert.include(cache.decide(request, ["root"], 0).reason, "3 epochs old")
    assert.deepStrictEqual(at(cache, 0, { isActuating: false }), ["allow", 1])
    assert.deepStrictEqual(at(cache, 0, { capability: "motor.stop" }), ["allow", 1])
    cache.install(setOf(4), 1000)
    // Its policies are here and wait for their instant.
    assert.deepStrictEqual(at(cache, 0), ["allow", 1])
  })
})
