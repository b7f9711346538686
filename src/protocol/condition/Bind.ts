/** Checks a condition against its source and binds it: names, units, parameters and patterns. */
import { Result } from "effect"
import { nearest } from "../Nearest.ts"
import type { BoundCondition, BoundTerm } from "./Bound.ts"
import { Checks, kinds, type Parameters, type Report, type Scale, unknown } from "./Checks.ts"
import type { ConditionTree, FieldPath, ParameterTerm, Term } from "./Condition.ts"
import { type ConditionInvalid, type Problem, type ProblemReason, problemAt, soundOr } from "./ConditionInvalid.ts"
import { format, formatPath } from "./Format.ts"
import { Given, type Single } from "./Given.ts"
import { calculate } from "./Interpret.ts"
import { type Parsed, parse } from "./Parse.ts"
import { parsePattern, plainGlob } from "./Pattern.ts"
import { type Field, fieldAt, meantNames, resolvePath, type Source } from "./Source.ts"
import { convert, isShifted, millisOf, shareOf, unitNames } from "./Units.ts"

/** Stands for a term that has a problem; nothing more is said about it. */
const broken: BoundTerm = { _tag: "Boolean", value: false }

class Binder {
  private readonly parsed: Parsed
  private readonly source: Source
  private readonly converted: Map<object, number>
  /** Made nodes, and the ones that stand in the text for them. */
  private readonly places = new Map<object, object>()
  private readonly checks: Checks
  private readonly given: Given
  readonly problems: Array<Problem> = []

  constructor(parsed: Parsed, source: Source, parameters: Parameters, converted: Map<object, number>) {
    this.parsed = parsed
    this.source = source
    this.converted = converted
    const report: Report = (...problem) => this.report(...problem)
    this.checks = new Checks(source, parameters, report)
    this.given = new Given(parameters, report)
  }

  condition(tree: ConditionTree): BoundCondition {
    switch (tree._tag) {
      case "Always":
        return tree
      case "Not":
        return { _tag: "Not", of: this.condition(tree.of) }
      case "All":
      case "Any":
        return { _tag: tree._tag, of: tree.of.map((each) => this.condition(each)) }
      case "Exists":
        return { _tag: "Exists", path: this.path(tree.path, tree).path }
      case "Compare": {
        const isOrder = tree.operator !== "==" && tree.operator !== "!="
        this.checks.compared(tree.left, tree.right, isOrder)
        const scale = this.checks.scale(tree.left, tree.right)
        return { ...tree, left: this.term(tree.left, scale), right: this.term(tree.right, scale) }
      }
      case "Within": {
        const { term, low, high } = tree
        this.checks.compared(term, low, true)
        this.checks.compared(term, high, true)
        this.checks.bothOrNoUnit(low, high)
        const scale = this.checks.scale(term, low, high)
        return { ...tree, term: this.term(term, scale), low: this.term(low, scale), high: this.term(high, scale) }
      }
      case "Among": {
        const items = this.items(tree.items)
        for (const item of items) this.checks.compared(tree.term, item, false)
        const scale = this.checks.scale(tree.term, ...items)
        return { _tag: "Among", term: this.term(tree.term, scale), items: items.map((item) => this.term(item, scale)) }
      }
      case "Contains":
        this.checks.expect(tree.term, "text", "`contains` looks into texts; for an element of a list write `has`")
        this.checks.expect(tree.part, "text", "only a text can be part of a text")
        return { _tag: "Contains", term: this.term(tree.term), part: this.term(tree.part) }
      case "Matches":
        return this.matches(tree)
      case "Inside":
        return this.inside(tree)
      case "Bit":
        this.checks.expect(tree.term, "number", "only a number has bits")
        return { _tag: "Bit", term: this.term(tree.term), bit: tree.bit }
      case "Has": {
        const { path, field } = this.path(tree.path, tree)
        if (field.type !== "list" && field.type !== "unknown")
          this.report(
            tree,
            "WrongType",
            `only a list can have elements, and ${formatPath(tree.path)} is ${kinds[field.type]}`
          )
        return { _tag: "Has", path, item: this.term(tree.item) }
      }
    }
  }

