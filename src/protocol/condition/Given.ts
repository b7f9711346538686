/** What the parameters of a condition stand for, and what is told of those that cannot be used. */
import { nearest } from "../Nearest.ts"
import type { Parameters, ParameterValue, Report } from "./Checks.ts"
import { isConditionText, itemsMax, type ParameterTerm, type TextTerm } from "./Condition.ts"

/** One value: no list. */
export type Single = number | string | boolean

const isList = (value: ParameterValue): value is ReadonlyArray<Single> => Array.isArray(value)

/** The values that came with a condition. Nothing, and a problem, where one is missing or could not stand in a condition. */
export class Given {
  private readonly parameters: Parameters
  private readonly report: Report

  constructor(parameters: Parameters, report: Report) {
    this.parameters = parameters
    this.report = report
  }

  /** Where a value should stand. */
  single(term: ParameterTerm): Single | undefined {
    const value = this.value(term)
    if (value === undefined || !isList(value)) return value
    this.report(term, "WrongType", `$${term.name} is a list, which can only stand behind \`in\``)
    return undefined
  }

  /** Behind `in`: one value is a list of one. */
  list(term: ParameterTerm): ReadonlyArray<Single> {
    const value = this.value(term)
    if (value === undefined) return []
    const list = isList(value) ? value : [value]
    if (list.length > itemsMax) this.report(term, "TooLarge", `$${term.name} has more than ${itemsMax} items`)
    return list.slice(0, itemsMax)
  }

  /** A pattern or a zone, which may stand in the condition itself; empty after a problem. */
  text(term: TextTerm | ParameterTerm): string {
    if (term._tag === "Text") return term.value
    const value = this.value(term)
    if (typeof value === "string") return value
    if (value !== undefined) this.report(term, "WrongType", `$${term.name} should be a text`)
    return ""
  }

  private value(term: ParameterTerm): ParameterValue | undefined {
    const value = Object.hasOwn(this.parameters, term.name) ? this.parameters[term.name] : undefined
    if (value === undefined) {
      const near = nearest(term.name, Object.keys(this.parameters)).map((name) => `$${name}`)
      this.report(term, "UnknownParameter", `no value was given for $${term.name}`, near)
      return undefined
    }
    for (const each of isList(value) ? value : [value]) {
      if (typeof each === "number" && !Number.isFinite(each)) {
        this.report(term, "NotFinite", `$${term.name} is no finite number`)
        return undefined
      }
      if (typeof each === "string" && !isConditionText(each)) {
        this.report(
          term,
          "WrongType",
          `$${term.name} is a text that no twin could hold: too long, or with NUL or half of a surrogate pair`
        )
        return undefined
      }
    }
    return value
  }
}
