/** What a change of the policies would have done to acts that were done before it. Times are ms since 1970. */
import { Schema } from "effect"

const count = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))

/** Acts of one kind that would be decided otherwise, for one reason. */
export const ChangedActs = Schema.Struct({
  capability: Schema.String,
  zone: Schema.optionalKey(Schema.String),
  /** What would be decided now. */
  effect: Schema.Literals(["allow", "deny"]),
  reason: Schema.String,
  policies: Schema.Array(Schema.String),
  count,
  /** Who asked, three at most. */
  principals: Schema.Array(Schema.String)
})
export type ChangedActs = typeof ChangedActs.Type

/** All that would be otherwise. */
export const Impact = Schema.Struct({
  acts: count,
  newlyDenied: count,
  newlyAllowed: count,
  /** The most frequent first, twenty at most. */
  changed: Schema.Array(ChangedActs)
})
export type Impact = typeof Impact.Type

/** An impact, and of which time: of more acts than are looked at only the newest are. */
export const ImpactReport = Schema.Struct({ ...Impact.fields, from: Schema.Finite, to: Schema.Finite })
export type ImpactReport = typeof ImpactReport.Type
