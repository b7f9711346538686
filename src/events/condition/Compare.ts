/** Compares values of terms, whatever they turn out to be. */
import type { BoundPath, BoundTerm } from "../../protocol/condition/Bound.ts"
import type { Comparison } from "../../protocol/condition/Condition.ts"
import { compareTexts } from "../../protocol/condition/Values.ts"

export type Test<Input> = (input: Input) => boolean
export type Read<Input> = (input: Input) => unknown
/** How a field of the input is read. */
export type ReaderOf<Input> = (path: BoundPath) => Read<Input>

/** What is not finite is missing; no comparison holds for NaN. */
export const finite = (value: unknown): number =>
  typeof value === "number" && value - value === 0 ? value : Number.NaN

const numberOf = <Input>(term: BoundTerm, readerOf: ReaderOf<Input>): ((input: Input) => number) => {
  if (term._tag === "Number") return () => term.value
  if (term._tag === "Arithmetic") {
    const left = numberOf(term.left, readerOf)
    const right = numberOf(term.right, readerOf)
    switch (term.operator) {
      case "+":
        return (input) => finite(left(input) + right(input))
      case "-":
        return (input) => finite(left(input) - right(input))
      case "*":
        return (input) => finite(left(input) * right(input))
      case "/":
        return (input) => finite(left(input) / right(input))
    }
  }
  if (term._tag !== "Field") return () => Number.NaN
  const read = readerOf(term.path)
  return (input) => finite(read(input))
}

/** Reads the value of a term. */
export const termReader = <Input>(term: BoundTerm, readerOf: ReaderOf<Input>): Read<Input> => {
  if (term._tag === "Field") return readerOf(term.path)
  if (term._tag === "Arithmetic") return numberOf(term, readerOf)
  const { value } = term
  return () => value
}

/** Whether the order of two values, or their being unequal, is what an operator asks for. */
const verdicts: Readonly<Record<Comparison, (order: number) => boolean>> = {
  "<": (order) => order < 0,
  "<=": (order) => order <= 0,
  "==": (order) => order === 0,
  "!=": (order) => order < 0 || order > 0,
  ">=": (order) => order >= 0,
  ">": (order) => order > 0
}

/** Negative, zero or positive; NaN where two values are not compared. */
const orderOf = (left: unknown, right: unknown): number => {
  if (typeof left === "number" && typeof right === "number") {
    // Two that are far apart may have an infinite difference, and its sign is right; two that differ never have none.
    return finite(left) - finite(right)
  }
  return typeof left === "string" && typeof right === "string" ? compareTexts(left, right) : Number.NaN
}

/** Compares what two readers read. */
export const compare = <Input>(operator: Comparison, left: Read<Input>, right: Read<Input>): Test<Input> => {
  const verdict = verdicts[operator]
  if (operator !== "==" && operator !== "!=") return (input) => verdict(orderOf(left(input), right(input)))
  const isWanted = operator === "=="
  return (input) => {
    const one = left(input)
    const other = right(input)
    if (typeof one === "boolean") return typeof other === "boolean" && (one === other) === isWanted
    return verdict(orderOf(one, other))
  }
}

const isFixed = (term: BoundTerm): term is Extract<BoundTerm, { readonly value: unknown }> => "value" in term

/** Items from which on a set answers sooner than a walk. */
const setMin = 4

/** Whether a value equals one of the items. */
export const among = <Input>(
  value: Read<Input>,
  items: ReadonlyArray<BoundTerm>,
  readerOf: ReaderOf<Input>
): Test<Input> => {
  if (items.length >= setMin && items.every(isFixed)) {
    // A set compares as `==` does: types are kept apart, and 0 and −0 are one.
    const values: ReadonlySet<unknown> = new Set(items.map((item) => item.value))
    return (input) => values.has(value(input))
  }
  const tests = items.map((item) => compare("==", value, termReader(item, readerOf)))
  return (input) => {
    for (let index = 0; index < tests.length; index++) if (tests[index]?.(input) === true) return true
    return false
  }
}
