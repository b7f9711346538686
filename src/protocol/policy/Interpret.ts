/**
 * What policies mean, one rule after the other and without haste: the measure that the compiled engine is held against.
 *
 * Every rule that holds of the request counts, of every active policy whose zone has the request's zone in it. One denial is
 * enough to deny, and so is a requirement that is not met or a limit that is reached; else somebody must have allowed it. A
 * denial that cannot be judged, because something it asks for is missing, denies what is actuating.
 */
import { interpret } from "../condition/Interpret.ts"
import { contains } from "../Zone.ts"
import type { BoundPolicy, BoundStatement } from "./BoundPolicy.ts"
import { type Decision, decisionOf, type Finding, type Level } from "./Decision.ts"
import { isProtected, type PolicyRequest, requestDocument } from "./Request.ts"
import { verdictOf } from "./Verdict.ts"

/** A limit that a request meets. */
export interface MetLimit {
  readonly vsm: string
  readonly bound: BoundPolicy
  /** The place of its rule in the policy. */
  readonly rule: number
  readonly statement: Extract<BoundStatement, { readonly _tag: "Limit" }>
  readonly document: unknown
}
/** After how many ms a limit has room for one more: 0 where it has, infinite where it cannot count. */
export type WaitFor = (limit: MetLimit) => number

/** Whether a policy speaks of a request in this zone. */
export const isConcerned = ({ policy }: BoundPolicy, zone: string | undefined): boolean =>
  policy.zone === undefined || (zone !== undefined && contains(policy.zone, zone))

/** What the levels decide together: none widens what the one before it leaves. */
export const interpretPolicies = (
  levels: ReadonlyArray<Level<BoundPolicy>>,
  request: PolicyRequest,
  waitFor: WaitFor,
  epoch: number
): Decision => {
  const document = requestDocument(request)
  const isOpen = isProtected(request.capability)
  const findings: Array<Finding> = []
  let order = 0
  let isAllowed = false
  let isSilent = false
  for (const { vsm, policies } of levels) {
    let asks = false
    let isAllowedHere = false
    for (const bound of policies) {
      const { name: policy, priority } = bound.policy
      for (const [rule, { when, written, statements }] of bound.rules.entries()) {
        const place = { policy, priority, order: order++ }
        if (statements.some(({ _tag }) => _tag === "Allow")) asks = true
        if (!isConcerned(bound, request.zone)) continue
        const holds = interpret(when, document)
        const isUnclear = request.isActuating && !holds && verdictOf(when, document) === "unknown"
        for (const statement of statements) {
          if (isUnclear && statement._tag === "Deny") findings.push({ ...place, is: "unclear", statement, written })
          if (!holds) continue
          if (statement._tag === "Deny") findings.push({ ...place, is: "denied", statement })
          if (statement._tag === "Oblige") findings.push({ ...place, is: "obliged", statement })
          if (statement._tag === "Require" && !interpret(statement.condition, document))
            findings.push({ ...place, is: "unmet", statement })
          if (statement._tag === "Limit" && !isOpen) {
            const waitMillis = waitFor({ vsm, bound, rule, statement, document })
            if (waitMillis > 0) findings.push({ ...place, is: "exceeded", statement, waitMillis })
          }
          if (statement._tag !== "Allow") continue
          findings.push({ ...place, is: "allowed" })
          isAllowedHere = true
        }
      }
    }
    if (asks && !isAllowedHere) isSilent = true
    if (isAllowedHere) isAllowed = true
  }
  return decisionOf(findings, !isOpen && (isSilent || !isAllowed), request.capability, epoch)
}
