/**
 * Reads the text of a condition by recursive descent, one method for each strength of binding:
 *
 * ```text
 * condition  = any
 * any        = all { "or" all }
 * all        = denied { "and" denied }
 * denied     = "not" denied | atom
 * atom       = "exists" path | term [ test ] | "true" | "false"
 * test       = ( "<" | "<=" | "==" | "=" | "!=" | ">=" | ">" ) term
 *            | "in" ( "[" term { "," term } "]" | parameter | term ".." term )
 *            | ( "glob" | "matches" ) ( text | parameter )
 *            | ( "contains" | "has" ) term
 *            | "inside" ( text | parameter )
 *            | "bit" number
 * term       = product { ( "+" | "-" ) product }
 * product    = factor { ( "*" | "/" ) factor }
 * factor     = "-" factor | "(" any ")" | number | text | path | parameter | "true" | "false"
 * ```
 */
import type { Result } from "effect"
import {
  bitMax,
  type Comparison,
  type ConditionTree,
  comparisons,
  depthMax,
  type FieldPath,
  type FieldTerm,
  itemsMax,
  nodesMax,
  type ParameterTerm,
  type Term,
  type TextTerm
} from "./Condition.ts"
import type { ConditionInvalid } from "./ConditionInvalid.ts"
import { type Operand, Operands } from "./Operands.ts"
import { type Ends, nothing, type Refusals } from "./Refusals.ts"
import { nodesIn } from "./Size.ts"
import type { Span } from "./Span.ts"
import { Steps } from "./Steps.ts"
import { reading } from "./Stop.ts"
import { type Token, Tokens } from "./Token.ts"

/** A condition as it was read, with the place of every node. */
export interface Parsed {
  readonly text: string
  readonly tree: ConditionTree
  readonly spans: ReadonlyMap<object, Span>
}

const isComparison = (symbol: string): symbol is Comparison => comparisons.some((each) => each === symbol)

class Reader {
  private readonly steps: Steps
  private readonly made: Operands
  private readonly refuse: Refusals
  private depth = 0

  constructor(tokens: Tokens, spans: Map<object, Span>, ends: Ends) {
    this.steps = new Steps(tokens, ends)
    this.made = new Operands(this.steps, spans)
    this.refuse = this.steps.refuse
  }

  /** A condition, up to its end. */
  whole(): ConditionTree {
    return this.bounded(() => this.made.conditionOf(this.any()))
  }

  /** A value, up to its end. */
  wholeTerm(): Term {
    return this.bounded(() => this.made.termOf(this.sum()))
  }

  private bounded<Node extends object>(read: () => Node): Node {
    const { start } = this.steps
    const node = read()
    if (!this.steps.isAtEnd) this.refuse.rest(this.steps.next)
    const { nodes, depth } = nodesIn(node)
    if (nodes > nodesMax)
      this.refuse.at(
        start,
        `a condition has at most ${nodesMax} operators and terms; this one has ${nodes}`,
        [],
        "TooLarge"
      )
    if (depth > depthMax) this.refuse.depth(start)
    return node
  }

  private any(): Operand {
    return this.chain("or", () => this.all())
  }

  private all(): Operand {
    return this.chain("and", () => this.denied())
  }

  private chain(word: "and" | "or", next: () => Operand): Operand {
    const first = next()
    if (!this.steps.isWord(word)) return first
    const parts = [this.made.conditionOf(first)]
    while (this.steps.takeWord(word)) parts.push(this.made.conditionOf(next()))
    const [one, two, ...rest] = parts
    if (one === undefined || two === undefined) throw new Error("a chain of one")
    const span = { start: first.span.start, end: this.steps.lastEnd }
    return this.made.condition({ _tag: word === "and" ? "All" : "Any", of: [one, two, ...rest] }, span)
  }

  private denied(): Operand {
    const { start } = this.steps.next
    if (!this.steps.takeWord("not")) return this.atom()
    const of = this.deeper(start, () => this.made.conditionOf(this.denied()))
    return this.made.condition({ _tag: "Not", of }, { start, end: this.steps.lastEnd })
  }

