/** Where a reader of a pattern, or of a policy, is in the text, and what can be read at many places of it. */
import {
  type Comparison,
  type ConditionTree,
  comparisons,
  type FieldPath,
  isConditionText,
  type Term
} from "../condition/Condition.ts"
import { type ProblemReason, problemAt } from "../condition/ConditionInvalid.ts"
import { readCondition, readTerm } from "../condition/Parse.ts"
import type { Ends } from "../condition/Refusals.ts"
import type { Span } from "../condition/Span.ts"
import { stop } from "../condition/Stop.ts"
import { patternSymbols, type SymbolText, symbols, type Token, Tokens } from "../condition/Token.ts"
import { convert, millisOf, shareOf } from "../condition/Units.ts"
import { nearest } from "../Nearest.ts"
import { spanMillisMax, type Threshold } from "./Pattern.ts"
import { wordsAfterCondition } from "./Words.ts"

/** Words are looked at as characters: `device.*` is no token, and a word with a dot is a type of events. */
const word = /[\p{L}_][\p{L}\p{N}_]*(?![\p{L}\p{N}_.*]|-(?!>))/uy
const anything = /\S+/y

/** What a language around the conditions adds to their signs, and what may follow a condition in it. */
export interface Surrounding {
  readonly signs: ReadonlyArray<SymbolText>
  readonly conditionEnds: Ends
}
const aroundPatterns: Surrounding = {
  signs: patternSymbols,
  conditionEnds: { words: wordsAfterCondition, symbols: ["->", "~>", "}"] }
}

/** How long a time may be, and what is said of a longer one. */
export interface DurationBound {
  readonly millisMax: number
  readonly sentence: string
}
const patternSpan: DurationBound = {
  millisMax: spanMillisMax,
  sentence: "a pattern looks back or waits for 24h at most"
}

const termEnds: Ends = { words: [], symbols: [",", ")", "}"] }
const isComparison = (symbol: string): symbol is Comparison => comparisons.some((each) => each === symbol)
const durationUnits = ["ms", "s", "min", "h"]

export class Cursor {
  readonly text: string
  readonly tokens: Tokens
  /** Where the nodes of the tree stand. */
  readonly spans = new Map<object, Span>()
  /** Where its other parts stand, by their names, such as `name` and `by.0`. Of another pattern in another map. */
  places = new Map<string, Span>()

  private readonly conditionEnds: Ends

  constructor(text: string, lengthMax?: number, { signs, conditionEnds }: Surrounding = aroundPatterns) {
    this.text = text
    this.tokens = new Tokens(text, [...signs, ...symbols], lengthMax)
    this.conditionEnds = conditionEnds
  }

  /** Where the next thing begins. */
  get start(): number {
    return this.tokens.start
  }
  get end(): number {
    return this.tokens.lastEnd
  }

  /** What matches at the next thing, without taking it. The expression is sticky. */
  look(expression: RegExp): RegExpExecArray | undefined {
    expression.lastIndex = this.start
    return expression.exec(this.text) ?? undefined
  }
  take(expression: RegExp): string | undefined {
    const found = this.look(expression)
    if (found === undefined) return undefined
    this.tokens.moveTo(found.index + found[0].length)
    return found[0]
  }

  /** The next word, if there is one. */
  word(): string | undefined {
    return this.look(word)?.[0]
  }
  isWord(expected: string): boolean {
    return this.word() === expected
  }
  takeWord(expected: string): boolean {
    if (!this.isWord(expected)) return false
    this.take(word)
    return true
  }
  /** Takes a word that must stand here. */
  expectWord(expected: string, why: string): void {
    if (!this.takeWord(expected)) this.refuseWord([expected], `\`${expected}\` should follow: ${why}`)
  }

  isSymbol(symbol: SymbolText): boolean {
    return this.isAt(symbol)
  }
  takeSymbol(symbol: SymbolText): boolean {
    if (!this.isSymbol(symbol)) return false
    this.tokens.moveTo(this.start + symbol.length)
    return true
  }
  expectSymbol(symbol: SymbolText, what: string): void {
    if (this.takeSymbol(symbol)) return
    this.refuse(this.start, `\`${symbol}\` should stand here, ${what}${this.shownInstead()}`)
  }
  /** Takes a comma, or says what closes what was opened at a place. Where that is, is found out only for the message. */
  expectComma(closing: SymbolText, openedAt: number): void {
    if (this.takeSymbol(",")) return
    this.expectSymbol(",", `or \`${closing}\` to close what was opened at ${this.shownPlace(openedAt)}`)
  }
  isEnd(): boolean {
    return this.start >= this.text.length
  }

  /** Notes where something stands that begins here and ends where `read` is done. */
  placed<A>(name: string, read: () => A): A {
    const { start } = this
    const made = read()
    const span = { start, end: this.end }
    this.places.set(name, span)
    if (typeof made === "object" && made !== null) this.spans.set(made, span)
    return made
  }

  condition(): ConditionTree {
    return readCondition(this.tokens, this.spans, this.conditionEnds)
  }
  term(): Term {
    return readTerm(this.tokens, this.spans, termEnds)
  }

