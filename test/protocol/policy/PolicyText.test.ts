import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import { parse } from "../../../src/protocol/condition/Parse.ts"
import { Policy } from "../../../src/protocol/policy/Policy.ts"
import { formatPolicy } from "../../../src/protocol/policy/PolicyFormat.ts"
import { policyOfJson } from "../../../src/protocol/policy/PolicyJson.ts"
import { parsePolicy } from "../../../src/protocol/policy/PolicyText.ts"
import { DrawnPolicies, policySeed } from "../../support/DrawnPolicies.ts"

const read = (text: string): Policy => Result.getOrThrow(parsePolicy(text)).policy
const condition = (text: string) => Result.getOrThrow(parse(text)).tree
const problemOf = (text: string) => {
  const found = parsePolicy(text)
  if (Result.isSuccess(found)) throw new Error(`it was read: ${text}`)
  return found.failure.problems[0]
}

const overheat = `policy "line3-overheat" zone ops.line3 class actuating priority 70 ttl 2h {
  when capability == "motor.duty.set" and arg.duty > 0.6 and fact.temp_c >= 85 { deny "overheat" guidance "lower duty below 60 %" }
  when capability glob "motor.*" { require clearance >= 1; limit 5 per 10s by device; oblige audit "actuation" }
  when scope has "invoke:motor" { allow }
}`

describe("parsePolicy", () => {
  it("reads a policy of every clause", () => {
    assert.deepStrictEqual(read(overheat), {
      name: "line3-overheat",
      zone: "ops.line3",
      class: "actuating",
      priority: 70,
      ttlMillis: 7_200_000,
      rules: [
        {
          when: condition('capability == "motor.duty.set" and arg.duty > 0.6 and fact.temp_c >= 85'),
          statements: [{ _tag: "Deny", reason: "overheat", guidance: "lower duty below 60 %" }]
        },
        {
          when: condition('capability glob "motor.*"'),
          statements: [
            { _tag: "Require", condition: condition("clearance >= 1") },
            { _tag: "Limit", count: 5, millis: 10_000, by: [["device"]] },
            { _tag: "Oblige", duty: "audit", detail: "actuation" }
          ]
        },
        { when: condition('scope has "invoke:motor"'), statements: [{ _tag: "Allow" }] }
      ]
    })
  })

  it("takes the clauses of the head in any order, and knows what is left out", () => {
    const policy = read("policy open ttl 366d zone public { when true { allow; } }")
    assert.deepStrictEqual(policy, {
      name: "open",
      zone: "public",
      class: "access",
      priority: 50,
      ttlMillis: 31_622_400_000,
      rules: [{ when: { _tag: "Always", value: true }, statements: [{ _tag: "Allow" }] }]
    })
  })

  it("reads a field of the name of a word of policies", () => {
    assert.deepStrictEqual(
      read("policy p { when limit > 1 and fact.deny == 2 { limit 2 per 1s by allow, zone } }").rules[0],
      {
        when: condition("limit > 1 and fact.deny == 2"),
        statements: [{ _tag: "Limit", count: 2, millis: 1000, by: [["allow"], ["zone"]] }]
      }
    )
  })

  it("reads again what the formatter writes, and the JSON of it, for random policies", () => {
    const source = new DrawnPolicies(policySeed)
    const encode = Schema.encodeSync(Policy)
    for (let round = 0; round < 2000; round++) {
      const policy = source.policy(`p-${round}`)
      const text = formatPolicy(policy)
      assert.deepStrictEqual(read(text), policy, text)
      assert.strictEqual(formatPolicy(read(text)), text)
      const json: unknown = JSON.parse(JSON.stringify(encode(policy)))
      assert.deepStrictEqual(Result.getOrThrow(policyOfJson(json)), policy)
    }
  })

  const refused: ReadonlyArray<readonly [text: string, at: string, sentence: string]> = [
    ["", "", "should follow: a policy begins as in"],
    ["polcy p { when true { allow } }", "polcy", "did you mean policy?"],
    ['policy "a b" { when true { allow } }', '"a b"', "at most 100 letters, digits, dots"],
    ["policy p zoen ops { when true { allow } }", "zoen", "did you mean zone?"],
    ["policy p zone Ops { when true { allow } }", "Ops", "a zone is one to six names"],
    ["policy p zone ops zone lab { when true { allow } }", "zone lab", "stands here twice"],
    ["policy p class actuate { when true { allow } }", "actuate", "did you mean actuating?"],
    ["policy p priority 101 { when true { allow } }", "101", "a whole number from 0 to 100"],
    ["policy p ttl 400d { when true { allow } }", "400d", "lives 366d at most"],
    ["policy p ttl 5 { when true { allow } }", "5", "a time has a unit"],
    ["policy p { }", "}", "a rule at least"],
    ["policy p { allow }", "allow", "`when` should follow"],
    ["policy p { when true { alow } }", "alow", "did you mean allow?"],
    ["policy p { when true { } }", "} }", "a statement should stand here"],
    ["policy p { when true allow }", "allow", "should stand here"],
    ["policy p { when true { deny } }", "} }", "the reason should stand here, in quotes"],
    ['policy p { when true { deny "" } }', '""', "1 to 200 characters"],
    ['policy p { when true { deny "a" allow } }', "allow", "`;` should stand here between two statements"],
    ["policy p { when true { require } }", "} }", "a value should stand here"],
    ["policy p { when true { limit 5 by device } }", "by", "`per` should follow"],
    ["policy p { when true { limit 5 per 10s } }", "} }", "`by` should follow"],
    ["policy p { when true { limit 5 per 2d by device } }", "2d", "looks back 24h at most"],
    ["policy p { when true { limit 1001 per 1s by device } }", "1001", "at most 1000"],
    ["policy p { when true { limit 1 per 1s by a, b, c, d, e } }", "e }", "at most 4 fields"],
    ["policy p { when true { oblige adit } }", "adit", "did you mean audit?"],
    ["policy p { when temp > { allow } }", "{ allow", "a value should stand here"],
    ["policy p { when temp > 5 adn zone == 1 { allow } }", "adn", "did you mean and?"],
    ["policy p { when true { allow }", "", "`}` is missing"],
    ["policy p { when true { allow } } x", "x", "the policy is over here"]
  ]
  for (const [text, at, sentence] of refused)
    it(`says what is wrong with ${JSON.stringify(text)}`, () => {
      const problem = problemOf(text)
      assert.include(problem.sentence, sentence)
      assert.strictEqual(text.slice(problem.at, problem.at + at.length), at)
      assert.strictEqual(problem.at, at === "" ? text.length : text.indexOf(at))
    })

  it("says how many rules and statements there may be", () => {
    const many = (count: number, of: string, between: string) => Array.from({ length: count }, () => of).join(between)
    assert.isTrue(Result.isSuccess(parsePolicy(`policy p { ${many(64, "when true { allow }", " ")} }`)))
    assert.include(problemOf(`policy p { ${many(65, "when true { allow }", " ")} }`).sentence, "at most 64 rules")
    assert.isTrue(Result.isSuccess(parsePolicy(`policy p { when true { ${many(16, "allow", ";")} } }`)))
    assert.include(problemOf(`policy p { when true { ${many(17, "allow", ";")} } }`).sentence, "at most 16 statements")
  })

  it("reads texts of which something was changed, cut or doubled without a defect", () => {
    const source = new DrawnPolicies(policySeed)
    const signs = [..."{}();\"'`\\ \n.,*<>=$0aé😀\u0000"]
    for (let round = 0; round < 10_000; round++) {
      const text = overheat
      const at = source.pick(Array.from({ length: text.length }, (_, place) => place))
      const end = Math.min(text.length, at + source.pick([0, 1, 5, 30]))
      const middle = source.pick([source.pick(signs), "", text.slice(at, end), text.slice(at, end).repeat(2)])
      const found = parsePolicy(text.slice(0, at) + middle + text.slice(end))
      if (Result.isFailure(found)) assert.isAbove(found.failure.problems.length, 0)
    }
  })
})

