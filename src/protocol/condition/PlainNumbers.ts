/** Puts numbers without units into conditions, so that what is kept of them means the same wherever it is read. */
import { Result } from "effect"
import { bindParsed } from "./Bind.ts"
import type { BoundCondition } from "./Bound.ts"
import type { Parameters } from "./Checks.ts"
import type { NumberTerm } from "./Condition.ts"
import type { ConditionInvalid } from "./ConditionInvalid.ts"
import { format } from "./Format.ts"
import { parse } from "./Parse.ts"
import type { Source } from "./Source.ts"
import type { Span } from "./Span.ts"

const rewritten = (value: unknown, plain: ReadonlyMap<object, number>, spans: Map<object, Span>): unknown => {
  if (typeof value !== "object" || value === null) return value
  const number = plain.get(value)
  const made = number === undefined ? copied(value, plain, spans) : { _tag: "Number", value: number }
  const span = spans.get(value)
  if (made !== value && span !== undefined) spans.set(made, span)
  return made
}

/** The same object where nothing in it becomes another. */
const copied = (value: object, plain: ReadonlyMap<object, number>, spans: Map<object, Span>): object => {
  const before = Object.entries(value)
  const after = before.map(([key, each]) => [key, rewritten(each, plain, spans)] as const)
  if (after.every(([, each], index) => each === before[index]?.[1])) return value
  return Array.isArray(value) ? after.map(([, each]) => each) : Object.fromEntries(after)
}

/** A tree in which these numbers are plain ones. What takes the place of another is placed where that stood. */
export const plainNumbers = <A>(tree: A, plain: ReadonlyMap<object, number>, spans: Map<object, Span>): A =>
  // Only numbers became other numbers.
  rewritten(tree, plain, spans) as A

/** The text of a condition in which no number has a unit that its field declares. Fails where the condition cannot be. */
export const plainText = (text: string, source: Source): Result.Result<string, ConditionInvalid> =>
  Result.flatMap(parse(text), (parsed) => {
    const converted = new Map<object, number>()
    return Result.map(bindParsed(parsed, source, {}, converted), () =>
      converted.size === 0 ? text : format(plainNumbers(parsed.tree, converted, new Map()))
    )
  })

/** Binds for the names in a condition alone, where nobody knows which units fields declare: numbers stand as they are written. */
export const bindWithoutUnits = (
  text: string,
  source: Source,
  parameters: Parameters = {}
): Result.Result<BoundCondition, ConditionInvalid> =>
  Result.flatMap(parse(text), (parsed) => {
    const spans = new Map(parsed.spans)
    const numbers = new Map([...spans.keys()].flatMap((node) => (isNumber(node) ? [[node, node.value] as const] : [])))
    return bindParsed({ ...parsed, tree: plainNumbers(parsed.tree, numbers, spans), spans }, source, parameters)
  })

const isNumber = (node: object): node is typeof NumberTerm.Type => "_tag" in node && node._tag === "Number"

/** Whether any number in it has a unit. */
export const hasUnits = (value: unknown): boolean =>
  typeof value === "object" &&
  value !== null &&
  (isNumber(value) ? value.unit !== undefined : Object.values(value).some(hasUnits))
