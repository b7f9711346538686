import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { checkPolicyText } from "../../../src/protocol/policy/PolicyCheck.ts"

const problemsOf = (inside: string) => {
  const found = checkPolicyText(`policy p { ${inside} }`)
  return Result.isFailure(found) ? found.failure.problems : []
}

describe("checkPolicyText", () => {
  it("binds names to facts, units and zones", () => {
    const bound = Result.getOrThrow(
      checkPolicyText('policy p { when zone inside "ops" and load > 80% { limit 5 per 10s by device, principal.id } }')
    )
    const [rule] = bound.rules
    assert.deepStrictEqual(rule?.statements, [
      {
        _tag: "Limit",
        count: 5,
        millis: 10_000,
        by: [
          ["fact", "device"],
          ["principal", "id"]
        ],
        written: "limit 5 per 10s by device, principal.id"
      }
    ])
    assert.strictEqual(rule?.written, 'zone inside "ops" and load > 80%')
  })

  const refused: ReadonlyArray<readonly [inside: string, reason: string, sentence: string]> = [
    ['when principal.nmae == "x" { allow }', "UnknownField", "principal"],
    ['when principal.kind == "usr" { allow }', "UnknownValue", 'never "usr", but one of user'],
    ['when clearance == "high" { allow }', "WrongType", "a number cannot be compared with a text"],
    ['when capability has "x" { allow }', "WrongType", "list"],
    ["when temp > 5 and temp < 4 { allow }", "NeverMatches", "this never holds"],
    ["when true { require temp > 5 and temp < 4 }", "NeverMatches", "this never holds"],
    ['when protected == false { allow; deny "x" }', "Contradiction", "a denial outweighs"],
    ["when true { limit 5 per 1s by scope }", "WrongType", "a text, a number, true or false"],
    ["when true { limit 5 per 1s by principal.nam }", "UnknownField", "principal.nam"],
    ["when temp > $x { allow }", "UnknownParameter", "$x"]
  ]
  for (const [inside, reason, sentence] of refused)
    it(`refuses ${inside}`, () => {
      const [problem, ...others] = problemsOf(inside)
      assert.strictEqual(problem?.reason, reason)
      assert.include(problem?.sentence, sentence)
      assert.deepStrictEqual(others, [])
    })

  it("tells of every problem with its place", () => {
    const text = 'policy p {\n  when clearance > "a" { allow }\n  when true { require clearance > "b" }\n}'
    const found = checkPolicyText(text)
    const places = Result.isFailure(found) ? found.failure.problems.map(({ line, column }) => [line, column]) : []
    assert.deepStrictEqual(places, [
      [2, 20],
      [3, 35]
    ])
  })

  /** Denials that may be one of what no policy may take away. */
  const lockouts = [
    'when true { deny "x" }',
    'when capability == "stop" { deny "x" }',
    'when capability == "motor.stop" { deny "x" }',
    'when capability glob "motor.*" { deny "x" }',
    'when capability glob "mot?r.s*" { deny "x" }',
    'when capability glob "*op" { deny "x" }',
    // For there may be an audit.level.set.
    'when capability glob "*.set" { deny "x" }',
    'when capability glob "*.set" and not capability glob "*.stop" { deny "x" }',
    'when capability matches "^motor" { deny "x" }',
    'when capability in ["led.set", "audit.read"] { deny "x" }',
    'when capability glob "audit*" { deny "x" }',
    'when capability glob "algedonic.*" { deny "x" }',
    'when capability >= "a" { deny "x" }',
    'when not capability == "led.set" { deny "x" }',
    'when capability != "motor.stop" { deny "x" }',
    'when capability glob "motor.*" and capability != "motor.stop" { deny "x" }',
    'when capability glob "motor.*" and fact.temp > 80 { deny "x" }',
    'when exists fact.temp { deny "x" }',
    'when not exists fact.temp { deny "x" }',
    'when clearance < 3 { deny "x" }',
    'when protected == false or capability == "x.drain" { deny "x" }',
    'when capability glob "motor.*" { require fact.temp < 80 }',
    "when true { require not exists fact.busy }",
    "when true { require clearance >= 5 }",
    "when true { require clearance < 4 }",
    'when true { require principal.id == "nobody" }',
    'when true { require scope has "motor" or principal.id == "ada" }',
    'when true { require clearance >= 2 and principal.kind == "user" }',
    'when true { require capability == "led.set" }'
  ]
  for (const inside of lockouts)
    it(`refuses what would lock somebody out: ${inside}`, () => {
      const [problem] = problemsOf(inside)
      assert.strictEqual(problem?.reason, "Contradiction")
      assert.include(problem?.sentence, "add `and protected == false`")
    })

  const harmless = [
    'when protected == false { deny "x" }',
    'when zone inside "ops" and protected == false { deny "x" }',
    'when not protected == true { deny "x" }',
    'when capability == "motor.duty.set" and fact.temp > 80 { deny "x" }',
    'when capability in ["led.set", "motor.duty.set"] { deny "x" }',
    'when capability glob "motor.?et" { deny "x" }',
    'when capability glob "device.r*d" { deny "x" }',
    'when capability glob "*.stop" { allow }',
    'when capability glob "motor.*" { require clearance >= 1; limit 5 per 10s by device; oblige audit }',
    'when true { require scope has "motor" or principal.id == "ada" or clearance == 4 }',
    "when protected == false { require fact.temp < 80 }",
    'when capability glob "*.set" and protected == false { deny "x" }'
  ]
  for (const inside of harmless)
    it(`lets pass what locks nobody out: ${inside}`, () => assert.deepStrictEqual(problemsOf(inside), []))

  it("says how much one policy may say", () => {
    const long = Array.from({ length: 1000 }, (_, index) => `a > ${index}`).join(" or ")
    const rules = Array.from({ length: 4 }, () => `when ${long} { allow }`).join(" ")
    const [problem] = problemsOf(rules)
    assert.strictEqual(problem?.reason, "TooLarge")
    assert.include(problem?.sentence, "at most 10000 operators, terms and statements")
  })
})
