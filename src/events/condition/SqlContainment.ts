/**
 * What an index of PostgreSQL can look up of a condition: `jsonb` documents that contain a part (`@>`). It stands beside what
 * it holds wherever that holds, and in the place of what it means exactly: the planner would take two tests of one thing
 * for two things, and believe that hardly a row passes both.
 */
import type { BoundCondition, BoundPath, BoundTerm } from "../../protocol/condition/Bound.ts"
import { isIndex, lengthKey } from "../../protocol/condition/Values.ts"
import { type SqlColumns, type SqlCondition, sqlCondition } from "./Sql.ts"

/** More alternatives cost more to look up than they save. */
const alternativesMax = 64

type Literal = number | string | boolean

/** Any of these documents is contained, each in the column of its first key. */
type Containment = ReadonlyArray<{ readonly column: string; readonly document: string }>

const literalOf = (term: BoundTerm): Literal | undefined =>
  term._tag === "Number" || term._tag === "Text" || term._tag === "Boolean" ? term.value : undefined

/** A key that may name an element, or the length of a list: what it leads to need not be in a map of that key. */
const isOfList = (key: string): boolean => isIndex(key) || key === lengthKey

const documentOf = (columns: SqlColumns, [first, ...rest]: BoundPath, value: unknown): Containment | undefined => {
  const column = Object.hasOwn(columns, first) ? columns[first] : undefined
  if (column?.type !== "jsonb" || rest.length === 0 || rest.some(isOfList)) return undefined
  let document = value
  // Pairs, not an object literal: a key may be `__proto__`.
  for (const key of rest.toReversed()) document = Object.fromEntries([[key, document]])
  return [{ column: column.name, document: JSON.stringify(document) }]
}

const equal = (columns: SqlColumns, left: BoundTerm, right: BoundTerm): Containment | undefined => {
  const [field, value] = left._tag === "Field" ? [left, literalOf(right)] : [right, literalOf(left)]
  return field._tag !== "Field" || value === undefined ? undefined : documentOf(columns, field.path, value)
}

/** All of them together; nothing when one of them cannot be looked up. */
const either = (all: ReadonlyArray<Containment | undefined>): Containment | undefined => {
  const found: Array<Containment[number]> = []
  for (const each of all) {
    if (each === undefined) return undefined
    found.push(...each)
  }
  return found.length > alternativesMax ? undefined : found
}

const containmentOf = (columns: SqlColumns, condition: BoundCondition): ReadonlyArray<Containment> => {
  const one = (found: Containment | undefined) => (found === undefined ? [] : [found])
  switch (condition._tag) {
    case "Compare":
      return condition.operator === "==" ? one(equal(columns, condition.left, condition.right)) : []
    case "Among":
      return one(either(condition.items.map((item) => equal(columns, condition.term, item))))
    case "Has": {
      const value = literalOf(condition.item)
      return value === undefined ? [] : one(documentOf(columns, condition.path, [value]))
    }
    case "All":
      return condition.of.flatMap((each) => containmentOf(columns, each))
    case "Any":
      // Of each side the first one will do.
      return one(either(condition.of.map((each) => containmentOf(columns, each)[0])))
    default:
      return []
  }
}

/**
 * Whether the containment of a condition is the condition. Equality is: a key that is none of a list stands in maps only, and
 * a number that is stored is the shortest text of its double, as the one that is looked for.
 */
const isWhole = (columns: SqlColumns, condition: BoundCondition): boolean => {
  const isOne = (each: BoundCondition) => containmentOf(columns, each).length === 1
  if (condition._tag === "Any")
    return isOne(condition) && condition.of.every((each) => isOne(each) && isWhole(columns, each))
  return (condition._tag === "Compare" || condition._tag === "Among" || condition._tag === "Has") && isOne(condition)
}

const conjunctsOf = (condition: BoundCondition): ReadonlyArray<BoundCondition> =>
  condition._tag === "All" ? condition.of.flatMap(conjunctsOf) : [condition]

/** Whether an index helps with some part of a condition. */
export const isLookedUp = (condition: BoundCondition, columns: SqlColumns): boolean =>
  containmentOf(columns, condition).length > 0

/** As `sqlCondition` compiles it, for a table whose `jsonb` columns have an index for containment. */
export const sqlWithLookup = (condition: BoundCondition, columns: SqlColumns, first: number): SqlCondition => {
  const parameters: Array<string> = []
  const parameter = (document: string) => `$${first + parameters.push(document) - 1}::text`
  const tests = conjunctsOf(condition).flatMap((part) => {
    const contained = containmentOf(columns, part).map(
      (any) => `(${any.map(({ column, document }) => `${column} @> ${parameter(document)}::jsonb`).join(" or ")})`
    )
    if (isWhole(columns, part)) return contained
    const { text, parameters: own } = sqlCondition(part, columns, first + parameters.length)
    parameters.push(...own)
    return [`(${text})`, ...contained]
  })
  return { text: tests.join(" and "), parameters }
}
