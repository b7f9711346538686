/** Checks a condition against its source and binds it: names, units, parameters and patterns. */
import { Result } from "effect"
import { nearest } from "../Nearest.ts"
import type { BoundCondition, BoundTerm } from "./Bound.ts"
import type { ConditionTree, FieldPath, ParameterTerm, Term, TextTerm } from "./Condition.ts"
import { isConditionText, itemsMax } from "./Condition.ts"
import { ConditionInvalid, type Problem, type ProblemReason, problemAt, problemsMax } from "./ConditionInvalid.ts"
import { format, formatPath } from "./Format.ts"
import { calculate } from "./Interpret.ts"
import { type Parsed, parse } from "./Parse.ts"
import { parsePattern, plainGlob } from "./Pattern.ts"
import { type Field, fieldAt, meantNames, resolvePath, type Source } from "./Source.ts"
import { convert, isShifted, millisOf, shareOf, unitNames } from "./Units.ts"

/** What a parameter may stand for; a list only behind `in`. */
export type ParameterValue = number | string | boolean | ReadonlyArray<number | string | boolean>
/** By name, without the `$`. */
export type Parameters = Readonly<Record<string, ParameterValue>>

const kinds: Readonly<Record<Field["type"], string>> = {
  number: "a number",
  text: "a text",
  boolean: "true or false",
  list: "a list",
  map: "a map of fields",
  unknown: "a value"
}
const unknown: Field = { type: "unknown" }
/** Stands for a term that has a problem; nothing more is said about it. */
const broken: BoundTerm = { _tag: "Boolean", value: false }

/** A unit that numbers are brought into, and where they stand: within a sum a temperature is a difference. */
interface Scale {
  readonly unit: string | undefined
  readonly isWithinSum: boolean
}

class Binder {
  private readonly parsed: Parsed
  private readonly source: Source
  private readonly parameters: Parameters
  /** Made nodes, and the ones that stand in the text for them. */
  private readonly places = new Map<object, object>()
  readonly problems: Array<Problem> = []

