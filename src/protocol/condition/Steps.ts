/** Goes through the tokens of a condition, one step at a time. */
import { problemAt } from "./ConditionInvalid.ts"
import { type Ends, Refusals } from "./Refusals.ts"
import type { SymbolText, Token, Tokens } from "./Token.ts"
import type { Keyword } from "./Words.ts"

/** Each `take` steps over what it names and says so; where something else stands, it stays. */
export class Steps {
  readonly text: string
  readonly refuse: Refusals
  private readonly tokens: Tokens
  private readonly ends: Ends

  constructor(tokens: Tokens, ends: Ends) {
    this.text = tokens.text
    this.tokens = tokens
    this.ends = ends
    this.refuse = new Refusals(tokens.text, ends)
  }

  /** Where the next token begins, whatever it is. */
  get start(): number {
    return this.tokens.start
  }

  get next(): Token {
    return this.tokens.next
  }

  /** Where the token before the next one ended. */
  get lastEnd(): number {
    return this.tokens.lastEnd
  }

  advance(): void {
    this.tokens.advance()
  }

  /** Whether the text, or the part of it that is a condition, ends here. */
  get isAtEnd(): boolean {
    const { kind, start, end } = this.next
    if (kind === "end") return true
    const written = this.text.slice(start, end)
    const among: ReadonlyArray<string> = kind === "symbol" ? this.ends.symbols : kind === "path" ? this.ends.words : []
    return among.includes(written)
  }

  isWord(word: Keyword): boolean {
    return this.next.kind === "word" && this.next.word === word
  }

  takeWord(word: Keyword): boolean {
    if (!this.isWord(word)) return false
    this.advance()
    return true
  }

  /** A word that is one of the language only where an operator can stand. */
  takeSoft(word: string): boolean {
    const { kind, start, end } = this.next
    if (kind !== "path" || this.text.slice(start, end) !== word) return false
    this.advance()
    return true
  }

  takeSymbol(symbol: SymbolText): boolean {
    const token = this.next
    if (token.kind !== "symbol" || token.symbol !== symbol) return false
    this.advance()
    return true
  }

  /** Steps over what closes, or refuses what stands there. */
  expect(symbol: ")" | "]", openedAt: number): void {
    if (this.takeSymbol(symbol)) return
    if (this.next.kind !== "end") this.refuse.rest(this.next, symbol)
    const { line, column } = problemAt(this.text, openedAt, "Syntax", "")
    this.refuse.at(this.next.start, `\`${symbol}\` is missing; it was opened at line ${line}, column ${column}`)
  }
}
