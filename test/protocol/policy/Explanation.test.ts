import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import type { BoundPolicy } from "../../../src/protocol/policy/BoundPolicy.ts"
import { explain } from "../../../src/protocol/policy/Explanation.ts"
import { checkPolicyText } from "../../../src/protocol/policy/PolicyCheck.ts"
import type { PolicyRequest } from "../../../src/protocol/policy/Request.ts"
import { requestDocument } from "../../../src/protocol/policy/Request.ts"
import { waysTo } from "../../../src/protocol/policy/Tests.ts"
import { DrawnPolicies, policySeed } from "../../support/DrawnPolicies.ts"

const bound = (text: string): BoundPolicy => Result.getOrThrow(checkPolicyText(text))
const level = (...texts: ReadonlyArray<string>) => [{ vsm: "root", policies: texts.map(bound) }]
const room = () => 0

const request: PolicyRequest = {
  principal: { kind: "user", id: "ada", zones: [], clearance: 0, scopes: ["invoke:motor"] },
  capability: "motor.duty.set",
  isActuating: true,
  zone: "ops.line3",
  args: { duty: 0.8 },
  facts: { temp_c: 90 }
}
const overheat = `policy overheat zone ops {
  when capability == "motor.duty.set" and arg.duty > 0.6 and fact.temp_c >= 85 { deny "too hot" guidance "lower duty" }
  when scope has "invoke:motor" { allow }
}`

describe("explain", () => {
  it("says which rule denies, why, and what would change it", () => {
    const { decision, rules, obstacles } = explain(level(overheat), request, room, 7)
    assert.deepStrictEqual(decision, {
      effect: "deny",
      policies: ["overheat"],
      reason: "too hot",
      guidance: "lower duty",
      obligations: [],
      epoch: 7
    })
    assert.deepStrictEqual(rules, [
      {
        vsm: "root",
        policy: "overheat",
        rule: 1,
        when: 'capability == "motor.duty.set" and arg.duty > 0.6 and fact.temp_c >= 85',
        verdict: "holds",
        tests: [
          {
            test: 'capability == "motor.duty.set"',
            verdict: "yes",
            found: [{ field: "capability", value: "motor.duty.set" }]
          },
          { test: "arg.duty > 0.6", verdict: "yes", found: [{ field: "arg.duty", value: 0.8 }] },
          { test: "fact.temp_c >= 85", verdict: "yes", found: [{ field: "fact.temp_c", value: 90 }] }
        ],
        statements: [{ statement: 'deny "too hot" guidance "lower duty"', outcome: "denied" }]
      },
      {
        vsm: "root",
        policy: "overheat",
        rule: 2,
        when: 'scope has "invoke:motor"',
        verdict: "holds",
        tests: [
          { test: 'scope has "invoke:motor"', verdict: "yes", found: [{ field: "scope", value: ["invoke:motor"] }] }
        ],
        statements: [{ statement: "allow", outcome: "allowed" }]
      }
    ])
    assert.deepStrictEqual(
      obstacles.map(({ sentence, ways }) => [
        sentence,
        ways.map((way) => way.map(({ test, wanted }) => [test, wanted]))
      ]),
      [
        [
          "overheat denies this: too hot",
          [[['capability == "motor.duty.set"', false]], [["arg.duty > 0.6", false]], [["fact.temp_c >= 85", false]]]
        ]
      ]
    )
  })

  it("says which fact is missing where a denial of what is actuating cannot be judged", () => {
    const { decision, rules, obstacles } = explain(level(overheat), { ...request, facts: {} }, room, 1)
    assert.strictEqual(decision.effect, "deny")
    assert.strictEqual(rules[0]?.verdict, "unclear")
    assert.deepStrictEqual(rules[0]?.tests[2], {
      test: "fact.temp_c >= 85",
      verdict: "unknown",
      found: [{ field: "fact.temp_c" }]
    })
    assert.strictEqual(obstacles[0]?.sentence, "overheat denies this, for it cannot be judged: too hot")
    const reads = explain(level(overheat), { ...request, facts: {}, isActuating: false }, room, 1)
    assert.strictEqual(reads.decision.effect, "allow")
    assert.deepStrictEqual(reads.obstacles, [])
  })

  it("says what is required, and when a limit has room again", () => {
    const limited = "policy limited { when true { require clearance >= 1; limit 5 per 10s by device; allow } }"
    const { obstacles } = explain(level(limited), request, () => 1500, 1)
    assert.deepStrictEqual(
      obstacles.map(({ sentence, ways, waitMillis }) => [sentence, ways[0]?.[0]?.test, waitMillis]),
      [
        ["limited requires clearance >= 1", "clearance >= 1", undefined],
        ["limited: limit 5 per 10s by device is reached", undefined, 1500]
      ]
    )
  })

  it("says that a VSM lower down allows less, and how its rules would allow it", () => {
    const levels = [
      ...level("policy all { when true { allow } }"),
      { vsm: "line-3", policies: [bound('policy leds { when capability glob "led.*" or clearance >= 2 { allow } }')] }
    ]
    const { decision, obstacles } = explain(levels, request, room, 1)
    assert.strictEqual(decision.reason, "no policy allows motor.duty.set")
    assert.deepStrictEqual(
      obstacles.map(({ vsm, ways }) => [vsm, ways.map((way) => way.map(({ test }) => test))]),
      [["line-3", [['capability glob "led.*"'], ["clearance >= 2"]]]]
    )
  })

  it("finds something against every request that is denied, and nothing against others, for random policies", () => {
    const source = new DrawnPolicies(policySeed + 2)
    const seen = { allow: 0, deny: 0 }
    for (let round = 0; round < 300; round++) {
      const levels = [0, 1].map((depth) => ({
        vsm: `vsm-${depth}`,
        policies: Array.from({ length: round % 5 }, (_, index) => source.sound(`p${index}`))
      }))
      const waitFor = () => source.pick([0, 0, 0, 100, Number.POSITIVE_INFINITY])
      const waits = new Map<unknown, number>()
      // Asked twice of one limit, the answer is the same.
      const steady = ({ statement }: { readonly statement: unknown }) => {
        const known = waits.get(statement) ?? waitFor()
        waits.set(statement, known)
        return known
      }
      const { decision, obstacles } = explain(levels, source.request(), steady, 1)
      seen[decision.effect]++
      assert.strictEqual(obstacles.length > 0, decision.effect === "deny", JSON.stringify({ decision, obstacles }))
    }
    assert.isAbove(seen.allow, 30)
    assert.isAbove(seen.deny, 30)
  })
})

describe("waysTo", () => {
  it("names no test twice, and says nothing where nothing must turn", () => {
    const document = requestDocument(request)
    const bothWays = bound('policy p { when clearance >= 1 or not clearance >= 1 and zone == "x" { allow } }')
    const [rule] = bothWays.policy.rules
    const ways = waysTo(true, rule.when, document).map((way) => way.map(({ test, wanted }) => [test, wanted]))
    assert.deepStrictEqual(ways, [[["clearance >= 1", true]], [['zone == "x"', true]]])
    assert.deepStrictEqual(waysTo(false, rule.when, document), [[]])
  })
})
