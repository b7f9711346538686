import { assert, describe, it } from "@effect/vitest"
import type { Mitigation, Subject, Template } from "../../../../src/protocol/vsm/Threat.ts"
import { type Circumstances, type Draft, judge } from "../../../../src/systems/policy/immune/SafetyGate.ts"
import { policyOf } from "../../../../src/systems/policy/immune/Templates.ts"
import { fleet } from "./Wards.ts"

const hour = 3_600_000

const draft = (template: Template, subject: Subject, more: Partial<Draft> = {}): Draft => {
  const ttlMillis = more.ttlMillis ?? 600_000
  const policy = policyOf(template, subject, { name: "immune-root-1", ttlMillis })
  return { template, subject, ttlMillis, ...(policy !== undefined && { policy }), ...more }
}

const done = (template: Template, subject: Subject, zone?: string): Mitigation => ({
  id: `root.${subject.length}`,
  subject,
  template,
  state: "active",
  level: 1,
  signature: "x",
  ...(zone !== undefined && { zone }),
  ttlMillis: 600_000,
  reason: "",
  by: "immune",
  approvals: [],
  needed: 1,
  createdAt: 0,
  until: 600_000,
  ids: []
})

const denying = (
  condition: string,
  statement = 'deny "kept apart"',
  head = "class immune ttl 10min"
): Partial<Draft> => ({
  policy: `policy x ${head} { when ${condition} { ${statement} } }`
})
const eve = 'principal.kind == "user" and principal.id == "eve"'
const open = "and protected == false"

interface Case {
  readonly it: string
  readonly draft: Draft
  readonly circumstances?: Partial<Circumstances>
  /** Nothing where it is safe. */
  readonly rule?: string
  readonly people?: number
}

const forbidden: ReadonlyArray<Case> = [
  { it: "a remedy for somebody else", draft: draft("isolate", "user/eve"), rule: "isolate is no remedy against user" },
  {
    it: "longer than a day",
    draft: draft("bar", "address/10.0.0.7", { ttlMillis: 24 * hour + 1 }),
    rule: "it lasts a second to a day"
  },
  {
    it: "no time at all",
    draft: draft("bar", "address/10.0.0.7", { ttlMillis: Number.NaN }),
    rule: "it lasts a second to a day"
  },
  {
    it: "a text that is no policy",
    draft: draft("deny", "user/eve", { policy: "deny everybody" }),
    rule: "the policy is none"
  },
  {
    it: "somebody else, too",
    draft: draft("deny", "user/eve", denying(`principal.kind == "user" ${open}`)),
    rule: "it touches its subject and nobody else"
  },
  {
    it: "one of two, of whom one is somebody else",
    draft: draft("deny", "user/eve", denying(`(${eve} or principal.id == "ada") ${open}`)),
    rule: "it touches its subject and nobody else"
  },
  {
    it: "a subject that is not the one",
    draft: draft("deny", "user/ada", denying(`${eve} ${open}`)),
    rule: "it touches its subject and nobody else"
  },
  { it: "the right to stop", draft: draft("deny", "user/eve", denying(eve)), rule: "to deny" },
  {
    it: "the right to stop, by a limit",
    draft: draft("deny", "user/eve", denying(eve, "limit 1 per 1h by principal.id")),
    rule: "to stop, to drain"
  },
  {
    it: "a gift",
    draft: draft("deny", "user/eve", denying(`${eve} ${open}`, "allow")),
    rule: "it takes away and gives nothing"
  },
  {
    it: "another class",
    draft: draft("deny", "user/eve", denying(`${eve} ${open}`, 'deny "x"', "class actuating ttl 10min")),
    rule: "the policy is of class immune"
  },
  {
    it: "a policy that stays",
    draft: draft("deny", "user/eve", denying(`${eve} ${open}`, 'deny "x"', "class immune")),
    rule: "the policy ends with the mitigation"
  },
  {
    it: "a policy that stays longer",
    draft: draft("deny", "user/eve", denying(`${eve} ${open}`, 'deny "x"', "class immune ttl 1h")),
    rule: "the policy ends with the mitigation"
  },
  {
    it: "the last account with all rights",
    draft: draft("deny", "user/ada"),
    circumstances: { fleet: { ...fleet, keepers: ["ada"] } },
    rule: "somebody with all rights must be left"
  },
  {
    it: "the last one that is left of two",
    draft: draft("revoke", "user/ada"),
    circumstances: { active: [done("revoke", "user/local")] },
    rule: "somebody with all rights must be left"
  },
  {
    it: "more than half of the accounts",
    draft: draft("revoke", "user/ada"),
    circumstances: { active: [done("revoke", "user/eve"), done("deny", "user/bob")] },
    rule: "half of the accounts must be left"
  },
  {
    it: "more than half of a zone",
    draft: draft("isolate", "device/a", { zone: "hall" }),
    circumstances: { fleet: { ...fleet, byZone: { hall: 2 } }, active: [done("isolate", "device/b", "hall.line1")] },
    rule: "half of zone hall must be left"
  },
  {
    it: "what is done already",
    draft: draft("throttle", "user/eve"),
    circumstances: { active: [done("deny", "user/eve")] },
    rule: "is done against it already"
  },
  {
    it: "to throttle the last account with all rights",
    draft: draft("throttle", "user/ada"),
    circumstances: { fleet: { ...fleet, keepers: ["ada"] } },
    rule: "somebody with all rights must be left"
  }
]

