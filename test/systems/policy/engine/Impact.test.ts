import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { checkPolicyText } from "../../../../src/protocol/policy/PolicyCheck.ts"
import { impactOf, type StoredAct } from "../../../../src/systems/policy/engine/Impact.ts"
import { Limits } from "../../../../src/systems/policy/engine/Limits.ts"
import { PolicySet } from "../../../../src/systems/policy/engine/PolicySet.ts"

const setOf = (inside: string) =>
  new PolicySet(
    [{ vsm: "root", policies: [Result.getOrThrow(checkPolicyText(`policy p { ${inside} }`))] }],
    new Limits(),
    1
  )
const actOf = (at: number, id: string, duty: number): StoredAct => ({
  at,
  path: ["root"],
  request: {
    principal: { kind: "user", id, zones: [], clearance: 1, scopes: [] },
    capability: "motor.duty.set",
    isActuating: true,
    zone: "ops.line3",
    args: { duty },
    facts: {}
  }
})
const allowing = "when true { allow }"

describe("impactOf", () => {
  it("says which acts would have been denied, of whom, and why", () => {
    const acts = [
      actOf(1, "ada", 0.5),
      actOf(2, "ada", 0.8),
      actOf(3, "bob", 0.9),
      actOf(4, "bob", 0.7),
      actOf(5, "cy", 0.2)
    ]
    const stricter = `${allowing} when arg.duty > 0.6 and protected == false { deny "too much" }`
    assert.deepStrictEqual(impactOf(acts, setOf(allowing), setOf(stricter)), {
      acts: 5,
      newlyDenied: 3,
      newlyAllowed: 0,
      changed: [
        {
          capability: "motor.duty.set",
          zone: "ops.line3",
          effect: "deny",
          reason: "too much",
          policies: ["p"],
          count: 3,
          principals: ["ada", "bob"]
        }
      ]
    })
    const back = impactOf(acts, setOf(stricter), setOf(allowing))
    assert.deepStrictEqual(
      [back.newlyDenied, back.newlyAllowed, back.changed[0]?.effect, back.changed[0]?.reason],
      [0, 3, "allow", "too much"]
    )
  })

  it("counts limits at the instants of the acts", () => {
    const acts = [0, 100, 200, 1000, 1100].map((at) => actOf(at, "ada", 0))
    const limited = "when true { allow; limit 2 per 1s by principal.id }"
    const { newlyDenied } = impactOf(acts, setOf(allowing), setOf(limited))
    assert.strictEqual(newlyDenied, 1)
  })

  it("finds nothing where nothing changes", () => {
    const { acts, changed } = impactOf([actOf(1, "ada", 1)], setOf(allowing), setOf(allowing))
    assert.deepStrictEqual([acts, changed], [1, []])
  })
})
