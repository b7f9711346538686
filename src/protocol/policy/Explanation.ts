/** Why policies decide a request as they do: each rule that concerns it, what of its condition holds, and what would change it. */
import { Schema } from "effect"
import { interpret } from "../condition/Interpret.ts"
import type { BoundPolicy, BoundRule, BoundStatement } from "./BoundPolicy.ts"
import { Decision, type Level } from "./Decision.ts"
import { interpretPolicies, isConcerned, type WaitFor } from "./Interpret.ts"
import { formatStatement } from "./PolicyFormat.ts"
import { isProtected, type PolicyRequest, requestDocument } from "./Request.ts"
import { ExplainedTest, type Turn, Turned, testsOf, waysTo } from "./Tests.ts"
import { verdictOf } from "./Verdict.ts"

/** What a statement did. `missed`: its rule does not hold. */
const Outcome = Schema.Literals(["denied", "unmet", "met", "exceeded", "within", "allowed", "obliged", "missed"])
type Outcome = typeof Outcome.Type

/** A rule of a policy that concerns the request. */
export const ExplainedRule = Schema.Struct({
  vsm: Schema.String,
  policy: Schema.String,
  /** From 1, as they stand in the policy. */
  rule: Schema.Int,
  when: Schema.String,
  verdict: Schema.Literals(["holds", "fails", "unclear"]),
  tests: Schema.Array(ExplainedTest),
  statements: Schema.Array(Schema.Struct({ statement: Schema.String, outcome: Outcome }))
})
export type ExplainedRule = typeof ExplainedRule.Type

/** What stands against the request, and what would lift it: one of these ways, each with all of its tests. */
export const Obstacle = Schema.Struct({
  /** Absent where a VSM has rules that allow, and none of them does. */
  policy: Schema.optionalKey(Schema.String),
  vsm: Schema.String,
  sentence: Schema.String,
  /** With the fewest tests first, four at most. */
  ways: Schema.Array(Schema.Array(Turned)),
  /** A limit has room again after so long. */
  waitMillis: Schema.optionalKey(Schema.Finite)
})
export type Obstacle = typeof Obstacle.Type

/** An explanation. All obstacles must be lifted before the request is let through; there are none where it is. */
export const Explanation = Schema.Struct({
  decision: Decision,
  rules: Schema.Array(ExplainedRule),
  obstacles: Schema.Array(Obstacle)
})
export type Explanation = typeof Explanation.Type

/** Ways that are told of one obstacle. */
const waysMax = 4

interface Place {
  readonly vsm: string
  readonly bound: BoundPolicy
  readonly index: number
  readonly rule: BoundRule
}

const fewest = (ways: ReadonlyArray<Turn>): Array<Turn> =>
  ways.toSorted((one, other) => one.length - other.length).slice(0, waysMax)

class Explaining {
  readonly rules: Array<ExplainedRule> = []
  readonly obstacles: Array<Obstacle> = []
  private readonly request: PolicyRequest
  private readonly document: unknown
  private readonly waitFor: WaitFor

  constructor(request: PolicyRequest, waitFor: WaitFor) {
    this.request = request
    this.document = requestDocument(request)
    this.waitFor = waitFor
  }

  level({ vsm, policies }: Level<BoundPolicy>): { readonly asks: boolean; readonly allows: boolean } {
    let [asks, allows] = [false, false]
    /** How each rule that could allow would. */
    const missed: Array<Turn> = []
    for (const bound of policies) {
      bound.rules.forEach((rule, index) => {
        const isAllowing = rule.statements.some(({ _tag }) => _tag === "Allow")
        if (isAllowing) asks = true
        if (!isConcerned(bound, this.request.zone)) return
        const holds = this.rule({ vsm, bound, index, rule })
        if (!isAllowing) return
        if (holds) allows = true
        else missed.push(...waysTo(true, this.when({ vsm, bound, index, rule }), this.document))
      })
    }
    if (asks && !allows && !isProtected(this.request.capability))
      this.obstacles.push({
        vsm,
        sentence: `of the policies of ${vsm}, some allow what they name, and none allows this`,
        ways: fewest(missed)
      })
    return { asks, allows }
  }

