/** A bound condition whose paths lead elsewhere: what is asked of one document, asked of what another was made from. */
import type { BoundCondition, BoundPath, BoundTerm } from "../condition/Bound.ts"

type Move = (path: BoundPath) => BoundPath

const movedTerm = (term: BoundTerm, move: Move): BoundTerm => {
  if (term._tag === "Field") return { _tag: "Field", path: move(term.path) }
  if (term._tag !== "Arithmetic") return term
  return { ...term, left: movedTerm(term.left, move), right: movedTerm(term.right, move) }
}

/** The same condition with every path moved. */
export const moved = (condition: BoundCondition, move: Move): BoundCondition => {
  switch (condition._tag) {
    case "Always":
      return condition
    case "Compare":
      return { ...condition, left: movedTerm(condition.left, move), right: movedTerm(condition.right, move) }
    case "Among":
      return {
        ...condition,
        term: movedTerm(condition.term, move),
        items: condition.items.map((item) => movedTerm(item, move))
      }
    case "Within":
      return {
        ...condition,
        term: movedTerm(condition.term, move),
        low: movedTerm(condition.low, move),
        high: movedTerm(condition.high, move)
      }
    case "Exists":
      return { ...condition, path: move(condition.path) }
    case "Matches":
    case "Bit":
      return { ...condition, term: movedTerm(condition.term, move) }
    case "Contains":
      return { ...condition, term: movedTerm(condition.term, move), part: movedTerm(condition.part, move) }
    case "Has":
      return { ...condition, path: move(condition.path), item: movedTerm(condition.item, move) }
    case "Not":
      return { ...condition, of: moved(condition.of, move) }
    case "All":
    case "Any":
      return { ...condition, of: condition.of.map((each) => moved(each, move)) }
  }
}

/** What must hold together, one beside the other, however deep it stood. */
export const conjuncts = (condition: BoundCondition): ReadonlyArray<BoundCondition> =>
  condition._tag === "All" ? condition.of.flatMap(conjuncts) : [condition]