const asking: ReadonlyArray<Case> = [
  {
    it: "longer than an hour",
    draft: draft("bar", "address/10.0.0.7", { ttlMillis: hour + 1 }),
    rule: "it lasts longer than an hour",
    people: 2
  },
  {
    it: "an address of others",
    draft: draft("bar", "address/10.0.0.7"),
    circumstances: { others: 1 },
    rule: "others come in from the same address"
  },
  {
    it: "more than a tenth of the fleet",
    draft: draft("isolate", "device/a"),
    circumstances: { fleet: { ...fleet, devices: 9 } },
    rule: "more than a tenth of the fleet"
  },
  {
    it: "more than a tenth of a zone",
    draft: draft("isolate", "device/a", { zone: "hall" }),
    circumstances: { active: [done("isolate", "device/b", "hall"), done("isolate", "device/c", "hall")] },
    rule: "more than a tenth of zone hall"
  },
  {
    it: "a device of a zone that nobody has counted",
    draft: draft("isolate", "device/a", { zone: "nowhere" }),
    rule: "more than a tenth of zone nowhere"
  },
  {
    it: "one more of very many addresses",
    draft: draft("bar", "address/10.0.0.7"),
    circumstances: { active: Array.from({ length: 256 }, (_, at) => done("bar", `address/10.1.0.${at}`)) },
    rule: "256 addresses are barred"
  }
]

const safe: ReadonlyArray<Case> = [
  { it: "a stranger's address", draft: draft("bar", "address/10.0.0.7") },
  { it: "one device of many", draft: draft("isolate", "device/a", { zone: "hall" }) },
  { it: "an account of several", draft: draft("deny", "user/eve") },
  {
    it: "more against somebody",
    draft: draft("deny", "user/eve"),
    circumstances: { active: [done("throttle", "user/eve")] }
  },
  { it: "a name that quotes", draft: draft("throttle", 'user/" or true or principal.id == "') }
]

const judged = ({ draft: given, circumstances }: Case) =>
  judge(given, { fleet, active: [], others: 0, ...circumstances })

describe("the safety gate", () => {
  it.each(forbidden)("forbids $it", (each) => {
    const judgement = judged(each)
    assert.strictEqual(judgement._tag, "Forbidden")
    if (judgement._tag === "Forbidden" && each.rule !== "to deny") assert.include(judgement.rule, each.rule ?? "")
  })

  it.each(asking)("asks a person for $it", (each) => {
    const judgement = judged(each)
    assert.deepInclude(judgement, { _tag: "Ask", people: each.people ?? 1 })
    if (judgement._tag === "Ask") assert.include(judgement.rule, each.rule ?? "")
  })

  it.each(safe)("lets pass $it", (each) => {
    assert.deepStrictEqual(judged(each), { _tag: "Safe" })
  })
})
