/**
 * What an index of PostgreSQL can look up of a condition: `jsonb` documents that contain a part (`@>`). It holds wherever
 * the condition holds, and often elsewhere too, so it stands beside the condition and never in its place.
 */
import type { BoundCondition, BoundPath, BoundTerm } from "../../protocol/condition/Bound.ts"
import { isIndex, lengthKey } from "../../protocol/condition/Values.ts"
import type { SqlColumns, SqlCondition } from "./Sql.ts"

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

/** SQL for `and` behind the condition, with parameters numbered from `first`; nothing when no index helps. */
export const sqlContainment = (
  condition: BoundCondition,
  columns: SqlColumns,
  first: number
): SqlCondition | undefined => {
  const places = new Map<string, string>()
  const parameter = (document: string): string => {
    const known = places.get(document)
    if (known !== undefined) return known
    const place = `$${first + places.size}::text`
    places.set(document, place)
    return place
  }
  const tests = containmentOf(columns, condition).map(
    (any) => `(${any.map(({ column, document }) => `${column} @> ${parameter(document)}::jsonb`).join(" or ")})`
  )
  return tests.length === 0 ? undefined : { text: tests.join(" and "), parameters: [...places.keys()] }
}