  private atom(): Operand {
    const { start } = this.steps.next
    if (this.steps.takeWord("exists")) {
      const { path } = this.fieldAfter("exists")
      return this.made.condition({ _tag: "Exists", path }, { start, end: this.steps.lastEnd })
    }
    const left = this.sum()
    const operator = this.steps.next
    const test = this.test(left, operator)
    if (test === undefined) return left
    const made = this.made.condition(test, { start, end: this.steps.lastEnd })
    const next = this.steps.next
    if (next.kind === "symbol" && (isComparison(next.symbol) || next.symbol === "="))
      this.refuse.at(next.start, "comparisons do not chain; write `a < b and b < c`, or `b in a..c`")
    return made
  }

  /** What is said of the term before the operator; nothing where no operator of a test follows. */
  private test(left: Operand, operator: Token): ConditionTree | undefined {
    if (operator.kind === "symbol") {
      const comparison = operator.symbol === "=" ? "==" : operator.symbol
      if (!isComparison(comparison)) return undefined
      this.steps.advance()
      const term = this.made.termOf(left)
      return { _tag: "Compare", operator: comparison, left: term, right: this.made.termOf(this.sum()) }
    }
    if (this.steps.takeSoft("inside"))
      return { _tag: "Inside", term: this.made.termOf(left), zone: this.pattern("inside") }
    if (this.steps.takeSoft("bit")) return { _tag: "Bit", term: this.made.termOf(left), bit: this.bit() }
    if (operator.kind !== "word") return undefined
    const { word } = operator
    if (word !== "in" && word !== "contains" && word !== "has" && word !== "glob" && word !== "matches")
      return undefined
    this.steps.advance()
    const term = this.made.termOf(left)
    if (word === "in") return this.choice(term)
    if (word === "contains") return { _tag: "Contains", term, part: this.made.termOf(this.sum()) }
    if (word === "has") {
      if (term._tag !== "Field")
        this.refuse.at(left.span.start, "only a field can have elements; write the list before `has`", [], "WrongType")
      return { _tag: "Has", path: term.path, item: this.made.termOf(this.sum()) }
    }
    return { _tag: "Matches", operator: word, term, pattern: this.pattern(word) }
  }

  private choice(term: Term): ConditionTree {
    if (this.steps.takeSymbol("[")) return { _tag: "Among", term, items: this.items() }
    const low = this.sum()
    if (this.steps.takeSymbol(".."))
      return { _tag: "Within", term, low: this.made.termOf(low), high: this.made.termOf(this.sum()) }
    if (low.is === "term" && low.node._tag === "Parameter") return { _tag: "Among", term, items: low.node }
    return this.refuse.at(low.span.start, "a list like [1, 2], a range like 1..5 or a parameter should follow `in`")
  }

  private items(): readonly [Term, ...Array<Term>] {
    const start = this.steps.next.start
    const items: Array<Term> = []
    do {
      if (items.length === itemsMax)
        this.refuse.at(this.steps.next.start, `a list has at most ${itemsMax} items`, [], "TooLarge")
      items.push(this.made.termOf(this.sum()))
    } while (this.steps.takeSymbol(","))
    this.steps.expect("]", start)
    const [first, ...rest] = items
    if (first === undefined) throw new Error("a list of none")
    return [first, ...rest]
  }

  private bit(): number {
    const { node, span } = this.factor()
    const isBit = node._tag === "Number" && node.unit === undefined && Number.isInteger(node.value)
    if (isBit && node.value >= 0 && node.value <= bitMax) return node.value
    return this.refuse.at(span.start, `the number of a bit should follow \`bit\`: 0 for the lowest, ${bitMax} at most`)
  }

  private pattern(word: string): TextTerm | ParameterTerm {
    const operand = this.sum()
    const { node } = operand
    if (node._tag === "Text" || node._tag === "Parameter") return node
    const what = word === "inside" ? "a zone" : "a pattern"
    return this.refuse.at(operand.span.start, `${what} in quotes, or a parameter, should follow \`${word}\``)
  }

