/** What policies decide of a request, and how it follows from what their rules say. */
import { Schema } from "effect"
import type { BoundStatement } from "./BoundPolicy.ts"
import { duties } from "./Policy.ts"

/** A duty of who is let through. */
export const Obligation = Schema.Struct({
  policy: Schema.String,
  duty: Schema.Literals(duties),
  detail: Schema.optionalKey(Schema.String)
})
export type Obligation = typeof Obligation.Type

/** What is decided. All of it was decided by the policies of one epoch. */
export const Decision = Schema.Struct({
  effect: Schema.Literals(["allow", "deny"]),
  /** Those that decided it, the most urgent first. None where it is denied because none allows it. */
  policies: Schema.Array(Schema.String),
  reason: Schema.String,
  /** What would be permitted; empty where nobody has said. */
  guidance: Schema.String,
  obligations: Schema.Array(Obligation),
  epoch: Schema.Int,
  /** Where nothing but limits stands against it: they have room again after so long. */
  waitMillis: Schema.optionalKey(Schema.Finite)
})
export type Decision = typeof Decision.Type

/** The policies of one VSM: those of its ancestors stand before its own. */
export interface Level<Each> {
  readonly vsm: string
  readonly policies: ReadonlyArray<Each>
}

/** Where a rule stands, and what it says. */
interface Saying {
  readonly policy: string
  readonly priority: number
  /** The place among all rules of all levels: of two of one priority the first one is told first. */
  readonly order: number
}

/** What a rule says of a request. */
export type Finding = Saying &
  (
    | { readonly is: "denied"; readonly statement: Extract<BoundStatement, { readonly _tag: "Deny" }> }
    /** It would deny if what is missing was so. */
    | {
        readonly is: "unclear"
        readonly statement: Extract<BoundStatement, { readonly _tag: "Deny" }>
        readonly written: string
      }
    | { readonly is: "unmet"; readonly statement: Extract<BoundStatement, { readonly _tag: "Require" }> }
    | {
        readonly is: "exceeded"
        readonly statement: Extract<BoundStatement, { readonly _tag: "Limit" }>
        readonly waitMillis: number
      }
    | { readonly is: "allowed" }
    | { readonly is: "obliged"; readonly statement: Extract<BoundStatement, { readonly _tag: "Oblige" }> }
  )

/** What weighs most is told first. */
const weights: Readonly<Record<Finding["is"], number>> = {
  denied: 0,
  unclear: 1,
  unmet: 2,
  exceeded: 3,
  allowed: 4,
  obliged: 5
}

const byWeight = (one: Finding, other: Finding): number =>
  weights[one.is] - weights[other.is] || other.priority - one.priority || one.order - other.order

const said = (finding: Finding): { readonly reason: string; readonly guidance: string } => {
  switch (finding.is) {
    case "denied":
      return { reason: finding.statement.reason, guidance: finding.statement.guidance ?? "" }
    case "unclear":
      return {
        reason: `${finding.statement.reason}: whether ${finding.written} cannot be judged, for something it asks for is missing`,
        guidance: finding.statement.guidance ?? ""
      }
    case "unmet":
      return { reason: `${finding.policy} requires ${finding.statement.written}`, guidance: "" }
    case "exceeded":
      return { reason: `${finding.policy}: ${finding.statement.written} is reached`, guidance: "wait, and try again" }
    default:
      return { reason: "", guidance: "" }
  }
}

const namesOf = (findings: ReadonlyArray<Finding>): ReadonlyArray<string> => [
  ...new Set(findings.map(({ policy }) => policy))
]

/**
 * What follows from what was found. `isSilent` says that a level has rules that allow and none of them did, or that no level
 * allowed at all.
 */
export const decisionOf = (
  findings: ReadonlyArray<Finding>,
  isSilent: boolean,
  capability: string,
  epoch: number
): Decision => {
  const sorted = findings.length < 2 ? findings : findings.toSorted(byWeight)
  const [first] = sorted
  if (first !== undefined && weights[first.is] < weights.allowed) {
    const against = sorted.filter(({ is }) => weights[is] < weights.allowed)
    const waits = against.map((finding) => (finding.is === "exceeded" ? finding.waitMillis : 0))
    const waitMillis = first.is === "exceeded" ? Math.max(...waits) : Number.POSITIVE_INFINITY
    const wait = Number.isFinite(waitMillis) ? { waitMillis } : {}
    return { effect: "deny", policies: namesOf(against), ...said(first), obligations: [], epoch, ...wait }
  }
  if (isSilent)
    return {
      effect: "deny",
      policies: [],
      reason: `no policy allows ${capability}`,
      guidance: "",
      obligations: [],
      epoch
    }
  const obligations: Array<Obligation> = []
  const allowing: Array<Finding> = []
  for (const finding of sorted) {
    if (finding.is === "allowed") allowing.push(finding)
    if (finding.is !== "obliged") continue
    const { duty, detail } = finding.statement
    obligations.push({ policy: finding.policy, duty, ...(detail !== undefined && { detail }) })
  }
  return { effect: "allow", policies: namesOf(allowing), reason: "", guidance: "", obligations, epoch }
}
