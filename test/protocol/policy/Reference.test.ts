/** The page on policies says nothing that is not so. */
import { readFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import { requests } from "../../../src/protocol/condition/Source.ts"
import {
  duties,
  keysMax,
  nodesMax,
  Policy,
  policyClasses,
  rulesMax,
  Statement,
  statementsMax
} from "../../../src/protocol/policy/Policy.ts"
import { checkPolicyText } from "../../../src/protocol/policy/PolicyCheck.ts"
import { formatPolicy } from "../../../src/protocol/policy/PolicyFormat.ts"
import { policyOfJson } from "../../../src/protocol/policy/PolicyJson.ts"
import { parsePolicy } from "../../../src/protocol/policy/PolicyText.ts"
import { type PolicyRequest, protectedGlobs } from "../../../src/protocol/policy/Request.ts"
import { Limits } from "../../../src/systems/policy/engine/Limits.ts"
import { PolicySet } from "../../../src/systems/policy/engine/PolicySet.ts"

const page = readFileSync(new URL("../../../docs/reference/policies.md", import.meta.url), "utf8")
const blocks = (kind: string): ReadonlyArray<readonly [label: string, text: string]> =>
  [...page.matchAll(new RegExp(`^\`\`\`${kind}(?: (.*))?\\n([\\s\\S]*?)^\`\`\`$`, "gm"))].map(
    ([, label = "", text = ""]) => [label, text]
  )

const request: PolicyRequest = {
  principal: { kind: "user", id: "ada", zones: [], clearance: 0, scopes: [] },
  capability: "motor.duty.set",
  isActuating: true,
  args: {},
  facts: {}
}
const Change = Schema.fromJsonString(Schema.Record(Schema.String, Schema.Json))

describe("the page", () => {
  for (const [label, text] of blocks("policy"))
    it(`shows a policy that is sound, as it is formatted: ${label}`, () => {
      const { policy } = Result.getOrThrow(checkPolicyText(text))
      assert.strictEqual(`${formatPolicy(policy)}\n`, text)
    })

  const rows = [...page.matchAll(/^\| `(.+?)` \| `(\{.*?\})` \| (allow|deny: .*?) \|$/gm)]
  for (const [, rules = "", change = "", decision = ""] of rows)
    it(`says how ${rules} decides ${change}`, () => {
      const policy = Result.getOrThrow(checkPolicyText(`policy p { ${rules} }`))
      const set = new PolicySet([{ vsm: "root", policies: [policy] }], new Limits(), 1)
      const given = { ...request, ...Schema.decodeUnknownSync(Change)(change) }
      const { effect, reason } = set.decide(given, ["root"], 0)
      assert.strictEqual(effect === "allow" ? effect : `${effect}: ${reason}`, decision)
    })
  it("has decisions", () => assert.isAtLeast(rows.length, 9))

  for (const [reason, text] of blocks("error"))
    it(`shows what is refused as ${reason}`, () => {
      const [source = "", ...message] = text.trimEnd().split("\n")
      const found = checkPolicyText(source)
      if (Result.isSuccess(found)) throw new Error("it is not refused")
      assert.strictEqual(found.failure.problems[0].reason, reason)
      assert.strictEqual(found.failure.message, message.join("\n"))
    })

  it("shows the tree", () => {
    const [[, text = ""] = []] = blocks("json")
    const policy = Result.getOrThrow(policyOfJson(JSON.parse(text)))
    assert.deepStrictEqual(Schema.encodeSync(Policy)(policy), JSON.parse(text))
    assert.deepStrictEqual(Result.getOrThrow(parsePolicy(formatPolicy(policy))).policy, policy)
  })

  it("names every class, statement, duty, field and limit", () => {
    for (const name of [...policyClasses, ...duties]) assert.match(page, new RegExp(`\`${name}\`|"${name}"`))
    for (const { fields } of Statement.members) assert.include(page, `"_tag": "${fields._tag.schema.literal}"`)
    for (const path of requests.fields.keys()) assert.include(page, `\`${path}\``)
    assert.strictEqual(keysMax, 4)
    for (const limit of [
      "four at most",
      `${rulesMax} rules`,
      `${statementsMax} statements`,
      nodesMax.toLocaleString("en")
    ])
      assert.include(page, limit)
    for (const glob of protectedGlobs) assert.include(page, `\`${glob.replace(/^\*\.|\.\*$/, "")}\``)
  })
})