  private matches(tree: Extract<ConditionTree, { readonly _tag: "Matches" }>): BoundCondition {
    const { operator, term } = tree
    this.checks.expect(term, "text", `\`${operator}\` looks at texts`)
    const text = this.given.text(tree.pattern)
    const pattern = parsePattern(operator, text)
    if (Result.isSuccess(pattern))
      return { _tag: "Matches", operator, term: this.term(term), text, pattern: pattern.success }
    this.report(tree.pattern, "BadPattern", `this pattern cannot be used: ${pattern.failure}`)
    return { _tag: "Always", value: false }
  }

  /** The zone itself, or a name that goes on behind a dot: two tests that every compiler and every index knows. */
  private inside(tree: Extract<ConditionTree, { readonly _tag: "Inside" }>): BoundCondition {
    this.checks.expect(tree.term, "text", "`inside` looks at the name of a zone, which is a text")
    const zone = this.given.text(tree.zone)
    const text = `${plainGlob(zone)}.*`
    const pattern = parsePattern("glob", text)
    if (!/^[^.]+(?:\.[^.]+)*$/.test(zone))
      this.report(tree.zone, "UnknownValue", "this is no zone; write names with one dot between them, as in ops.line3")
    else if (Result.isFailure(pattern))
      this.report(tree.zone, "BadPattern", `this zone cannot be used: ${pattern.failure}`)
    if (Result.isFailure(pattern)) return { _tag: "Always", value: false }
    const term = this.term(tree.term)
    const itself: BoundCondition = { _tag: "Compare", operator: "==", left: term, right: { _tag: "Text", value: zone } }
    return { _tag: "Any", of: [itself, { _tag: "Matches", operator: "glob", term, text, pattern: pattern.success }] }
  }

  private items(items: ReadonlyArray<Term> | ParameterTerm): ReadonlyArray<Term> {
    if (isTerms(items)) return items
    return this.given.list(items).map((item) => {
      // What is wrong with one of them is told at the parameter.
      const made = literal(item)
      this.places.set(made, items)
      return made
    })
  }

  private path(path: FieldPath, node: object): { readonly path: [string, ...Array<string>]; readonly field: Field } {
    const resolved = resolvePath(this.source, path)
    const field = fieldAt(this.source, resolved)
    if (field !== undefined) return { path: resolved, field }
    const written = formatPath(path)
    const suggestions = meantNames(this.source, written)
    this.report(
      node,
      "UnknownField",
      `${this.source.name === "event" ? "an" : "a"} ${this.source.name} has no field ${written}`,
      suggestions
    )
    return { path: resolved, field: unknown }
  }

  /** A value that stands alone. */
  value(term: Term, wanted: Field["type"], otherwise: string): BoundTerm {
    const { type } = this.checks.shapeOf(term)
    if (type === "list" || type === "map")
      this.report(term, "WrongType", `${kinds[type]} cannot be used here; name one of its fields`)
    else if (wanted !== "unknown") this.checks.expect(term, wanted, otherwise)
    return this.term(term, this.checks.scale(term))
  }

  private term(term: Term, scale: Scale = { unit: undefined, isWithinSum: false }): BoundTerm {
    switch (term._tag) {
      case "Number":
        return this.number(term, scale)
      case "Text":
      case "Boolean":
        return term
      case "Parameter": {
        const value = this.given.single(term)
        return value === undefined ? broken : literal(value)
      }
      case "Field": {
        const { path, field } = this.path(term.path, term)
        if (field.unit !== undefined && scale.unit !== undefined && field.unit !== scale.unit)
          this.report(
            term,
            "WrongUnit",
            `${formatPath(term.path)} counts in ${field.unit} and is compared with ${scale.unit}; multiply one of them by the number that makes them alike`
          )
        return { _tag: "Field", path }
      }
      case "Arithmetic":
        return this.arithmetic(term, scale)
    }
  }

