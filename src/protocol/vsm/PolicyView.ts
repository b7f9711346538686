/** A policy of a VSM as people see it: what it says, how far it has come, and who has approved it. Times are ms since 1970. */
import { Schema } from "effect"
import { ImpactReport } from "../policy/Impact.ts"
import { PolicyClass, PolicyName } from "../policy/Policy.ts"
import { Zone } from "../Zone.ts"

const count = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))
const instant = Schema.Finite

/**
 * `staged` it waits; `canary` it is tried in some zones; `active` in force; `superseded` by a newer version; `rolled_back` taken
 * back for the one before it; `expired` by its ttl; `withdrawn` by somebody.
 */
export const PolicyState = Schema.Literals([
  "staged",
  "canary",
  "active",
  "superseded",
  "rolled_back",
  "expired",
  "withdrawn"
])
export type PolicyState = typeof PolicyState.Type

/** What was decided in a time. */
export const Tally = Schema.Struct({ decisions: count, denials: count, errors: count })
export type Tally = typeof Tally.Type

/** A trial in some zones. */
export const Trial = Schema.Struct({
  zones: Schema.NonEmptyArray(Zone).check(Schema.isMaxLength(16)),
  /** It becomes active then, unless it was taken back before. */
  until: instant,
  /** How long it takes, ms. */
  millis: Schema.Finite,
  /** What was decided by it in these zones. */
  tried: Tally,
  /** What the policies before would have decided of the same. */
  before: Tally,
  /** What was decided everywhere else meanwhile. */
  rest: Tally
})
export type Trial = typeof Trial.Type

/** Somebody agrees to a policy. */
export const Approval = Schema.Struct({ by: Schema.String, at: instant })
export type Approval = typeof Approval.Type

/** A version of a policy. */
export const PolicyView = Schema.Struct({
  name: PolicyName,
  /** Counts the versions of the name. */
  version: count,
  class: PolicyClass,
  zone: Schema.optionalKey(Zone),
  /** As the formatter writes it. */
  source: Schema.String,
  state: PolicyState,
  /** When the state began. */
  since: instant,
  author: Schema.String,
  stagedAt: instant,
  /** How many people must have approved it before it is activated. */
  needs: count,
  approvals: Schema.Array(Approval),
  /** Absent until the stored acts were looked at. */
  impact: Schema.optionalKey(ImpactReport),
  /** The epoch that it came into force with, and since when; absent until all nodes can know of it. */
  epoch: Schema.optionalKey(count),
  from: Schema.optionalKey(instant),
  /** When somebody wants it to be activated. */
  at: Schema.optionalKey(instant),
  /** When its ttl ends it. */
  expiresAt: Schema.optionalKey(instant),
  trial: Schema.optionalKey(Trial),
  /** The publication that makes known that it is in force; absent once all nodes can know. */
  publishing: Schema.optionalKey(count),
  /** Why it is not in force any more. */
  reason: Schema.optionalKey(Schema.String)
})
export type PolicyView = typeof PolicyView.Type
