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
import { type ConditionInvalid, problemAt } from "./ConditionInvalid.ts"
import { type Ends, nothing, Refusals } from "./Refusals.ts"
import { nodesIn } from "./Size.ts"
import { reading } from "./Stop.ts"
import { type SymbolText, type Token, Tokens } from "./Token.ts"
import type { Keyword } from "./Words.ts"

/** Where a node of the tree stands in the text, in UTF-16 units. */
export interface Span {
  readonly start: number
  readonly end: number
}

/** A condition as it was read, with the place of every node. */
export interface Parsed {
  readonly text: string
  readonly tree: ConditionTree
  readonly spans: ReadonlyMap<object, Span>
}

/** What stands between two operators: a value, or what holds or does not. Only later tokens tell which was wanted. */
type Operand =
  | { readonly is: "term"; readonly node: Term; readonly span: Span }
  | { readonly is: "condition"; readonly node: ConditionTree; readonly span: Span }

const isComparison = (symbol: string): symbol is Comparison => comparisons.some((each) => each === symbol)

class Reader {
  private readonly text: string
  private readonly tokens: Tokens
  private readonly spans: Map<object, Span>
  private readonly ends: Ends
  private readonly refuse: Refusals
  private depth = 0

  constructor(tokens: Tokens, spans: Map<object, Span>, ends: Ends) {
    this.text = tokens.text
    this.tokens = tokens
    this.spans = spans
    this.ends = ends
    this.refuse = new Refusals(tokens.text, ends)
  }

  /** A condition, up to its end. */
  whole(): ConditionTree {
    return this.bounded(() => this.conditionOf(this.any()))
  }

  /** A value, up to its end. */
  wholeTerm(): Term {
    return this.bounded(() => this.termOf(this.sum()))
  }

  private bounded<Node extends object>(read: () => Node): Node {
    const { start } = this.tokens
    const node = read()
    const rest = this.peek()
    if (!this.isEnd(rest)) this.refuse.rest(rest)
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

  private isEnd({ kind, start, end }: Token): boolean {
    if (kind === "end") return true
    const written = this.text.slice(start, end)
    const among: ReadonlyArray<string> = kind === "symbol" ? this.ends.symbols : kind === "path" ? this.ends.words : []
    return among.includes(written)
  }

  private any(): Operand {
    return this.chain("or", () => this.all())
  }

  private all(): Operand {
    return this.chain("and", () => this.denied())
  }

  private chain(word: "and" | "or", next: () => Operand): Operand {
    const first = next()
    if (!this.isWord(word)) return first
    const parts = [this.conditionOf(first)]
    while (this.takeWord(word)) parts.push(this.conditionOf(next()))
    const [one, two, ...rest] = parts
    if (one === undefined || two === undefined) throw new Error("a chain of one")
    const span = { start: first.span.start, end: this.lastEnd() }
    return this.condition({ _tag: word === "and" ? "All" : "Any", of: [one, two, ...rest] }, span)
  }

  private denied(): Operand {
    const { start } = this.peek()
    if (!this.takeWord("not")) return this.atom()
    const of = this.deeper(start, () => this.conditionOf(this.denied()))
    return this.condition({ _tag: "Not", of }, { start, end: this.lastEnd() })
  }

  private atom(): Operand {
    const { start } = this.peek()
    if (this.takeWord("exists")) {
      const { path } = this.fieldAfter("exists")
      return this.condition({ _tag: "Exists", path }, { start, end: this.lastEnd() })
    }
    const left = this.sum()
    const operator = this.peek()
    const test = this.test(left, operator)
    if (test === undefined) return left
    const made = this.condition(test, { start, end: this.lastEnd() })
    const next = this.peek()
    if (next.kind === "symbol" && (isComparison(next.symbol) || next.symbol === "="))
      this.refuse.at(next.start, "comparisons do not chain; write `a < b and b < c`, or `b in a..c`")
    return made
  }

  /** What is said of the term before the operator; nothing where no operator of a test follows. */
  private test(left: Operand, operator: Token): ConditionTree | undefined {
    if (operator.kind === "symbol") {
      const comparison = operator.symbol === "=" ? "==" : operator.symbol
      if (!isComparison(comparison)) return undefined
      this.tokens.advance()
      const term = this.termOf(left)
      return { _tag: "Compare", operator: comparison, left: term, right: this.termOf(this.sum()) }
    }
    if (this.takeSoft("inside")) return { _tag: "Inside", term: this.termOf(left), zone: this.pattern("inside") }
    if (this.takeSoft("bit")) return { _tag: "Bit", term: this.termOf(left), bit: this.bit() }
    if (operator.kind !== "word") return undefined
    const { word } = operator
    if (word !== "in" && word !== "contains" && word !== "has" && word !== "glob" && word !== "matches")
      return undefined
    this.tokens.advance()
    const term = this.termOf(left)
    if (word === "in") return this.choice(term)
    if (word === "contains") return { _tag: "Contains", term, part: this.termOf(this.sum()) }
    if (word === "has") {
      if (term._tag !== "Field")
        this.refuse.at(left.span.start, "only a field can have elements; write the list before `has`", [], "WrongType")
      return { _tag: "Has", path: term.path, item: this.termOf(this.sum()) }
    }
    return { _tag: "Matches", operator: word, term, pattern: this.pattern(word) }
  }

  private choice(term: Term): ConditionTree {
    if (this.takeSymbol("[")) return { _tag: "Among", term, items: this.items() }
    const low = this.sum()
    if (this.takeSymbol("..")) return { _tag: "Within", term, low: this.termOf(low), high: this.termOf(this.sum()) }
    if (low.is === "term" && low.node._tag === "Parameter") return { _tag: "Among", term, items: low.node }
    return this.refuse.at(low.span.start, "a list like [1, 2], a range like 1..5 or a parameter should follow `in`")
  }

  private items(): readonly [Term, ...Array<Term>] {
    const start = this.peek().start
    const items: Array<Term> = []
    do {
      if (items.length === itemsMax)
        this.refuse.at(this.peek().start, `a list has at most ${itemsMax} items`, [], "TooLarge")
      items.push(this.termOf(this.sum()))
    } while (this.takeSymbol(","))
    this.expect("]", start)
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
      const operator = signs.find((sign) => this.takeSymbol(sign))
      if (operator === undefined) return left
      const right = next()
      const node: Term = { _tag: "Arithmetic", operator, left: this.termOf(left), right: this.termOf(right) }
      left = this.term(node, { start: left.span.start, end: this.lastEnd() })
    }
  }

