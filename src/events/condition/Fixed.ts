/**
 * The tests that are asked most, a field against a fixed value, found in a condition: whoever compiles it decides several of
 * them at once.
 */
import type { BoundCondition, BoundPath } from "../../protocol/condition/Bound.ts"
import type { Comparison } from "../../protocol/condition/Condition.ts"
import { type Interval, intervalOf } from "./Interval.ts"
import { unique } from "./Unique.ts"

const turned: Readonly<Record<Comparison, Comparison>> = {
  "<": ">",
  "<=": ">=",
  "==": "==",
  "!=": "!=",
  ">=": "<=",
  ">": "<"
}

/** A number in a fixed interval: most of what is ever asked. */
export const fixedInterval = (
  condition: BoundCondition
): { readonly path: BoundPath; readonly interval: Interval } | undefined => {
  if (condition._tag === "Within") {
    const { term, low, high } = condition
    if (term._tag !== "Field" || low._tag !== "Number" || high._tag !== "Number") return undefined
    return { path: term.path, interval: [low.value, high.value] }
  }
  if (condition._tag !== "Compare") return undefined
  const { left, right, operator } = condition
  if (left._tag === "Field" && right._tag === "Number") {
    const interval = intervalOf(operator, right.value)
    return interval === undefined ? undefined : { path: left.path, interval }
  }
  if (left._tag !== "Number" || right._tag !== "Field") return undefined
  const interval = intervalOf(turned[operator], left.value)
  return interval === undefined ? undefined : { path: right.path, interval }
}

/** A field that is, or is not, a fixed text or boolean. */
export const fixedValue = (
  condition: BoundCondition
): { readonly path: BoundPath; readonly value: string | boolean; readonly isDenied: boolean } | undefined => {
  if (condition._tag !== "Compare" || (condition.operator !== "==" && condition.operator !== "!=")) return undefined
  const [field, literal] =
    condition.left._tag === "Field" ? [condition.left, condition.right] : [condition.right, condition.left]
  if (field._tag !== "Field" || (literal._tag !== "Text" && literal._tag !== "Boolean")) return undefined
  const value = literal._tag === "Text" ? unique(literal.value) : literal.value
  return { path: field.path, value, isDenied: condition.operator === "!=" }
}

/** A number in an interval; `at` says where it stands. */
export interface Within<At> {
  readonly at: At
  readonly low: number
  readonly high: number
}

/** A text that is the same as a fixed one, or, where that is not wanted, is not, or no text. */
export interface Same<At> {
  readonly at: At
  readonly text: string
  readonly isWanted: boolean
}

/** Tests that must all hold, by how they are decided. The order of tests without effects is free. */
export interface Sorted<At> {
  readonly within: ReadonlyArray<Within<At>>
  readonly same: ReadonlyArray<Same<At>>
  /** Numbers that must not be in an interval; what is no number is not. */
  readonly outside: ReadonlyArray<Within<At>>
}

/** The parts of a conjunction, those of inner ones and of denied alternatives among them. */
const conjuncts = (condition: BoundCondition): ReadonlyArray<BoundCondition> => {
  if (condition._tag === "All") return condition.of.flatMap(conjuncts)
  if (condition._tag !== "Not") return [condition]
  const { of } = condition
  if (of._tag === "Not") return conjuncts(of.of)
  return of._tag === "Any" ? of.of.flatMap((each) => conjuncts({ _tag: "Not", of: each })) : [condition]
}

/** A condition as tests of fixed values, and what else must hold. */
export const sorted = (
  condition: BoundCondition
): Sorted<BoundPath> & { readonly others: ReadonlyArray<BoundCondition> } => {
  const within: Array<Within<BoundPath>> = []
  const same: Array<Same<BoundPath>> = []
  const outside: Array<Within<BoundPath>> = []
  const others: Array<BoundCondition> = []
  for (const each of conjuncts(condition)) {
    const isWanted = each._tag !== "Not"
    const test = each._tag === "Not" ? each.of : each
    const number = fixedInterval(test)
    const fixed = fixedValue(test)
    if (number !== undefined) {
      const [low, high] = number.interval
      const list = isWanted ? within : outside
      list.push({ at: number.path, low, high })
    } else if (fixed !== undefined && !fixed.isDenied && typeof fixed.value === "string")
      same.push({ at: fixed.path, text: fixed.value, isWanted })
    else others.push(each)
  }
  return { within, same, outside, others }
}
