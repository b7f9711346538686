import { assert, describe, it } from "@effect/vitest"
import { formatPolicy } from "../../../../src/protocol/policy/PolicyFormat.ts"
import { boundOrShut } from "../../../../src/systems/policy/rule/Unreadable.ts"

describe("a policy that this release cannot read", () => {
  it("is bound as it stands where it can be read", () => {
    const { bound, isShut } = boundOrShut("calm", "policy calm { when true { limit 5 per 10s by device } }")
    assert.isFalse(isShut)
    assert.strictEqual(bound.policy.name, "calm")
  })

  for (const [what, source, zone] of [
    ["what is no policy at all", "policy calm { whenever }", undefined],
    ["what locks somebody out", 'policy calm zone hall.a { when true { deny "x" } }', "hall.a"]
  ] as const)
    it(`takes away what may be taken away, in its zone: ${what}`, () => {
      const { bound, isShut } = boundOrShut("calm", source)
      assert.isTrue(isShut)
      assert.strictEqual(bound.policy.zone, zone)
      assert.include(formatPolicy(bound.policy), 'when protected == false { deny "this release cannot read calm"')
    })
})
