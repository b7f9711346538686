/** Writes a condition as text. What is written is read as the same tree. */
import type { ConditionTree, FieldPath, Term } from "./Condition.ts"
import { isReserved } from "./Words.ts"

const plainFirst = /^[\p{L}_][\p{L}\p{N}_]*$/u
const plainLater = /^[\p{L}\p{N}_]+$/u

const quotedName = (name: string): string =>
  `\`${JSON.stringify(name).slice(1, -1).replaceAll('\\"', '"').replaceAll("`", "\\`")}\``

/** A path, with backticks around names that are no words. */
export const formatPath = (path: ReadonlyArray<string>): string =>
  path
    .map((name, index) => {
      const isPlain = index === 0 ? plainFirst.test(name) && !isReserved(name) : plainLater.test(name)
      return isPlain ? name : quotedName(name)
    })
    .join(".")

const sumStrength = 1
const productStrength = 2

/** The text of a value. */
export const formatTerm = (term: Term, strength = 0): string => {
  switch (term._tag) {
    case "Number":
      return `${term.value}${term.unit ?? ""}`
    case "Text":
      return JSON.stringify(term.value)
    case "Boolean":
      return String(term.value)
    case "Field":
      return formatPath(term.path)
    case "Parameter":
      return `$${term.name}`
    case "Arithmetic": {
      const own = term.operator === "+" || term.operator === "-" ? sumStrength : productStrength
      // Of operators of one strength the left one binds first.
      const text = `${formatTerm(term.left, own)} ${term.operator} ${formatTerm(term.right, own + 1)}`
      return own < strength ? `(${text})` : text
    }
  }
}

const formatPathOf = (path: FieldPath): string => formatPath(path)

const formatItems = (items: ReadonlyArray<Term>): string => `[${items.map((item) => formatTerm(item)).join(", ")}]`
const isList = (items: ReadonlyArray<Term> | Term): items is ReadonlyArray<Term> => Array.isArray(items)

const inside = (condition: ConditionTree): string =>
  condition._tag === "All" || condition._tag === "Any" ? `(${format(condition)})` : format(condition)

/** The text of a condition, in the one spelling that the formatter knows. */
export const format = (condition: ConditionTree): string => {
  switch (condition._tag) {
    case "Always":
      return String(condition.value)
    case "Compare":
      return `${formatTerm(condition.left)} ${condition.operator} ${formatTerm(condition.right)}`
    case "Among": {
      const { items } = condition
      return `${formatTerm(condition.term)} in ${isList(items) ? formatItems(items) : formatTerm(items)}`
    }
    case "Within":
      return `${formatTerm(condition.term)} in ${formatTerm(condition.low)}..${formatTerm(condition.high)}`
    case "Exists":
      return `exists ${formatPathOf(condition.path)}`
    case "Matches":
      return `${formatTerm(condition.term)} ${condition.operator} ${formatTerm(condition.pattern)}`
    case "Contains":
      return `${formatTerm(condition.term)} contains ${formatTerm(condition.part)}`
    case "Inside":
      return `${formatTerm(condition.term)} inside ${formatTerm(condition.zone)}`
    case "Bit":
      return `${formatTerm(condition.term)} bit ${condition.bit}`
    case "Has":
      return `${formatPathOf(condition.path)} has ${formatTerm(condition.item)}`
    case "Not":
      return `not ${inside(condition.of)}`
    case "All":
      return condition.of.map(inside).join(" and ")
    case "Any":
      // `and` binds first, so that only a chain of the same word needs parentheses; all get them, for readers.
      return condition.of.map(inside).join(" or ")
  }
}