  private when({ bound, index }: Place) {
    const found = bound.policy.rules[index]
    if (found === undefined) throw new Error("a bound policy has the rules of its policy")
    return found.when
  }

  private rule(place: Place): boolean {
    const { vsm, bound, index, rule } = place
    const holds = interpret(rule.when, this.document)
    const isUnclear = !holds && verdictOf(rule.when, this.document) === "unknown"
    this.rules.push({
      vsm,
      policy: bound.policy.name,
      rule: index + 1,
      when: rule.written,
      verdict: holds ? "holds" : isUnclear ? "unclear" : "fails",
      tests: testsOf(this.when(place), this.document),
      statements: rule.statements.map((statement, at) => ({
        statement: this.written(place, at),
        outcome: this.outcome(place, at, statement, holds, isUnclear)
      }))
    })
    return holds
  }

  private written({ bound, index }: Place, at: number): string {
    const statement = bound.policy.rules[index]?.statements[at]
    return statement === undefined ? "" : formatStatement(statement)
  }

  private outcome(place: Place, at: number, statement: BoundStatement, holds: boolean, isUnclear: boolean): Outcome {
    if (statement._tag === "Deny") return this.denial(place, statement.reason, holds, isUnclear)
    if (!holds) return "missed"
    switch (statement._tag) {
      case "Allow":
        return "allowed"
      case "Oblige":
        return "obliged"
      case "Require":
        return this.requirement(place, at, statement)
      case "Limit":
        return this.limit(place, statement)
    }
  }

  private denial(place: Place, reason: string, holds: boolean, isUnclear: boolean): Outcome {
    if (!holds && !(isUnclear && this.request.isActuating)) return "missed"
    const { vsm, bound } = place
    const { name: policy } = bound.policy
    const hint = holds ? "" : ", for it cannot be judged"
    this.obstacles.push({
      policy,
      vsm,
      sentence: `${policy} denies this${hint}: ${reason}`,
      ways: fewest(waysTo(false, this.when(place), this.document))
    })
    return "denied"
  }

  private requirement(
    { vsm, bound, index }: Place,
    at: number,
    { condition, written }: Extract<BoundStatement, { readonly _tag: "Require" }>
  ): Outcome {
    if (interpret(condition, this.document)) return "met"
    const { name: policy, rules } = bound.policy
    const required = rules[index]?.statements[at]
    const ways = required?._tag === "Require" ? fewest(waysTo(true, required.condition, this.document)) : []
    this.obstacles.push({ policy, vsm, sentence: `${policy} requires ${written}`, ways })
    return "unmet"
  }

  private limit({ vsm, bound, index }: Place, statement: Extract<BoundStatement, { readonly _tag: "Limit" }>): Outcome {
    if (isProtected(this.request.capability)) return "within"
    const waitMillis = this.waitFor({ vsm, bound, rule: index, statement, document: this.document })
    if (waitMillis <= 0) return "within"
    const { name: policy } = bound.policy
    const isCounted = Number.isFinite(waitMillis)
    const why = isCounted ? "is reached" : "cannot be counted, for a field is missing"
    const sentence = `${policy}: ${statement.written} ${why}`
    this.obstacles.push({ policy, vsm, sentence, ways: [], ...(isCounted && { waitMillis }) })
    return "exceeded"
  }
}

/** Explains what these levels, from the root down, decide of a request. Nothing is counted. */
export const explain = (
  levels: ReadonlyArray<Level<BoundPolicy>>,
  request: PolicyRequest,
  waitFor: WaitFor,
  epoch: number
): Explanation => {
  const explaining = new Explaining(request, waitFor)
  const all = levels.map((level) => explaining.level(level))
  if (!all.some(({ asks, allows }) => asks || allows) && !isProtected(request.capability))
    explaining.obstacles.push({
      vsm: levels[0]?.vsm ?? "",
      sentence: `no policy allows anything, so that ${request.capability} is not allowed either`,
      ways: []
    })
  return {
    decision: interpretPolicies(levels, request, waitFor, epoch),
    rules: explaining.rules,
    obstacles: explaining.obstacles
  }
}
