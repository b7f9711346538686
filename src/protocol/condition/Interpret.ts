/**
 * What a condition means, one step at a time and without haste: the measure that every compiler is held against.
 *
 * A comparison needs two values of one type. A field that is absent or of another type, arithmetic on one, a division by
 * zero and a result that is not finite are missing, and a test of what is missing does not hold. `not` turns that around.
 */
import type { BoundCondition, BoundTerm } from "./Bound.ts"
import type { Comparison } from "./Condition.ts"
import type { Pattern, Shape } from "./TextShape.ts"
import { compareTexts, valueAt } from "./Values.ts"

/** The result of an operator on two numbers; nothing where it is not finite. */
export const calculate = (operator: "+" | "-" | "*" | "/", left: number, right: number): number | undefined => {
  const result = {
    "+": () => left + right,
    "-": () => left - right,
    "*": () => left * right,
    "/": () => (right === 0 ? Number.NaN : left / right)
  }[operator]()
  return Number.isFinite(result) ? result : undefined
}

/** The value of a term; undefined where it is missing. */
export const evaluate = (term: BoundTerm, document: unknown): unknown => {
  if (term._tag === "Field") return valueAt(document, term.path)
  if (term._tag !== "Arithmetic") return term.value
  const left = evaluate(term.left, document)
  const right = evaluate(term.right, document)
  return typeof left === "number" && typeof right === "number" ? calculate(term.operator, left, right) : undefined
}

/** Negative, zero or positive; nothing where two values have no order. */
const orderOf = (left: unknown, right: unknown): number | undefined => {
  if (typeof left === "number" && typeof right === "number") return left < right ? -1 : left > right ? 1 : 0
  return typeof left === "string" && typeof right === "string" ? compareTexts(left, right) : undefined
}

/** Whether two values are equal; nothing where they are of different types, or of one that is not compared. */
const areEqual = (left: unknown, right: unknown): boolean | undefined => {
  if (typeof left === "boolean" && typeof right === "boolean") return left === right
  const order = orderOf(left, right)
  return order === undefined ? undefined : order === 0
}

const holds = (operator: Comparison, left: unknown, right: unknown): boolean => {
  if (operator === "==") return areEqual(left, right) === true
  if (operator === "!=") return areEqual(left, right) === false
  const order = orderOf(left, right)
  if (order === undefined) return false
  if (operator === "<") return order < 0
  if (operator === "<=") return order <= 0
  return operator === ">" ? order > 0 : order >= 0
}

/** Where in the text a shape may end when it starts at one of these places. */
const endsOf = (shape: Shape, text: ReadonlyArray<number>, starts: ReadonlySet<number>): ReadonlySet<number> => {
  switch (shape.is) {
    case "character": {
      const fits = (point: number) => shape.ranges.some(([low, high]) => low <= point && point <= high)
      return new Set([...starts].filter((at) => fits(text[at] ?? -1)).map((at) => at + 1))
    }
    case "sequence":
      return shape.of.reduce((reached, each) => endsOf(each, text, reached), starts)
    case "choice":
      return new Set(shape.of.flatMap((each) => [...endsOf(each, text, starts)]))
    case "repeat": {
      let reached = starts
      for (let time = 0; time < shape.minimum; time++) reached = endsOf(shape.of, text, reached)
      const all = new Set(reached)
      for (let time = shape.minimum; time < (shape.maximum ?? Number.POSITIVE_INFINITY); time++) {
        const before = all.size
        reached = endsOf(shape.of, text, reached)
        for (const at of reached) all.add(at)
        // All further rounds start where one was before.
        if (all.size === before) break
      }
      return all
    }
  }
}

const matches = (pattern: Pattern, text: string): boolean => {
  const points = [...text].map((character) => character.codePointAt(0) ?? 0)
  const everywhere = new Set(Array.from({ length: points.length + 1 }, (_, at) => at))
  return pattern.some(({ shape, isAtStart, isAtEnd }) => {
    const ends = endsOf(shape, points, isAtStart ? new Set([0]) : everywhere)
    return isAtEnd ? ends.has(points.length) : ends.size > 0
  })
}

/** Whether a bound condition holds for a document. */
export const interpret = (condition: BoundCondition, document: unknown): boolean => {
  switch (condition._tag) {
    case "Always":
      return condition.value
    case "Compare":
      return holds(condition.operator, evaluate(condition.left, document), evaluate(condition.right, document))
    case "Among": {
      const value = evaluate(condition.term, document)
      return condition.items.some((item) => holds("==", value, evaluate(item, document)))
    }
    case "Within": {
      const value = evaluate(condition.term, document)
      return (
        holds(">=", value, evaluate(condition.low, document)) && holds("<=", value, evaluate(condition.high, document))
      )
    }
    case "Exists":
      return valueAt(document, condition.path) !== undefined
    case "Matches": {
      const value = evaluate(condition.term, document)
      return typeof value === "string" && matches(condition.pattern, value)
    }
    case "Contains": {
      const value = evaluate(condition.term, document)
      const part = evaluate(condition.part, document)
      return typeof value === "string" && typeof part === "string" && value.includes(part)
    }
    case "Bit": {
      const value = evaluate(condition.term, document)
      if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 0) return false
      return (BigInt(value) >> BigInt(condition.bit)) % 2n === 1n
    }
    case "Has": {
      const list = valueAt(document, condition.path)
      const item = evaluate(condition.item, document)
      return Array.isArray(list) && list.some((element) => holds("==", finite(element), item))
    }
    case "Not":
      return !interpret(condition.of, document)
    case "All":
      return condition.of.every((each) => interpret(each, document))
    case "Any":
      return condition.of.some((each) => interpret(each, document))
  }
}

const finite = (value: unknown): unknown => (typeof value === "number" && !Number.isFinite(value) ? undefined : value)