  constructor(parsed: Parsed, source: Source, parameters: Parameters) {
    this.parsed = parsed
    this.source = source
    this.parameters = parameters
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
        this.compared(tree.left, tree.right, isOrder)
        const scale = this.scale(tree.left, tree.right)
        return { ...tree, left: this.term(tree.left, scale), right: this.term(tree.right, scale) }
      }
      case "Within": {
        const { term, low, high } = tree
        this.compared(term, low, true)
        this.compared(term, high, true)
        this.bothOrNoUnit(low, high)
        const scale = this.scale(term, low, high)
        return { ...tree, term: this.term(term, scale), low: this.term(low, scale), high: this.term(high, scale) }
      }
      case "Among": {
        const items = this.items(tree.items)
        for (const item of items) this.compared(tree.term, item, false)
        const scale = this.scale(tree.term, ...items)
        return { _tag: "Among", term: this.term(tree.term, scale), items: items.map((item) => this.term(item, scale)) }
      }
      case "Contains":
        this.expect(tree.term, "text", "`contains` looks into texts; for an element of a list write `has`")
        this.expect(tree.part, "text", "only a text can be part of a text")
        return { _tag: "Contains", term: this.term(tree.term), part: this.term(tree.part) }
      case "Matches":
        return this.matches(tree)
      case "Inside":
        return this.inside(tree)
      case "Bit":
        this.expect(tree.term, "number", "only a number has bits")
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
    this.expect(term, "text", `\`${operator}\` looks at texts`)
    const text = this.patternText(tree.pattern)
    const pattern = parsePattern(operator, text)
    if (Result.isSuccess(pattern))
      return { _tag: "Matches", operator, term: this.term(term), text, pattern: pattern.success }
    this.report(tree.pattern, "BadPattern", `this pattern cannot be used: ${pattern.failure}`)
    return { _tag: "Always", value: false }
  }

  /** The zone itself, or a name that goes on behind a dot: two tests that every compiler and every index knows. */
  private inside(tree: Extract<ConditionTree, { readonly _tag: "Inside" }>): BoundCondition {
    this.expect(tree.term, "text", "`inside` looks at the name of a zone, which is a text")
    const zone = this.patternText(tree.zone)
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

  private patternText(pattern: TextTerm | ParameterTerm): string {
    if (pattern._tag === "Text") return pattern.value
    const value = this.parameter(pattern)
    if (typeof value === "string") return value
    if (value !== undefined) this.report(pattern, "WrongType", `$${pattern.name} should be a text`)
    return ""
  }

  private items(items: ReadonlyArray<Term> | ParameterTerm): ReadonlyArray<Term> {
    if (isTerms(items)) return items
    const value = this.parameter(items)
    if (value === undefined) return []
    const list = isValues(value) ? value : [value]
    if (list.length > itemsMax) this.report(items, "TooLarge", `$${items.name} has more than ${itemsMax} items`)
    return list.slice(0, itemsMax).map((item) => {
      // What is wrong with one of them is told at the parameter.
      const made = literal(item)
      this.places.set(made, items)
      return made
    })
  }

  /** The value of a parameter; nothing, and a problem, where none was given or it could not stand in a condition. */
  private parameter(term: ParameterTerm): ParameterValue | undefined {
    const names = Object.keys(this.parameters)
    const value = Object.hasOwn(this.parameters, term.name) ? this.parameters[term.name] : undefined
    if (value === undefined) {
      const near = nearest(term.name, names).map((name) => `$${name}`)
      this.report(term, "UnknownParameter", `no value was given for $${term.name}`, near)
      return undefined
    }
    for (const each of isValues(value) ? value : [value]) {
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

  /** What is known of a term, without telling of problems within. */
  private shapeOf(term: Term): Field {
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
  private compared(left: Term, right: Term, isOrder: boolean): void {
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

  private expect(term: Term, type: Field["type"], otherwise: string): void {
    const shape = this.shapeOf(term)
    if (shape.type !== type && shape.type !== "unknown")
      this.report(term, "WrongType", `${otherwise}; this is ${kinds[shape.type]}`)
  }

  /** The unit that the fields among these terms declare. */
  private scale(...terms: ReadonlyArray<Term>): Scale {
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

  private bothOrNoUnit(low: Term, high: Term): void {
    if (low._tag !== "Number" || high._tag !== "Number") return
    if ((low.unit === undefined) === (high.unit === undefined)) return
    const bare = low.unit === undefined ? low : high
    this.report(
      bare,
      "WrongUnit",
      `this end of the range has no unit, and the other counts in ${low.unit ?? high.unit}; write it at both`
    )
  }

  /** A value that stands alone. */
  value(term: Term, wanted: Field["type"], otherwise: string): BoundTerm {
    const { type } = this.shapeOf(term)
    if (type === "list" || type === "map")
      this.report(term, "WrongType", `${kinds[type]} cannot be used here; name one of its fields`)
    else if (wanted !== "unknown") this.expect(term, wanted, otherwise)
    return this.term(term, this.scale(term))
  }

  private term(term: Term, scale: Scale = { unit: undefined, isWithinSum: false }): BoundTerm {
    switch (term._tag) {
      case "Number":
        return this.number(term, scale)
      case "Text":
      case "Boolean":
        return term
      case "Parameter": {
        const value = this.parameter(term)
        if (value === undefined) return broken
        if (isValues(value)) {
          this.report(term, "WrongType", `$${term.name} is a list, which can only stand behind \`in\``)
          return broken
        }
        return literal(value)
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
    for (const side of [term.left, term.right]) this.expect(side, "number", `\`${operator}\` calculates with numbers`)
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
    if (written === undefined || written === unit) return { _tag: "Number", value }
    const converted = unit === undefined || (isWithinSum && isShifted(unit)) ? undefined : convert(value, written, unit)
    if (converted !== undefined) return { _tag: "Number", value: converted }
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

const isPartOfOther = (one: string, other: string): boolean => one.startsWith(other) || other.startsWith(one)

const literal = (value: number | string | boolean) => {
  if (typeof value === "number") return { _tag: "Number" as const, value: value === 0 ? 0 : value }
  return typeof value === "string" ? { _tag: "Text" as const, value } : { _tag: "Boolean" as const, value }
}

const isTerms = (items: ReadonlyArray<Term> | ParameterTerm): items is ReadonlyArray<Term> => Array.isArray(items)
const isValues = (value: ParameterValue): value is ReadonlyArray<number | string | boolean> => Array.isArray(value)

/** Checks a condition that was read, and binds it. Fails with all its problems, eight at most. */
export const bindParsed = (
  parsed: Parsed,
  source: Source,
  parameters: Parameters = {}
): Result.Result<BoundCondition, ConditionInvalid> => {
  const binder = new Binder(parsed, source, parameters)
  const bound = binder.condition(parsed.tree)
  return Result.map(soundOr(binder.problems), () => bound)
}

/**
 * Fails with these problems in the order of the text, if there are any. One place is told of once: the first problem there
 * is the cause of the others.
 */
export const soundOr = (problems: ReadonlyArray<Problem>): Result.Result<void, ConditionInvalid> => {
  const told = new Map<number, Problem>()
  for (const problem of problems) if (!told.has(problem.at)) told.set(problem.at, problem)
  const [first, ...rest] = [...told.values()].toSorted((a, b) => a.at - b.at)
  if (first === undefined) return Result.void
  return Result.fail(new ConditionInvalid({ problems: [first, ...rest.slice(0, problemsMax - 1)] }))
}

/** Checks a value that was read and stands alone, and binds it. Of the wanted type, or `otherwise` says why it must be. */
export const bindTerm = (
  { text, term, spans }: Omit<Parsed, "tree"> & { readonly term: Term },
  source: Source,
  wanted: Field["type"] = "unknown",
  otherwise = ""
): Result.Result<BoundTerm, ConditionInvalid> => {
  const binder = new Binder({ text, tree: { _tag: "Always", value: true }, spans }, source, {})
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
