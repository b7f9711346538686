/** When a condition may hold although something it asks for is missing, as a condition that every compiler can compile. */
import type { BoundCondition, BoundTerm } from "../../../protocol/condition/Bound.ts"
import type { Comparison } from "../../../protocol/condition/Condition.ts"
import { type Atom, argumentsOf } from "../../../protocol/policy/Verdict.ts"

/** Fields that every request has, of one type each: a test of one against a value of its type is never without an answer. */
const given: ReadonlyMap<string, BoundTerm["_tag"]> = new Map([
  ["capability", "Text"],
  ["protected", "Boolean"],
  ["clearance", "Number"],
  ["principal.id", "Text"],
  ["principal.kind", "Text"]
])

const isGiven = (term: BoundTerm, ...literals: ReadonlyArray<BoundTerm>): boolean => {
  const type = term._tag === "Field" ? given.get(term.path.join(".")) : undefined
  return type !== undefined && literals.every(({ _tag }) => _tag === type)
}

const isAlwaysDecided = (atom: Atom): boolean => {
  switch (atom._tag) {
    case "Compare":
      return isGiven(atom.left, atom.right) || isGiven(atom.right, atom.left)
    case "Among":
      return isGiven(atom.term, ...atom.items)
    case "Within":
      return isGiven(atom.term, atom.low, atom.high)
    case "Matches":
      return isGiven(atom.term)
    case "Contains":
      return isGiven(atom.term, atom.part)
    case "Bit":
      return isGiven(atom.term)
    case "Has":
      return atom.path.length === 1 && atom.path[0] === "scope" && "value" in atom.item
    case "Exists":
      return true
  }
}

const compare = (left: BoundTerm, operator: Comparison, right: BoundTerm): BoundCondition => ({
  _tag: "Compare",
  operator,
  left,
  right
})
const any = (...of: ReadonlyArray<BoundCondition>): BoundCondition => ({ _tag: "Any", of })
const all = (...of: ReadonlyArray<BoundCondition>): BoundCondition => ({ _tag: "All", of })
const not = (of: BoundCondition): BoundCondition => ({ _tag: "Not", of })

/** Two values can be compared when one of two opposite comparisons holds. */
const areAlike = (one: BoundTerm, other: BoundTerm) => any(compare(one, "==", other), compare(one, "!=", other))
const areOrdered = (one: BoundTerm, other: BoundTerm) => any(compare(one, "<=", other), compare(one, ">", other))
const isText = (term: BoundTerm) => compare(term, ">=", { _tag: "Text", value: "" })
const isNumber = (term: BoundTerm) => compare(term, "<=", { _tag: "Number", value: Number.MAX_VALUE })

/** Holds where a test has an answer. One of an argument that nobody has said has: no. */
const decided = (atom: Atom): BoundCondition =>
  any(comparable(atom), ...argumentsOf(atom).map((path) => not({ _tag: "Exists", path })))

/** Holds where all that a test compares is there, and of types that can be compared. */
const comparable = (atom: Atom): BoundCondition => {
  switch (atom._tag) {
    case "Compare": {
      const isEquality = atom.operator === "==" || atom.operator === "!="
      return (isEquality ? areAlike : areOrdered)(atom.left, atom.right)
    }
    case "Among":
      return any(...atom.items.map((item) => areAlike(atom.term, item)))
    case "Within": {
      const { term, low, high } = atom
      const isInOrder = all(areOrdered(term, low), areOrdered(term, high))
      return any(isInOrder, compare(term, "<", low), compare(high, "<", term))
    }
    case "Matches":
      return isText(atom.term)
    case "Contains":
      return all(isText(atom.term), isText(atom.part))
    case "Bit":
      return isNumber(atom.term)
    case "Has":
      return all(isNumber({ _tag: "Field", path: [...atom.path, "len"] }), compare(atom.item, "==", atom.item))
    case "Exists":
      return { _tag: "Always", value: true }
  }
}

/** Holds where the condition certainly does, whatever is missing. */
const certain = (condition: BoundCondition): BoundCondition => {
  switch (condition._tag) {
    case "Not":
      return not(possible(condition.of))
    case "All":
    case "Any":
      return { _tag: condition._tag, of: condition.of.map(certain) }
    default:
      return condition
  }
}

/** Holds where the condition does, or might if what is missing was there. */
export const possible = (condition: BoundCondition): BoundCondition => {
  switch (condition._tag) {
    case "Always":
      return condition
    case "Not":
      return not(certain(condition.of))
    case "All":
    case "Any":
      return { _tag: condition._tag, of: condition.of.map(possible) }
    default:
      return isAlwaysDecided(condition) ? condition : any(condition, not(decided(condition)))
  }
}
