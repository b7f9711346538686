/**
 * A condition as alternatives of which each is a list of atoms that must all hold (disjunctive normal form). Negation moves
 * down to the atoms and stays there: an atom that is not fulfilled may be one whose field is missing, so that `not (t > 90)`
 * is never `t <= 90`.
 */
import type { BoundCondition, BoundPath } from "../../protocol/condition/Bound.ts"
import { pathKey } from "../../protocol/condition/Bound.ts"
import { fixedInterval } from "../condition/Fixed.ts"

/** More alternatives are not spread out: the part that would make them stays one atom. */
export const alternativesMax = 64

/** What is decided as a whole: a test, its denial, or a part of the tree that would have too many alternatives. */
export type Atom = BoundCondition

/** Atoms that must all hold. */
export type Conjunction = ReadonlyArray<Atom>

const always: BoundCondition = { _tag: "Always", value: true }
const never: BoundCondition = { _tag: "Always", value: false }

/** Negation only at the leaves. */
const pushedDown = (condition: BoundCondition, isDenied: boolean): BoundCondition => {
  switch (condition._tag) {
    case "Always":
      return condition.value === isDenied ? never : always
    case "Not":
      return pushedDown(condition.of, !isDenied)
    case "All":
    case "Any": {
      const isAll = (condition._tag === "All") !== isDenied
      return { _tag: isAll ? "All" : "Any", of: condition.of.map((each) => pushedDown(each, isDenied)) }
    }
    default:
      return isDenied ? { _tag: "Not", of: condition } : condition
  }
}

const alternativesOf = (condition: BoundCondition): number => {
  if (condition._tag === "Any") return condition.of.reduce((sum, each) => sum + alternativesOf(each), 0)
  if (condition._tag === "All") return condition.of.reduce((product, each) => product * alternativesOf(each), 1)
  return 1
}

const spread = (condition: BoundCondition): ReadonlyArray<Conjunction> => {
  if (condition._tag === "Any") return condition.of.flatMap(spread)
  if (condition._tag !== "All") return [[condition]]
  let made: ReadonlyArray<Conjunction> = [[]]
  for (const each of condition.of) {
    const alternatives = spread(each)
    made = made.flatMap((left) => alternatives.map((right) => [...left, ...right]))
  }
  return made
}

/** Keeps what would have too many alternatives as one atom, beginning with the part that has the most. */
const bounded = (condition: BoundCondition): ReadonlyArray<Conjunction> => {
  if (alternativesOf(condition) <= alternativesMax) return spread(condition)
  if (condition._tag !== "All") return [[condition]]
  const parts = condition.of.toSorted((left, right) => alternativesOf(left) - alternativesOf(right))
  const whole: Array<BoundCondition> = []
  let alternatives = 1
  for (const part of parts) {
    alternatives *= alternativesOf(part)
    if (alternatives > alternativesMax) break
    whole.push(part)
  }
  const kept = parts.slice(whole.length)
  return spread({ _tag: "All", of: whole }).map((conjunction) => [...conjunction, ...kept])
}

interface Range {
  readonly path: BoundPath
  low: number
  high: number
}

/**
 * Equal atoms once, and the intervals of a field as one. Nothing for a conjunction that nothing fulfils: it is never, or
 * an interval of it is empty.
 */
const simplified = (conjunction: Conjunction): Conjunction | undefined => {
  const ranges = new Map<string, Range>()
  const others = new Map<string, Atom>()
  for (const atom of conjunction) {
    if (atom._tag === "Always") {
      if (!atom.value) return undefined
      continue
    }
    const fixed = fixedInterval(atom)
    if (fixed === undefined) {
      others.set(JSON.stringify(atom), atom)
      continue
    }
    const [low, high] = fixed.interval
    const key = pathKey(fixed.path)
    const known = ranges.get(key)
    if (known === undefined) ranges.set(key, { path: fixed.path, low, high })
    else {
      known.low = Math.max(known.low, low)
      known.high = Math.min(known.high, high)
    }
  }
  const within: Array<Atom> = []
  for (const { path, low, high } of ranges.values()) {
    if (low > high) return undefined
    const number = (value: number) => ({ _tag: "Number", value }) as const
    within.push({ _tag: "Within", term: { _tag: "Field", path }, low: number(low), high: number(high) })
  }
  return [...within, ...others.values()]
}

/** The alternatives of a condition. None: it never holds. An empty one: it always does. */
export const conjunctionsOf = (condition: BoundCondition): ReadonlyArray<Conjunction> => {
  const made = new Map<string, Conjunction>()
  for (const conjunction of bounded(pushedDown(condition, false))) {
    const simple = simplified(conjunction)
    if (simple !== undefined) made.set(JSON.stringify(simple), simple)
  }
  return [...made.values()]
}
