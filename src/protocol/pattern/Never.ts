/**
 * Whether a condition can never hold, because what it asks of a field contradicts itself: `temp > 90 and temp < 80`. Only
 * what is certain is said; a condition that never holds for another reason is not found out.
 */
import { type BoundCondition, type BoundPath, type BoundTerm, pathKey, pathsOf } from "../condition/Bound.ts"
import { interpret } from "../condition/Interpret.ts"
import { isOfTypes } from "./TypeMatch.ts"

type Scalar = number | string | boolean
type Kind = "number" | "string" | "boolean" | "list"

/** What must be true of one field. */
interface Demands {
  readonly isMissing: boolean
  readonly kind: Kind | undefined
  readonly low: number
  readonly isLowIn: boolean
  readonly high: number
  readonly isHighIn: boolean
  /** The only values that are left; any where absent. */
  readonly values: ReadonlyArray<Scalar> | undefined
  readonly excluded: ReadonlyArray<Scalar>
  /** Whether something is asked that needs a value. */
  readonly isThere: boolean
}

const anything: Demands = {
  isMissing: false,
  kind: undefined,
  low: Number.NEGATIVE_INFINITY,
  isLowIn: true,
  high: Number.POSITIVE_INFINITY,
  isHighIn: true,
  values: undefined,
  excluded: [],
  isThere: false
}

/** Demands by field. They are never changed, only replaced. */
type Facts = ReadonlyMap<string, Demands>
const typeKey = pathKey(["type"])

class Search {
  private readonly types: ReadonlyArray<string> | undefined

  constructor(types: ReadonlyArray<string> | undefined) {
    this.types = types
  }

  /** Whether it can never hold together with what is known. */
  isNever(condition: BoundCondition, facts: Facts): boolean {
    if (condition._tag === "Any") return condition.of.every((each) => this.isNever(each, facts))
    if (condition._tag !== "All") return this.withTest(condition, facts) === undefined
    let known: Facts | undefined = facts
    for (const each of condition.of)
      if (known !== undefined && each._tag !== "All" && each._tag !== "Any") known = this.withTest(each, known)
    if (known === undefined) return true
    const tests = known
    // What stands deeper is held against all the plain tests beside it.
    return condition.of.some((each) => (each._tag === "All" || each._tag === "Any") && this.isNever(each, tests))
  }

  /** The facts with those of a test; nothing where it contradicts them. */
  private withTest(test: BoundCondition, facts: Facts): Facts | undefined {
    if (test._tag === "Not") return this.withDenied(test.of, facts)
    if (test._tag === "Exists") return this.with(facts, test.path, { isThere: true })
    if (pathsOf(test).length === 0) return interpret(test, {}) ? facts : undefined
    switch (test._tag) {
      case "Compare":
        return this.withCompared(test, facts)
      case "Within": {
        const { term, low, high } = test
        const above = this.withCompared({ _tag: "Compare", operator: ">=", left: term, right: low }, facts)
        return above && this.withCompared({ _tag: "Compare", operator: "<=", left: term, right: high }, above)
      }
      case "Among": {
        const values = test.items.map(literalOf).filter((value) => value !== undefined)
        if (test.term._tag !== "Field" || values.length < test.items.length) return facts
        return this.with(facts, test.term.path, { isThere: true, values })
      }
      case "Matches":
        return test.term._tag === "Field" ? this.with(facts, test.term.path, { isThere: true, kind: "string" }) : facts
      case "Contains":
        return test.term._tag === "Field" ? this.with(facts, test.term.path, { isThere: true, kind: "string" }) : facts
      case "Has":
        return this.with(facts, test.path, { isThere: true, kind: "list" })
      default:
        return facts
    }
  }

  /** What does not hold of a missing field says nothing of its value, but for its being there. */
  private withDenied(test: BoundCondition, facts: Facts): Facts | undefined {
    if (test._tag === "Exists") return this.with(facts, test.path, { isMissing: true })
    if (test._tag === "Always") return test.value ? undefined : facts
    if (test._tag === "Not") return this.isNever(test.of, facts) ? undefined : facts
    return facts
  }