  private fieldAfter(word: string): FieldTerm {
    const operand = this.factor()
    if (operand.node._tag === "Field") return operand.node
    return this.refuse.at(operand.span.start, `the name of a field should follow \`${word}\``)
  }

  private sum(): Operand {
    return this.arithmetic(["+", "-"], () => this.arithmetic(["*", "/"], () => this.factor()))
  }

  private arithmetic(signs: ReadonlyArray<"+" | "-" | "*" | "/">, next: () => Operand): Operand {
    let left = next()
    for (;;) {
      const operator = signs.find((sign) => this.steps.takeSymbol(sign))
      if (operator === undefined) return left
      const right = next()
      const node: Term = { _tag: "Arithmetic", operator, left: this.made.termOf(left), right: this.made.termOf(right) }
      left = this.made.term(node, { start: left.span.start, end: this.steps.lastEnd })
    }
  }

  private factor(): Operand {
    const token = this.steps.next
    const { start, end } = token
    const span = { start, end }
    switch (token.kind) {
      case "number": {
        this.steps.advance()
        const { value, unit } = token
        return this.made.term({ _tag: "Number", value, ...(unit === undefined ? {} : { unit }) }, span)
      }
      case "text":
        this.steps.advance()
        return this.made.term({ _tag: "Text", value: token.value }, span)
      case "parameter":
        this.steps.advance()
        return this.made.term({ _tag: "Parameter", name: token.name }, span)
      case "path":
        this.steps.advance()
        return this.made.term({ _tag: "Field", path: this.pathOf(token.segments) }, span)
      case "word":
        if (token.word !== "true" && token.word !== "false") return this.refuse.value(token)
        this.steps.advance()
        return this.made.term({ _tag: "Boolean", value: token.word === "true" }, span)
      case "symbol":
        if (token.symbol === "-") return this.negative(start)
        if (token.symbol === "(") return this.group(start)
        return this.refuse.value(token)
      case "end":
        return this.refuse.value(token)
    }
  }

  /** A minus before a number is part of it, before all else a difference from zero. */
  private negative(start: number): Operand {
    this.steps.advance()
    const operand = this.deeper(start, () => this.factor())
    const node = this.made.termOf(operand)
    const span = { start, end: this.steps.lastEnd }
    if (node._tag === "Number" && this.steps.text[operand.span.start] !== "(")
      return this.made.term({ ...node, value: node.value === 0 ? 0 : -node.value }, span)
    return this.made.term({ _tag: "Arithmetic", operator: "-", left: this.made.zero(span), right: node }, span)
  }

  private group(start: number): Operand {
    this.steps.advance()
    const inside = this.deeper(start, () => this.any())
    this.steps.expect(")", start)
    // The place of what stands in parentheses is the parentheses.
    return { ...inside, span: { start, end: this.steps.lastEnd } }
  }

  private deeper<A>(start: number, read: () => A): A {
    if (++this.depth > depthMax) this.refuse.depth(start)
    const result = read()
    this.depth--
    return result
  }

  private pathOf([first, ...rest]: ReadonlyArray<string>): FieldPath {
    if (first === undefined) throw new Error("a path of none")
    return [first, ...rest]
  }
}

/** Reads a condition. Fails with {@link ConditionInvalid} at the first character that does not fit. */
export const parse = (text: string): Result.Result<Parsed, ConditionInvalid> =>
  reading(() => {
    const spans = new Map<object, Span>()
    return { text, tree: new Reader(new Tokens(text), spans, nothing).whole(), spans }
  })

/** Reads a condition within a longer text, up to where it ends. Throws `Stop` at the first character that does not fit. */
export const readCondition = (tokens: Tokens, spans: Map<object, Span>, ends: Ends): ConditionTree =>
  new Reader(tokens, spans, ends).whole()

/** Reads a value within a longer text, up to where it ends. Throws `Stop` at the first character that does not fit. */
export const readTerm = (tokens: Tokens, spans: Map<object, Span>, ends: Ends): Term =>
  new Reader(tokens, spans, ends).wholeTerm()