describe("policyOfJson", () => {
  const open = { name: "open", rules: [{ when: { _tag: "Always", value: true }, statements: [{ _tag: "Allow" }] }] }

  it("knows what is left out", () => {
    const policy = Result.getOrThrow(policyOfJson(open))
    assert.strictEqual(policy.class, "access")
    assert.strictEqual(policy.priority, 50)
  })

  const malformed: ReadonlyArray<readonly [value: unknown, path: string, reason: string]> = [
    [null, "", "a policy is an object"],
    [{ ...open, rules: [] }, "rules", "Missing key"],
    [{ ...open, zone: "A" }, "zone", "a zone"],
    [{ ...open, color: 1 }, "color", "there is no such field"],
    [
      { ...open, rules: [{ ...open.rules[0], statements: [{ _tag: "Alow" }] }] },
      "rules.0.statements.0._tag",
      "did you mean Allow?"
    ],
    [{ ...open, rules: [{ when: { _tag: "Always", value: 1 }, statements: [{ _tag: "Allow" }] }] }, "rules.0.when", ""]
  ]
  for (const [value, path, reason] of malformed)
    it(`says what does not fit in ${JSON.stringify(value)}`, () => {
      const found = policyOfJson(value)
      if (Result.isSuccess(found)) throw new Error("it fits")
      assert.isTrue(found.failure.path.startsWith(path), found.failure.path)
      assert.include(found.failure.reason, reason)
    })
})