  private arithmetic(term: Extract<Term, { readonly _tag: "Arithmetic" }>, { unit }: Scale): BoundTerm {
    const { operator } = term
    for (const side of [term.left, term.right])
      this.checks.expect(side, "number", `\`${operator}\` calculates with numbers`)
    const isSum = operator === "+" || operator === "-"
    const below: Scale = isSum ? { unit, isWithinSum: true } : { unit: undefined, isWithinSum: true }
    const [left, right] = [this.term(term.left, below), this.term(term.right, below)]
    if (operator === "/" && right._tag === "Number" && right.value === 0) {
      this.report(term.right, "DivisionByZero", "a division by zero has no result")
      return broken
    }
    if (left._tag !== "Number" || right._tag !== "Number") return { _tag: "Arithmetic", operator, left, right }
    const value = calculate(operator, left.value, right.value)
    if (value !== undefined) return { _tag: "Number", value: value === 0 ? 0 : value }
    this.report(term, "NotFinite", "the result is no finite number")
    return broken
  }

  private number(term: Extract<Term, { readonly _tag: "Number" }>, { unit, isWithinSum }: Scale): BoundTerm {
    const { value, unit: written } = term
    if (written === undefined) return { _tag: "Number", value }
    const converted =
      unit === undefined || (written !== unit && isWithinSum && isShifted(unit))
        ? undefined
        : convert(value, written, unit)
    if (converted !== undefined) {
      this.converted.set(term, converted)
      return { _tag: "Number", value: converted }
    }
    if (written === "%") return { _tag: "Number", value: shareOf(value) }
    const millis = unit === undefined ? millisOf(value, written) : undefined
    if (millis !== undefined) return { _tag: "Number", value: millis }
    const shown = `${value}${written}`
    if (!unitNames.includes(written) && unit === undefined)
      this.report(
        term,
        "WrongUnit",
        `nothing here counts in ${written}; write a plain number`,
        nearest(written, unitNames)
      )
    else if (unit === undefined)
      this.report(term, "WrongUnit", `no field here declares what it counts in; write ${value} without ${written}`)
    else
      this.report(
        term,
        "WrongUnit",
        `${shown} cannot be brought into ${unit}, which is what the field counts in; write it in ${unit}`
      )
    return broken
  }

  private report(node: object, reason: ProblemReason, sentence: string, suggestions: ReadonlyArray<string> = []): void {
    const span = this.parsed.spans.get(this.places.get(node) ?? node)
    this.problems.push(problemAt(this.parsed.text, span?.start ?? 0, reason, sentence, suggestions))
  }
}

const literal = (value: Single) => {
  if (typeof value === "number") return { _tag: "Number" as const, value: value === 0 ? 0 : value }
  return typeof value === "string" ? { _tag: "Text" as const, value } : { _tag: "Boolean" as const, value }
}

const isTerms = (items: ReadonlyArray<Term> | ParameterTerm): items is ReadonlyArray<Term> => Array.isArray(items)

/**
 * Checks a condition that was read, and binds it. Fails with all its problems, eight at most. Numbers whose fields declare what
 * they count in, and what they became, go into `converted`.
 */
export const bindParsed = (
  parsed: Parsed,
  source: Source,
  parameters: Parameters = {},
  converted: Map<object, number> = new Map()
): Result.Result<BoundCondition, ConditionInvalid> => {
  const binder = new Binder(parsed, source, parameters, converted)
  const bound = binder.condition(parsed.tree)
  return Result.map(soundOr(binder.problems), () => bound)
}

/** Checks a value that was read and stands alone, and binds it. Of the wanted type, or `otherwise` says why it must be. */
export const bindTerm = (
  { text, term, spans }: Omit<Parsed, "tree"> & { readonly term: Term },
  source: Source,
  wanted: Field["type"] = "unknown",
  otherwise = "",
  converted: Map<object, number> = new Map()
): Result.Result<BoundTerm, ConditionInvalid> => {
  const binder = new Binder({ text, tree: { _tag: "Always", value: true }, spans }, source, {}, converted)
  const bound = binder.value(term, wanted, otherwise)
  return Result.map(soundOr(binder.problems), () => bound)
}

/** Reads, checks and binds the text of a condition. */
export const bindText = (
  text: string,
  source: Source,
  parameters: Parameters = {}
): Result.Result<BoundCondition, ConditionInvalid> =>
  Result.flatMap(parse(text), (parsed) => bindParsed(parsed, source, parameters))

/** Checks and binds a tree. Its problems are placed in the text that {@link format} writes. */
export const bindTree = (
  tree: ConditionTree,
  source: Source,
  parameters: Parameters = {}
): Result.Result<BoundCondition, ConditionInvalid> => bindText(format(tree), source, parameters)
