/** A policy: what may be done in a zone, under which conditions, as data. Its conditions are those of the one condition language. */
import { Schema } from "effect"
import { Condition, FieldPath, isConditionText } from "../condition/Condition.ts"
import { PatternName } from "../pattern/Pattern.ts"
import { Zone } from "../Zone.ts"

/** Rules of one policy, and statements of one rule. */
export const rulesMax = 64
export const statementsMax = 16
/** Operators, terms and statements of one policy together. */
export const nodesMax = 10_000
/** Fields that tell one count of a limit from another. */
export const keysMax = 4
/** How often a limit lets through at most: so many instants are kept for each key. */
export const limitCountMax = 1000
/** The longest time a limit looks back, ms: a day. */
export const limitMillisMax = 86_400_000
/** The longest life of a policy, ms: 366 days. */
export const ttlMillisMax = 31_622_400_000
/** The most urgent policy; its reason is told first. */
export const priorityMax = 100
/** What a policy has that says nothing of its priority. */
export const priorityDefault = 50

/** What a policy is about: it decides who must approve a change of it. */
export const policyClasses = ["access", "rate", "recursion", "actuating", "immune"] as const
export const PolicyClass = Schema.Literals(policyClasses)
export type PolicyClass = typeof PolicyClass.Type

/** What can be made a duty of who is let through. */
export const duties = ["audit"] as const

/** Letters, digits, `.`, `_`, `-`; begins with a letter or digit. One of a VSM has a name once. */
export const PolicyName = PatternName

const Said = Schema.String.check(
  Schema.isMinLength(1),
  Schema.isMaxLength(200),
  Schema.makeFilter((text) => isConditionText(text) || "a text with NUL or half of a surrogate pair")
)
const positive = (maximum: number) => Schema.Int.check(Schema.isBetween({ minimum: 1, maximum }))

/** What a rule says where its condition holds. */
export const Statement = Schema.Union([
  Schema.TaggedStruct("Allow", {}),
  /** Outweighs every allow. `guidance` says what would be permitted. */
  Schema.TaggedStruct("Deny", { reason: Said, guidance: Schema.optionalKey(Said) }),
  /** Denies where this does not hold. */
  Schema.TaggedStruct("Require", { condition: Condition }),
  /** Denies what comes more often than `count` in any `millis`, counted for each value of the keys. */
  Schema.TaggedStruct("Limit", {
    count: positive(limitCountMax),
    millis: positive(limitMillisMax),
    by: Schema.NonEmptyArray(FieldPath).check(Schema.isMaxLength(keysMax))
  }),
  /** What is let through has this duty. */
  Schema.TaggedStruct("Oblige", { duty: Schema.Literals(duties), detail: Schema.optionalKey(Said) })
])
export type Statement = typeof Statement.Type

/** Statements that count where a condition holds. */
export const Rule = Schema.Struct({
  when: Condition,
  statements: Schema.NonEmptyArray(Statement).check(Schema.isMaxLength(statementsMax))
})
export type Rule = typeof Rule.Type

/** A policy. */
export const Policy = Schema.Struct({
  name: PolicyName,
  /** What is in this zone is decided by it; everything where it is absent, also what is in no zone. */
  zone: Schema.optionalKey(Zone),
  class: PolicyClass,
  priority: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: priorityMax })),
  /** It ends by itself so long after its activation. */
  ttlMillis: Schema.optionalKey(positive(ttlMillisMax)),
  rules: Schema.NonEmptyArray(Rule).check(Schema.isMaxLength(rulesMax))
})
export type Policy = typeof Policy.Type