  field(after: string): FieldPath {
    const token = this.tokens.next
    const [first, ...rest] = token.kind === "path" ? token.segments : []
    if (first === undefined)
      return this.refuse(this.start, `the name of a field should follow ${after}${this.shownInstead()}`)
    this.tokens.advance()
    return [first, ...rest]
  }

  /** Whether a text in quotes stands here. */
  isQuoted(): boolean {
    return this.isAt('"') || this.isAt("'")
  }
  private isAt(sign: string): boolean {
    return this.text.startsWith(sign, this.start)
  }

  /** A text in quotes. */
  quoted(what: string): string {
    const token = this.tokens.next
    if (token.kind !== "text")
      return this.refuse(this.start, `${what} should stand here, in quotes${this.shownInstead()}`)
    if (!isConditionText(token.value)) throw new Error("a text that cannot stand in a condition")
    this.tokens.advance()
    return token.value
  }

  /** A whole number from 1. */
  count(maximum: number, what: string): number {
    const { start } = this
    const token = this.tokens.next
    if (token.kind !== "number" || token.unit !== undefined || !Number.isInteger(token.value) || token.value < 1)
      return this.refuse(start, `${what} should stand here, a whole number${this.shownInstead()}`)
    if (token.value > maximum) this.refuse(start, `${what} is at most ${maximum}`, [], "TooLarge")
    this.tokens.advance()
    return token.value
  }

  /** A number as it counts where no field says what it counts: `80%` is 0.8, `10s` is 10000. */
  number(what: string): number {
    const { start } = this
    const isNegative = this.takeSymbol("-")
    const token = this.tokens.next
    if (token.kind !== "number") return this.refuse(this.start, `${what} should stand here${this.shownInstead()}`)
    this.tokens.advance()
    const value = this.plain(token, start)
    return value === 0 ? 0 : isNegative ? -value : value
  }

  private plain({ value, unit }: Extract<Token, { readonly kind: "number" }>, start: number): number {
    if (unit === undefined) return value
    if (unit === "%") return shareOf(value)
    const sentence = `here nothing says what the values count in; write ${value} without ${unit}`
    return millisOf(value, unit) ?? this.refuse(start, sentence, [], "WrongUnit")
  }

  /** A time in ms. */
  duration(after: string, { millisMax, sentence }: DurationBound = patternSpan): number {
    const { start } = this
    const token = this.tokens.next
    if (token.kind !== "number")
      return this.refuse(start, `a time such as 10s or 5min should follow ${after}${this.shownInstead()}`)
    const { value, unit } = token
    if (unit === undefined) return this.refuse(start, `a time has a unit; write ${value}s, ${value}min or ${value}ms`)
    const millis = convert(value, unit, "ms")
    if (millis === undefined)
      return this.refuse(
        token.end - unit.length,
        `${unit} is no unit of time`,
        nearest(unit, durationUnits),
        "WrongUnit"
      )
    if (!Number.isInteger(millis)) this.refuse(start, "a time is of whole milliseconds")
    if (millis < 1) this.refuse(start, "a time is a millisecond at least")
    if (millis > millisMax) this.refuse(start, sentence, [], "Unbounded")
    this.tokens.advance()
    if (/^\d/.test(this.text.slice(token.end, token.end + 1)))
      this.refuse(this.start, "a time has one unit; write 90min for one hour and a half")
    return millis
  }

  threshold(after: string): Threshold {
    const { start } = this
    const symbol = this.tokens.next.kind === "symbol" ? this.tokens.next.symbol : undefined
    const operator = symbol === "=" ? "==" : symbol
    if (operator === undefined || !isComparison(operator))
      return this.refuse(start, `a comparison such as \`> 5\` should follow ${after}${this.shownInstead()}`)
    this.tokens.advance()
    return { operator, value: this.number("a number") }
  }

  /** What stands here, shortened, for messages: ", not `…`". */
  shownInstead(): string {
    if (this.isEnd()) return ""
    const written = this.word() ?? this.look(anything)?.[0] ?? ""
    const isLong = written.length > 40
    return `, not \`${isLong ? `${[...written].slice(0, 40).join("")}…` : written}\``
  }

  /** Says that another word should stand here, and which of these was meant. */
  refuseWord(expected: ReadonlyArray<string>, sentence: string): never {
    const found = this.word() ?? this.look(anything)?.[0] ?? ""
    const near = found.length > 40 ? [] : nearest(found, expected).filter((each) => each !== found)
    return this.refuse(this.start, `${sentence}${this.shownInstead()}`, near)
  }

  refuse(
    at: number,
    sentence: string,
    suggestions: ReadonlyArray<string> = [],
    reason: ProblemReason = "Syntax"
  ): never {
    return stop(this.text, at, reason, sentence, suggestions)
  }

  /** The line and column of a place, for messages: it takes a walk through the text. */
  shownPlace(at: number): string {
    const { line, column } = problemAt(this.text, at, "Syntax", "")
    return `line ${line}, column ${column}`
  }
}