  private factor(): Operand {
    const token = this.peek()
    const { start, end } = token
    const span = { start, end }
    switch (token.kind) {
      case "number": {
        this.tokens.advance()
        const { value, unit } = token
        return this.term({ _tag: "Number", value, ...(unit === undefined ? {} : { unit }) }, span)
      }
      case "text":
        this.tokens.advance()
        return this.term({ _tag: "Text", value: token.value }, span)
      case "parameter":
        this.tokens.advance()
        return this.term({ _tag: "Parameter", name: token.name }, span)
      case "path":
        this.tokens.advance()
        return this.term({ _tag: "Field", path: this.pathOf(token.segments) }, span)
      case "word":
        if (token.word !== "true" && token.word !== "false") return this.refuse.value(token)
        this.tokens.advance()
        return this.term({ _tag: "Boolean", value: token.word === "true" }, span)
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
    this.tokens.advance()
    const operand = this.deeper(start, () => this.factor())
    const node = this.termOf(operand)
    const span = { start, end: this.lastEnd() }
    if (node._tag === "Number" && this.text[operand.span.start] !== "(")
      return this.term({ ...node, value: node.value === 0 ? 0 : -node.value }, span)
    const zero: Term = { _tag: "Number", value: 0 }
    this.spans.set(zero, span)
    return this.term({ _tag: "Arithmetic", operator: "-", left: zero, right: node }, span)
  }

  private group(start: number): Operand {
    this.tokens.advance()
    const inside = this.deeper(start, () => this.any())
    this.expect(")", start)
    // The place of what stands in parentheses is the parentheses.
    return { ...inside, span: { start, end: this.lastEnd() } }
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

  private term(node: Term, span: Span): Operand {
    this.spans.set(node, span)
    return { is: "term", node, span }
  }

  private condition(node: ConditionTree, span: Span): Operand {
    this.spans.set(node, span)
    return { is: "condition", node, span }
  }

  private termOf(operand: Operand): Term {
    if (operand.is === "term") return operand.node
    return this.refuse.at(operand.span.start, "a value should stand here, not a condition", [], "WrongType")
  }

  private conditionOf({ is, node, span }: Operand): ConditionTree {
    if (is === "condition") return node
    if (node._tag === "Boolean") {
      const always: ConditionTree = { _tag: "Always", value: node.value }
      this.spans.set(always, span)
      return always
    }
    const next = this.peek()
    const goesOn = next.kind === "word" ? next.word === "and" || next.word === "or" : next.kind === "symbol"
    if (!goesOn && !this.isEnd(next)) return this.refuse.rest(next)
    const written = this.text.slice(span.start, span.end)
    const example = written.length > 40 ? "" : `, as in \`${written} ${node._tag === "Field" ? "== true" : "== 1"}\``
    const sentence = `a condition should stand here, not a value; compare it${example}`
    return this.refuse.at(span.start, sentence, [], "WrongType")
  }

  private peek(): Token {
    return this.tokens.next
  }

  private lastEnd(): number {
    return this.tokens.lastEnd
  }

  private isWord(word: Keyword): boolean {
    const token = this.peek()
    return token.kind === "word" && token.word === word
  }

  private takeWord(word: Keyword): boolean {
    if (!this.isWord(word)) return false
    this.tokens.advance()
    return true
  }

  private takeSoft(word: string): boolean {
    const { kind, start, end } = this.peek()
    if (kind !== "path" || this.text.slice(start, end) !== word) return false
    this.tokens.advance()
    return true
  }

  private takeSymbol(symbol: SymbolText): boolean {
    const token = this.peek()
    if (token.kind !== "symbol" || token.symbol !== symbol) return false
    this.tokens.advance()
    return true
  }

  private expect(symbol: ")" | "]", openedAt: number): void {
    if (this.takeSymbol(symbol)) return
    const token = this.peek()
    if (token.kind !== "end") this.refuse.rest(token, symbol)
    const opened = problemAt(this.text, openedAt, "Syntax", "")
    this.refuse.at(
      token.start,
      `\`${symbol}\` is missing; it was opened at line ${opened.line}, column ${opened.column}`
    )
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
