/** The short JSON form of a condition, a list of `{ field, operator, value }` that must all hold, as a tree. */
import { Result, Schema } from "effect"
import {
  bitMax,
  type Comparison,
  type ConditionTree,
  type FieldPath,
  isConditionText,
  itemsMax,
  type Term
} from "./Condition.ts"
import { plainGlob } from "./Pattern.ts"
import { tokensOf } from "./Token.ts"

const comparison: Readonly<Record<string, Comparison>> = { lt: "<", lte: "<=", eq: "==", neq: "!=", gte: ">=", gt: ">" }

const Value = Schema.Union([Schema.Finite, Schema.String, Schema.Boolean])
type Value = typeof Value.Type

/** One test: `range` and `between`, which are one, take the two ends, `in` a list, `exists` and `not_exists` no value. */
export const ConditionItem = Schema.Struct({
  field: Schema.String,
  operator: Schema.Literals([
    "lt",
    "lte",
    "eq",
    "neq",
    "gte",
    "gt",
    "exists",
    "not_exists",
    "in",
    "range",
    "between",
    "contains",
    "has",
    "glob",
    "regex",
    "prefix",
    "suffix",
    "inside",
    "bit"
  ]),
  value: Schema.optionalKey(Schema.Union([Value, Schema.Array(Value)]))
})
export type ConditionItem = typeof ConditionItem.Type

/** All of them must hold; an empty list holds always. */
export const ConditionList = Schema.Array(ConditionItem).check(Schema.isMaxLength(itemsMax))
export type ConditionList = typeof ConditionList.Type

const isValues = (value: ConditionItem["value"]): value is ReadonlyArray<Value> => Array.isArray(value)

const literal = (value: Value): Term => {
  if (typeof value === "number") return { _tag: "Number", value: value === 0 ? 0 : value }
  return typeof value === "string" ? { _tag: "Text", value } : { _tag: "Boolean", value }
}

/** The names in the text of a field; nothing where it is none. */
export const pathOf = (field: string): FieldPath | undefined => {
  const tokens = tokensOf(field)
  const [token, end] = Result.isSuccess(tokens) ? tokens.success : []
  if (token?.kind !== "path" || end?.kind !== "end") return undefined
  const [first, ...rest] = token.segments
  return first === undefined ? undefined : [first, ...rest]
}

const testOf = ({ field, operator, value }: ConditionItem): Result.Result<ConditionTree, string> => {
  const refuse = (what: string) => Result.fail(`${field} ${operator}: ${what}`)
  const path = pathOf(field)
  if (path === undefined)
    return refuse("this is no name of a field; write it as in reported.temp, with backticks around odd names")
  const term: Term = { _tag: "Field", path }
  for (const text of isValues(value) ? value : [value])
    if (typeof text === "string" && !isConditionText(text)) return refuse("the value is a text that no twin could hold")
  if (operator === "exists" || operator === "not_exists") {
    if (value !== undefined && value !== true) return refuse("it takes no value")
    const exists: ConditionTree = { _tag: "Exists", path }
    return Result.succeed(operator === "exists" ? exists : { _tag: "Not", of: exists })
  }
  if (operator === "in" || operator === "range" || operator === "between") {
    const [first, second, ...rest] = isValues(value) ? value : []
    if (first === undefined) return refuse("the value should be a list")
    if (operator === "in") {
      const others = second === undefined ? [] : [second, ...rest]
      return Result.succeed({ _tag: "Among", term, items: [literal(first), ...others.map(literal)] })
    }
    if (second === undefined || rest.length > 0) return refuse("the value should be a list of the two ends")
    return Result.succeed({ _tag: "Within", term, low: literal(first), high: literal(second) })
  }
  if (value === undefined || isValues(value)) return refuse("the value should be a number, a text, true or false")
  const compared = comparison[operator]
  if (compared !== undefined)
    return Result.succeed({ _tag: "Compare", operator: compared, left: term, right: literal(value) })
  if (operator === "has") return Result.succeed({ _tag: "Has", path, item: literal(value) })
  if (operator === "bit") {
    const isBit = typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= bitMax
    if (!isBit) return refuse(`the value should be the number of a bit, from 0 to ${bitMax}`)
    return Result.succeed({ _tag: "Bit", term, bit: value })
  }
  if (typeof value !== "string") return refuse("the value should be a text")
  if (operator === "inside") return Result.succeed({ _tag: "Inside", term, zone: { _tag: "Text", value } })
  if (operator === "contains") return Result.succeed({ _tag: "Contains", term, part: { _tag: "Text", value } })
  const [kind, text] =
    operator === "regex"
      ? (["matches", value] as const)
      : ([
          "glob",
          operator === "glob" ? value : operator === "prefix" ? `${plainGlob(value)}*` : `*${plainGlob(value)}`
        ] as const)
  return Result.succeed({ _tag: "Matches", operator: kind, term, pattern: { _tag: "Text", value: text } })
}

/** The tree of a list. Fails with a sentence that names the test that cannot be. */
export const treeOfList = (list: ConditionList): Result.Result<ConditionTree, string> =>
  Result.map(Result.all(list.map(testOf)), ([first, second, ...rest]): ConditionTree => {
    if (first === undefined) return { _tag: "Always", value: true }
    return second === undefined ? first : { _tag: "All", of: [first, second, ...rest] }
  })
