/** By which of its atoms a conjunction is found: the one that the fewest events fulfil. The others are tested when it was found. */
import type { BoundCondition, BoundPath, BoundTerm } from "../../protocol/condition/Bound.ts"
import { fixedInterval } from "../condition/Fixed.ts"
import type { Atom, Conjunction } from "./Conjunctions.ts"

/** How a conjunction is found. */
export type Access =
  /** The field is one of these. */
  | { readonly _tag: "Equal"; readonly path: BoundPath; readonly values: ReadonlyArray<string | number | boolean> }
  /** The field is a number between these. */
  | { readonly _tag: "Range"; readonly path: BoundPath; readonly low: number; readonly high: number }
  /** The field is a text that begins so. */
  | { readonly _tag: "Prefix"; readonly path: BoundPath; readonly prefix: string }
  /** The field is there. */
  | { readonly _tag: "Present"; readonly path: BoundPath }
  /** Every event must be looked at. */
  | { readonly _tag: "Scan" }

/** An access, and the atom that needs no test any more because of it; nothing where the access asks for less than the atom. */
export interface Plan {
  readonly access: Access
  readonly settled: Atom | undefined
}

type Fixed = Extract<BoundTerm, { readonly value: unknown }>

const isFixed = (term: BoundTerm): term is Fixed => "value" in term

/** A literal beginning that every text with this glob has. */
const prefixOf = ({ operator, text }: Extract<BoundCondition, { readonly _tag: "Matches" }>): string =>
  operator === "glob" ? (/^[^*?\\[\]{}]*/.exec(text)?.[0] ?? "") : ""

const fieldOf = (...terms: ReadonlyArray<BoundTerm>): BoundPath | undefined => {
  for (const term of terms) if (term._tag === "Field") return term.path
  return undefined
}

const planOf = (atom: Atom): Plan => {
  const fixed = fixedInterval(atom)
  if (fixed !== undefined) {
    const [low, high] = fixed.interval
    const { path } = fixed
    if (low === high) return { access: { _tag: "Equal", path, values: [low] }, settled: atom }
    return { access: { _tag: "Range", path, low, high }, settled: atom }
  }
  switch (atom._tag) {
    case "Compare": {
      const { left, right, operator } = atom
      const literal = isFixed(left) ? left : isFixed(right) ? right : undefined
      const path = fieldOf(left, right)
      if (path === undefined) return scan
      if (operator === "==" && literal !== undefined && (left._tag === "Field" || right._tag === "Field"))
        return { access: { _tag: "Equal", path, values: [literal.value] }, settled: atom }
      return present(path)
    }
    case "Among": {
      if (atom.term._tag !== "Field") return scan
      const { path } = atom.term
      const values = atom.items.filter(isFixed).map(({ value }) => value)
      if (values.length < atom.items.length) return present(path)
      return { access: { _tag: "Equal", path, values: [...new Set(values)] }, settled: atom }
    }
    case "Within":
    case "Matches":
    case "Contains":
    case "Bit": {
      if (atom.term._tag !== "Field") return scan
      const { path } = atom.term
      const prefix = atom._tag === "Matches" ? prefixOf(atom) : ""
      return prefix === "" ? present(path) : { access: { _tag: "Prefix", path, prefix }, settled: undefined }
    }
    case "Exists":
    case "Has":
      return present(atom.path)
    default:
      return scan
  }
}

const scan: Plan = { access: { _tag: "Scan" }, settled: undefined }
const present = (path: BoundPath): Plan => ({ access: { _tag: "Present", path }, settled: undefined })

/** How many of a hundred events an access may let through, guessed: what only its form says. */
const guessOf = (access: Access): number => {
  switch (access._tag) {
    case "Equal":
      return access.values.length
    case "Prefix":
      // A long one, such as that of a zone, says as much as a value.
      return Math.max(1, 12 - access.prefix.length)
    case "Range":
      // Open on one side is half of all.
      return Math.abs(access.low) === Number.MAX_VALUE || Math.abs(access.high) === Number.MAX_VALUE ? 40 : 20
    case "Present":
      return 60
    case "Scan":
      return 100
  }
}

/**
 * So many items behind one value cost an event that has it as much as one event in a hundred more. Of `type == "a" and
 * line == 7` the line is asked for when a thousand others wait for the type.
 */
const crowdOfOne = 100

/** The best way to a conjunction; `crowdOf` says how many are found by such an access already. */
export const planFor = (conjunction: Conjunction, crowdOf: (access: Access) => number): Plan => {
  let best: Plan = scan
  let least = Number.POSITIVE_INFINITY
  for (const atom of conjunction) {
    const plan = planOf(atom)
    const share = guessOf(plan.access) + crowdOf(plan.access) / crowdOfOne
    if (share >= least) continue
    best = plan
    least = share
  }
  return best
}
