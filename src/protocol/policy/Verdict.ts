/**
 * What is certain of a condition when not everything is known: that it holds, that it does not, or neither. A test of what is
 * missing is neither, and so is its denial; of several it is decided by those that are certain (Kleene's logic). Arguments are
 * never missing: who asks has said them all, and a test of one that he has not said certainly does not hold.
 */
import { type BoundCondition, type BoundPath, type BoundTerm, pathsOf } from "../condition/Bound.ts"
import { evaluate, interpret } from "../condition/Interpret.ts"
import { valueAt } from "../condition/Values.ts"

export type Verdict = "yes" | "no" | "unknown"

/** A condition that is no junction of others. */
export type Atom = Exclude<BoundCondition, { readonly _tag: "Always" | "Not" | "All" | "Any" }>

const opposite = { yes: "no", no: "yes", unknown: "unknown" } as const

/** What is certain of the whole, when `judge` says what is certain of its tests. */
export const judged = (condition: BoundCondition, judge: (atom: Atom) => Verdict): Verdict => {
  switch (condition._tag) {
    case "Always":
      return condition.value ? "yes" : "no"
    case "Not":
      return opposite[judged(condition.of, judge)]
    case "All":
    case "Any": {
      const [settled, other] = condition._tag === "All" ? (["no", "yes"] as const) : (["yes", "no"] as const)
      const all = condition.of.map((each) => judged(each, judge))
      if (all.includes(settled)) return settled
      return all.includes("unknown") ? "unknown" : other
    }
    default:
      return judge(condition)
  }
}

/** The arguments that a test asks for. */
export const argumentsOf = (atom: Atom): ReadonlyArray<BoundPath> => pathsOf(atom).filter(([root]) => root === "arg")

const isScalar = (value: unknown): boolean => typeof value === "string" || typeof value === "boolean" || isNumber(value)
const isNumber = (value: unknown): value is number => typeof value === "number" && Number.isFinite(value)
const areOrdered = (one: unknown, other: unknown): boolean =>
  (isNumber(one) && isNumber(other)) || (typeof one === "string" && typeof other === "string")
const areAlike = (one: unknown, other: unknown): boolean =>
  areOrdered(one, other) || (typeof one === "boolean" && typeof other === "boolean")

/** Whether all that a test compares is there, and of types that can be compared. */
const isComparable = (atom: Atom, document: unknown): boolean => {
  const value = (term: BoundTerm) => evaluate(term, document)
  switch (atom._tag) {
    case "Exists":
      return true
    case "Compare": {
      const isEquality = atom.operator === "==" || atom.operator === "!="
      return (isEquality ? areAlike : areOrdered)(value(atom.left), value(atom.right))
    }
    case "Among":
      return atom.items.some((item) => areAlike(value(atom.term), value(item)))
    case "Within": {
      const found = value(atom.term)
      const [low, high] = [value(atom.low), value(atom.high)]
      if (areOrdered(found, low) && areOrdered(found, high)) return true
      // One end is enough when it lies behind it.
      return isBehind(found, low) || isBehind(high, found)
    }
    case "Matches":
      return typeof value(atom.term) === "string"
    case "Contains":
      return typeof value(atom.term) === "string" && typeof value(atom.part) === "string"
    case "Bit":
      return isNumber(value(atom.term))
    case "Has":
      return isNumber(valueAt(document, [...atom.path, "len"])) && isScalar(value(atom.item))
  }
}

const isBehind = (one: unknown, other: unknown): boolean =>
  areOrdered(one, other) &&
  interpret(
    {
      _tag: "Compare",
      operator: "<",
      left: { _tag: "Field", path: ["one"] },
      right: { _tag: "Field", path: ["other"] }
    },
    { one, other }
  )

const isDecidable = (atom: Atom, document: unknown): boolean =>
  isComparable(atom, document) || argumentsOf(atom).some((path) => valueAt(document, path) === undefined)

/** What is certain of a condition of a document. */
export const verdictOf = (condition: BoundCondition, document: unknown): Verdict =>
  judged(condition, (atom) => (interpret(atom, document) ? "yes" : isDecidable(atom, document) ? "no" : "unknown"))
