/** Checks what a policy says, and binds it: everything that it must not be is a problem with its place and its reason. */
import { Result } from "effect"
import { bindParsed } from "../condition/Bind.ts"
import type { BoundCondition, BoundPath } from "../condition/Bound.ts"
import type { ConditionTree, FieldPath } from "../condition/Condition.ts"
import {
  type ConditionInvalid,
  type Problem,
  type ProblemReason,
  problemAt,
  soundOr
} from "../condition/ConditionInvalid.ts"
import { format, formatPath } from "../condition/Format.ts"
import { nodesIn } from "../condition/Size.ts"
import { fieldAt, meantNames, requests, resolvePath } from "../condition/Source.ts"
import { isNever } from "../pattern/Never.ts"
import type { BoundPolicy, BoundRule, BoundStatement } from "./BoundPolicy.ts"
import { nodesMax, type Policy, type Rule, type Statement } from "./Policy.ts"
import { formatPolicy, formatStatement } from "./PolicyFormat.ts"
import { type ParsedPolicy, parsePolicy } from "./PolicyText.ts"
import { lockingOut, touched } from "./Protection.ts"

const never: BoundCondition = { _tag: "Always", value: false }

const nodesOf = ({ when, statements }: Rule): number =>
  statements.reduce(
    (sum, each) => sum + 1 + (each._tag === "Require" ? nodesIn(each.condition).nodes : 0),
    nodesIn(when).nodes
  )

class Check {
  readonly problems: Array<Problem> = []
  private readonly parsed: ParsedPolicy

  constructor(parsed: ParsedPolicy) {
    this.parsed = parsed
  }

  whole(): ReadonlyArray<BoundRule> {
    const { policy } = this.parsed
    const nodes = policy.rules.reduce((sum, rule) => sum + nodesOf(rule), 0)
    if (nodes > nodesMax)
      this.report(
        policy.rules[0],
        "TooLarge",
        `a policy has at most ${nodesMax} operators, terms and statements; this one has ${nodes}`
      )
    return policy.rules.map((rule) => this.rule(rule))
  }

  private rule(rule: Rule): BoundRule {
    const when = this.condition(rule.when)
    const bound: BoundRule = {
      when: when ?? never,
      written: format(rule.when),
      statements: rule.statements.map((statement) => this.statement(statement, when))
    }
    const denies = rule.statements.find(({ _tag }) => _tag === "Deny")
    const allows = rule.statements.find(({ _tag }) => _tag === "Allow")
    if (denies !== undefined && allows !== undefined)
      this.report(
        allows,
        "Contradiction",
        "this rule denies what it allows, and a denial outweighs; leave one of them out"
      )
    return bound
  }

  /** A condition that holds of something; nothing where that is a problem. */
  private condition(tree: ConditionTree): BoundCondition | undefined {
    const bound = bindParsed({ text: this.parsed.text, tree, spans: this.parsed.spans }, requests)
    if (Result.isFailure(bound)) {
      this.problems.push(...bound.failure.problems)
      return undefined
    }
    if (tree._tag !== "Always" && isNever(bound.success)) {
      this.report(tree, "NeverMatches", "this never holds, whatever is asked for")
      return undefined
    }
    return bound.success
  }

  private statement(statement: Statement, when: BoundCondition | undefined): BoundStatement {
    const hit = when === undefined ? undefined : touched(when)
    switch (statement._tag) {
      case "Allow":
      case "Oblige":
        return statement
      case "Deny":
        if (hit !== undefined) this.locksOut(statement, hit, "this would deny")
        return statement
      case "Require": {
        const condition = this.condition(statement.condition)
        if (condition !== undefined && hit !== undefined) this.required(statement, condition, hit)
        return { _tag: "Require", condition: condition ?? never, written: format(statement.condition) }
      }
      case "Limit":
        return { ...statement, by: statement.by.map((path) => this.key(path)), written: formatStatement(statement) }
    }
  }

  private required(statement: Statement, condition: BoundCondition, hit: string): void {
    const reason = lockingOut(condition)
    if (reason === "circumstances") this.locksOut(statement, hit, "what depends on more than who asks would deny")
    if (reason === "everybody")
      this.locksOut(statement, hit, "what not everybody of the highest clearance meets would deny")
  }

  private locksOut(statement: Statement, hit: string, what: string): void {
    const sentence = `${what} ${hit}, and no policy may: to stop, to drain, to go to a safe state, audit, signals and policies themselves stay open; add \`and protected == false\` to the condition`
    this.report(statement, "Contradiction", sentence)
  }

  private key(path: FieldPath): BoundPath {
    const resolved = resolvePath(requests, path)
    const field = fieldAt(requests, resolved)
    const written = formatPath(path)
    if (field === undefined)
      this.report(path, "UnknownField", `a ${requests.name} has no field ${written}`, meantNames(requests, written))
    else if (field.type === "list" || field.type === "map")
      this.report(path, "WrongType", "what is counted apart is a text, a number, true or false")
    return resolved
  }

  private report(place: object, reason: ProblemReason, sentence: string, suggestions?: ReadonlyArray<string>): void {
    const at = this.parsed.spans.get(place)?.start ?? 0
    this.problems.push(problemAt(this.parsed.text, at, reason, sentence, suggestions))
  }
}

/** Checks a policy that was read. Fails with all its problems, eight at most. */
export const checkParsed = (parsed: ParsedPolicy): Result.Result<BoundPolicy, ConditionInvalid> => {
  const check = new Check(parsed)
  const rules = check.whole()
  return Result.map(soundOr(check.problems), () => ({ policy: parsed.policy, rules }))
}

/** Reads and checks the text of a policy. */
export const checkPolicyText = (text: string): Result.Result<BoundPolicy, ConditionInvalid> =>
  Result.flatMap(parsePolicy(text), checkParsed)

/** Checks a tree. Its problems are placed in the text that {@link formatPolicy} writes. */
export const checkPolicy = (policy: Policy): Result.Result<BoundPolicy, ConditionInvalid> =>
  checkPolicyText(formatPolicy(policy))
