/** What is known of the terms of a condition, and which of them may stand together: their types, units and values. */
import { nearest } from "../Nearest.ts"
import type { Term } from "./Condition.ts"
import type { ProblemReason } from "./ConditionInvalid.ts"
import { type Field, fieldAt, resolvePath, type Source } from "./Source.ts"

/** What a parameter may stand for; a list only behind `in`. */
export type ParameterValue = number | string | boolean | ReadonlyArray<number | string | boolean>
/** By name, without the `$`. */
export type Parameters = Readonly<Record<string, ParameterValue>>

/** How a kind of value is named. */
export const kinds: Readonly<Record<Field["type"], string>> = {
  number: "a number",
  text: "a text",
  boolean: "true or false",
  list: "a list",
  map: "a map of fields",
  unknown: "a value"
}
/** Of which nothing is known. */
export const unknown: Field = { type: "unknown" }
/** A unit that numbers are brought into, and where they stand: within a sum a temperature is a difference. */
export interface Scale {
  readonly unit: string | undefined
  readonly isWithinSum: boolean
}

/** Tells of a problem with a node. */
export type Report = (
  node: object,
  reason: ProblemReason,
  sentence: string,
  suggestions?: ReadonlyArray<string>
) => void

/** The checks of one condition. */
export class Checks {
  private readonly source: Source
  private readonly parameters: Parameters
  private readonly report: Report

  constructor(source: Source, parameters: Parameters, report: Report) {
    this.source = source
    this.parameters = parameters
    this.report = report
  }

  /** What is known of a term, without telling of problems within. */
  shapeOf(term: Term): Field {
    switch (term._tag) {
      case "Number":
      case "Arithmetic":
        return { type: "number" }
      case "Text":
        return { type: "text" }
      case "Boolean":
        return { type: "boolean" }
      case "Field":
        return fieldAt(this.source, resolvePath(this.source, term.path)) ?? unknown
      case "Parameter": {
        const value = Object.hasOwn(this.parameters, term.name) ? this.parameters[term.name] : undefined
        if (typeof value === "number") return { type: "number" }
        if (typeof value === "string") return { type: "text" }
        return typeof value === "boolean" ? { type: "boolean" } : unknown
      }
    }
  }

  /** Checks that two terms can be compared. */
  compared(left: Term, right: Term, isOrder: boolean): void {
    const one = this.shapeOf(left)
    const other = this.shapeOf(right)
    for (const [term, { type, values }] of [
      [left, one],
      [right, other]
    ] as const) {
      if (type === "list" || type === "map") {
        const hint =
          type === "list" ? "ask for an element with `has`, or for its length with `.len`" : "compare one of its fields"
        this.report(term, "WrongType", `${kinds[type]} cannot be compared; ${hint}`)
        return
      }
      if (isOrder && type === "boolean")
        return this.report(term, "WrongType", "true and false have no order; compare them with == or !=")
      if (isOrder && values !== undefined)
        return this.report(
          term,
          "WrongType",
          'the order of these names says nothing; list the ones you mean: in ["…", "…"]'
        )
    }
    if (one.type !== "unknown" && other.type !== "unknown" && one.type !== other.type)
      return this.report(
        right,
        "WrongType",
        `${kinds[one.type]} cannot be compared with ${kinds[other.type]}; that would never hold`
      )
    this.oneOf(one, right)
    this.oneOf(other, left)
  }

  /** Checks a text against the only values that a field can have. */
  private oneOf({ values }: Field, term: Term): void {
    const text = term._tag === "Text" ? term.value : term._tag === "Parameter" ? this.parameters[term.name] : undefined
    if (values === undefined || typeof text !== "string" || values.includes(text)) return
    const alike = nearest(text, values)
    const near = (alike.length > 0 ? alike : values.filter((value) => isPartOfOther(value, text))).map((value) =>
      JSON.stringify(value)
    )
    const sentence = `this is never ${JSON.stringify(text)}, but one of ${values.join(", ")}`
    this.report(term, "UnknownValue", sentence, near)
  }

  /** Checks that a term may be of this type; else tells why it should be. */
  expect(term: Term, type: Field["type"], otherwise: string): void {
    const shape = this.shapeOf(term)
    if (shape.type !== type && shape.type !== "unknown")
      this.report(term, "WrongType", `${otherwise}; this is ${kinds[shape.type]}`)
  }

  /** The unit that the fields among these terms declare. */
  scale(...terms: ReadonlyArray<Term>): Scale {
    let unit: string | undefined
    for (const term of terms) unit ??= this.unitOf(term)
    return { unit, isWithinSum: false }
  }

  private unitOf(term: Term): string | undefined {
    if (term._tag === "Field") return this.shapeOf(term).unit
    if (term._tag !== "Arithmetic") return undefined
    const left = this.unitOf(term.left)
    const right = this.unitOf(term.right)
    if (term.operator === "+" || term.operator === "-") return left ?? right
    // Of a product of two quantities nobody declared the unit.
    if (left !== undefined && right !== undefined) return undefined
    return term.operator === "*" ? (left ?? right) : left
  }

  /** Checks that the ends of a range count alike. */
  bothOrNoUnit(low: Term, high: Term): void {
    if (low._tag !== "Number" || high._tag !== "Number") return
    if ((low.unit === undefined) === (high.unit === undefined)) return
    const bare = low.unit === undefined ? low : high
    this.report(
      bare,
      "WrongUnit",
      `this end of the range has no unit, and the other counts in ${low.unit ?? high.unit}; write it at both`
    )
  }
}

const isPartOfOther = (one: string, other: string): boolean => one.startsWith(other) || other.startsWith(one)
