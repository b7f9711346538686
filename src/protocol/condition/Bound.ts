/**
 * A condition that is bound to its source: paths start at the document, units and parameters have become plain values,
 * patterns are read, and all of it was checked. Whatever decides a condition starts here.
 */
import type { Comparison } from "./Condition.ts"
import type { Pattern } from "./TextShape.ts"

/** Keys from the document to a value. */
export type BoundPath = readonly [string, ...ReadonlyArray<string>]

export type BoundTerm =
  | { readonly _tag: "Number"; readonly value: number }
  | { readonly _tag: "Text"; readonly value: string }
  | { readonly _tag: "Boolean"; readonly value: boolean }
  | { readonly _tag: "Field"; readonly path: BoundPath }
  | {
      readonly _tag: "Arithmetic"
      readonly operator: "+" | "-" | "*" | "/"
      readonly left: BoundTerm
      readonly right: BoundTerm
    }

export type BoundCondition =
  | { readonly _tag: "Always"; readonly value: boolean }
  | {
      readonly _tag: "Compare"
      readonly operator: Comparison
      readonly left: BoundTerm
      readonly right: BoundTerm
    }
  | { readonly _tag: "Among"; readonly term: BoundTerm; readonly items: ReadonlyArray<BoundTerm> }
  | { readonly _tag: "Within"; readonly term: BoundTerm; readonly low: BoundTerm; readonly high: BoundTerm }
  | { readonly _tag: "Exists"; readonly path: BoundPath }
  | {
      readonly _tag: "Matches"
      readonly operator: "glob" | "matches"
      readonly term: BoundTerm
      /** As written. */
      readonly text: string
      readonly pattern: Pattern
    }
  | { readonly _tag: "Contains"; readonly term: BoundTerm; readonly part: BoundTerm }
  | { readonly _tag: "Bit"; readonly term: BoundTerm; readonly bit: number }
  | { readonly _tag: "Has"; readonly path: BoundPath; readonly item: BoundTerm }
  | { readonly _tag: "Not"; readonly of: BoundCondition }
  | { readonly _tag: "All"; readonly of: ReadonlyArray<BoundCondition> }
  | { readonly _tag: "Any"; readonly of: ReadonlyArray<BoundCondition> }

const termPaths = (term: BoundTerm, visit: (path: BoundPath) => void): void => {
  if (term._tag === "Field") visit(term.path)
  if (term._tag !== "Arithmetic") return
  termPaths(term.left, visit)
  termPaths(term.right, visit)
}

/** Calls `visit` with every path the condition reads, as often as it stands there. */
const eachPath = (condition: BoundCondition, visit: (path: BoundPath) => void): void => {
  switch (condition._tag) {
    case "Always":
      return
    case "Compare":
      termPaths(condition.left, visit)
      termPaths(condition.right, visit)
      return
    case "Among":
      for (const term of [condition.term, ...condition.items]) termPaths(term, visit)
      return
    case "Within":
      for (const term of [condition.term, condition.low, condition.high]) termPaths(term, visit)
      return
    case "Exists":
      visit(condition.path)
      return
    case "Matches":
    case "Bit":
      termPaths(condition.term, visit)
      return
    case "Contains":
      termPaths(condition.term, visit)
      termPaths(condition.part, visit)
      return
    case "Has":
      visit(condition.path)
      termPaths(condition.item, visit)
      return
    case "Not":
      eachPath(condition.of, visit)
      return
    case "All":
    case "Any":
      for (const each of condition.of) eachPath(each, visit)
      return
  }
}

/** Two paths are one when this is. */
export const pathKey = (path: ReadonlyArray<string>): string => JSON.stringify(path)

/** The paths a condition reads, each once, in the order they stand there. */
export const pathsOf = (condition: BoundCondition): ReadonlyArray<BoundPath> => {
  const paths = new Map<string, BoundPath>()
  eachPath(condition, (path) => {
    const key = pathKey(path)
    if (!paths.has(key)) paths.set(key, path)
  })
  return [...paths.values()]
}
