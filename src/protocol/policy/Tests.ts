/** The tests of a condition of a request, one by one: what each found, and which would have to turn out otherwise. */
import { Result, Schema } from "effect"
import { bindTree } from "../condition/Bind.ts"
import { pathsOf } from "../condition/Bound.ts"
import type { ConditionTree } from "../condition/Condition.ts"
import { format, formatPath } from "../condition/Format.ts"
import { interpret } from "../condition/Interpret.ts"
import { requests } from "../condition/Source.ts"
import { valueAt } from "../condition/Values.ts"
import { type Verdict, verdictOf } from "./Verdict.ts"

/** What a test found. A field that is missing is not there. */
const Found = Schema.Struct({ field: Schema.String, value: Schema.optionalKey(Schema.Json) })

/** A test, as the formatter writes it. `unknown`: what it asks for is missing. */
export const ExplainedTest = Schema.Struct({
  test: Schema.String,
  verdict: Schema.Literals(["yes", "no", "unknown"]),
  found: Schema.Array(Found)
})
export type ExplainedTest = typeof ExplainedTest.Type

/** A test, and what it would have to say. */
export const Turned = Schema.Struct({ test: Schema.String, wanted: Schema.Boolean, found: Schema.Array(Found) })
export type Turned = typeof Turned.Type
/** Tests that would all have to turn. */
export type Turn = ReadonlyArray<Turned>

/** More ways than these are not looked for. */
const waysMax = 16

const isJson = Schema.is(Schema.Json)

interface Judged {
  readonly holds: boolean
  readonly verdict: Verdict
  readonly found: ReadonlyArray<typeof Found.Type>
}

/** Judges a test of a condition that was checked. */
const judge = (atom: ConditionTree, document: unknown): Judged => {
  const bound = bindTree(atom, requests)
  if (Result.isFailure(bound)) throw new Error(`a test that was checked: ${bound.failure.message}`)
  const found = pathsOf(bound.success).map((path) => {
    const value = valueAt(document, path)
    return { field: formatPath(path), ...(value !== undefined && isJson(value) && { value }) }
  })
  return { holds: interpret(bound.success, document), verdict: verdictOf(bound.success, document), found }
}

/** Every test of a condition, in the order they stand there. */
export const testsOf = (condition: ConditionTree, document: unknown): ReadonlyArray<ExplainedTest> => {
  switch (condition._tag) {
    case "Always":
      return []
    case "Not":
      return testsOf(condition.of, document)
    case "All":
    case "Any":
      return condition.of.flatMap((each) => testsOf(each, document))
    default: {
      const { verdict, found } = judge(condition, document)
      return [{ test: format(condition), verdict, found }]
    }
  }
}

/** All of both: a way for each pair. */
const together = (one: ReadonlyArray<Turn>, other: ReadonlyArray<Turn>): ReadonlyArray<Turn> =>
  one.flatMap((left) => other.map((right) => merged(left, right))).slice(0, waysMax)

const merged = (one: Turn, other: Turn): Turn => {
  const known = new Set(one.map(({ test, wanted }) => `${wanted} ${test}`))
  return [...one, ...other.filter(({ test, wanted }) => !known.has(`${wanted} ${test}`))]
}

const candidates = (wanted: boolean, condition: ConditionTree, document: unknown): ReadonlyArray<Turn> => {
  switch (condition._tag) {
    case "Always":
      return condition.value === wanted ? [[]] : []
    case "Not":
      return candidates(!wanted, condition.of, document)
    case "All":
    case "Any": {
      const each = condition.of.map((part) => candidates(wanted, part, document))
      // To hold, all parts of `and` must; not to, one is enough. Of `or` it is the other way round.
      if ((condition._tag === "All") === wanted) return each.reduce(together, [[]])
      if (each.some((ways) => ways.some((way) => way.length === 0))) return [[]]
      return each
        .flat()
        .toSorted((one, other) => one.length - other.length)
        .slice(0, waysMax)
    }
    default: {
      const { verdict, found } = judge(condition, document)
      if (verdict === (wanted ? "yes" : "no")) return [[]]
      return [[{ test: format(condition), wanted, found }]]
    }
  }
}

/** What is certain of a condition of which these tests say what was wanted of them. */
const after = (way: Turn, condition: ConditionTree, document: unknown): Verdict => {
  switch (condition._tag) {
    case "Always":
      return condition.value ? "yes" : "no"
    case "Not": {
      const inner = after(way, condition.of, document)
      return inner === "unknown" ? inner : inner === "yes" ? "no" : "yes"
    }
    case "All":
    case "Any": {
      const [settled, other] = condition._tag === "All" ? (["no", "yes"] as const) : (["yes", "no"] as const)
      const all = condition.of.map((each) => after(way, each, document))
      if (all.includes(settled)) return settled
      return all.includes("unknown") ? "unknown" : other
    }
    default: {
      const test = format(condition)
      const turned = way.find((each) => each.test === test)
      return turned === undefined ? judge(condition, document).verdict : turned.wanted ? "yes" : "no"
    }
  }
}

/**
 * The ways in which a condition would certainly hold, or certainly not: each a list of tests that would all have to turn. An
 * empty way: it is so already. None: nothing was found that would do.
 */
export const waysTo = (wanted: boolean, condition: ConditionTree, document: unknown): ReadonlyArray<Turn> =>
  // A test that stands in several places may help in one of them and spoil another.
  candidates(wanted, condition, document).filter((way) => after(way, condition, document) === (wanted ? "yes" : "no"))