  private withCompared(
    { left, operator, right }: Extract<BoundCondition, { readonly _tag: "Compare" }>,
    facts: Facts
  ): Facts | undefined {
    if (left._tag !== "Field")
      return right._tag === "Field" ? this.withCompared(turned(left, operator, right), facts) : facts
    const value = literalOf(right)
    if (value === undefined) return this.with(facts, left.path, { isThere: true })
    const kind = kindOf(value)
    if (operator === "==") return this.with(facts, left.path, { isThere: true, values: [value] })
    if (operator === "!=") return this.with(facts, left.path, { isThere: true, kind, excluded: [value] })
    if (typeof value !== "number") return this.with(facts, left.path, { isThere: true, kind })
    const isIn = operator === "<=" || operator === ">="
    const range =
      operator === "<" || operator === "<=" ? { high: value, isHighIn: isIn } : { low: value, isLowIn: isIn }
    return this.with(facts, left.path, { isThere: true, kind, ...range })
  }

  private with(facts: Facts, path: BoundPath, added: Partial<Demands>): Facts | undefined {
    const key = pathKey(path)
    const merged = merge(facts.get(key) ?? anything, { ...anything, ...added })
    const isPossible = isSatisfiable(merged, (value) => this.admits(key, value))
    return isPossible ? new Map(facts).set(key, merged) : undefined
  }

  private admits(key: string, value: Scalar): boolean {
    return key !== typeKey || typeof value !== "string" || isOfTypes(this.types, value)
  }
}

const literalOf = (term: BoundTerm): Scalar | undefined =>
  term._tag === "Number" || term._tag === "Text" || term._tag === "Boolean" ? term.value : undefined

const kindOf = (value: Scalar): Kind | undefined => {
  const kind = typeof value
  return kind === "number" || kind === "string" || kind === "boolean" ? kind : undefined
}

const mirrored = { "<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!=" } as const

const turned = (
  left: BoundTerm,
  operator: keyof typeof mirrored,
  right: BoundTerm
): Extract<BoundCondition, { readonly _tag: "Compare" }> => ({
  _tag: "Compare",
  operator: mirrored[operator],
  left: right,
  right: left
})

const merge = (one: Demands, other: Demands): Demands => ({
  isMissing: one.isMissing || other.isMissing,
  isThere: one.isThere || other.isThere,
  // Two kinds are none: no value is of both.
  ...(one.kind !== undefined && other.kind !== undefined && one.kind !== other.kind
    ? { kind: one.kind, values: [] }
    : { kind: one.kind ?? other.kind, values: both(one.values, other.values) }),
  low: Math.max(one.low, other.low),
  isLowIn: one.low === other.low ? one.isLowIn && other.isLowIn : one.low > other.low ? one.isLowIn : other.isLowIn,
  high: Math.min(one.high, other.high),
  isHighIn:
    one.high === other.high ? one.isHighIn && other.isHighIn : one.high < other.high ? one.isHighIn : other.isHighIn,
  excluded: [...one.excluded, ...other.excluded]
})

const both = (
  one: ReadonlyArray<Scalar> | undefined,
  other: ReadonlyArray<Scalar> | undefined
): ReadonlyArray<Scalar> | undefined => {
  if (one === undefined || other === undefined) return one ?? other
  const kept = new Set(other)
  return one.filter((value) => kept.has(value))
}

const isSatisfiable = (demands: Demands, admits: (value: Scalar) => boolean): boolean => {
  const { isMissing, isThere, kind, low, isLowIn, high, isHighIn, values, excluded } = demands
  if (isMissing) return !isThere
  if (low > high || (low === high && !(isLowIn && isHighIn))) return false
  if (low === high && excluded.includes(low)) return false
  if (values === undefined) return true
  return values.some((value) => {
    if (excluded.includes(value) || !admits(value)) return false
    if (kind !== undefined && kindOf(value) !== kind) return false
    if (typeof value !== "number") return true
    return (isLowIn ? value >= low : value > low) && (isHighIn ? value <= high : value < high)
  })
}

/** Whether a condition on events of these types can never hold. */
export const isNever = (condition: BoundCondition, types?: ReadonlyArray<string>): boolean =>
  new Search(types).isNever(condition, new Map())
