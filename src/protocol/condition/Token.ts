/** Cuts a text with conditions in it into tokens. */
import type { Result } from "effect"
import { isTwinKey } from "../TwinSchema.ts"
import { isConditionText, parameterPattern, segmentsMax, textBytesMax, unitCharactersMax } from "./Condition.ts"
import type { ConditionInvalid, ProblemReason } from "./ConditionInvalid.ts"
import { reading, stop } from "./Stop.ts"
import { isKeyword, type Keyword, strangers } from "./Words.ts"

/** Characters of one text. */
export const charactersMax = 65_536

export const symbols = [
  "<=",
  ">=",
  "==",
  "!=",
  "..",
  "<",
  ">",
  "=",
  "+",
  "-",
  "*",
  "/",
  "(",
  ")",
  "[",
  "]",
  ","
] as const
/** What patterns add to them: none of these can stand in a condition. */
export const patternSymbols = ["->", "~>", "{", "}", ":"] as const
/** What policies add to them. */
export const policySymbols = ["{", "}", ";"] as const
export type SymbolText = (typeof symbols)[number] | (typeof patternSymbols)[number] | (typeof policySymbols)[number]

/** How other languages spell what we have. */
const foreign: ReadonlyMap<string, string> = new Map([
  ["&&", "and"],
  ["||", "or"],
  ["<>", "!="],
  ["≠", "!="],
  ["≤", "<="],
  ["≥", ">="],
  ["=>", ">="],
  ["=<", "<="],
  ["===", "=="],
  ["!==", "!="],
  ["!", "not"],
  ["~", "matches"],
  ["×", "*"],
  ["÷", "/"],
  ["−", "-"]
])

interface Place {
  readonly start: number
  readonly end: number
}
/** A piece of the text; `start` and `end` are UTF-16 units. */
export type Token = Place &
  (
    | { readonly kind: "number"; readonly value: number; readonly unit: string | undefined }
    | { readonly kind: "text"; readonly value: string }
    | { readonly kind: "path"; readonly segments: ReadonlyArray<string> }
    | { readonly kind: "parameter"; readonly name: string }
    | { readonly kind: "word"; readonly word: Keyword }
    | { readonly kind: "symbol"; readonly symbol: SymbolText }
    | { readonly kind: "end" }
  )

const blank = /[ \t\r\n]+/y
const name = /[\p{L}_][\p{L}\p{N}_]*/uy
const segment = /[\p{L}\p{N}_]+/uy
const digits = /(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?/y
// A blank may stand before the signs that cannot begin anything else.
const unit = /[ \t]*(?:%|°[CF]?)|[A-Za-zµμΩ]+[²³]?/uy
const parameter = /\$([A-Za-z_][A-Za-z0-9_]*)/y
const foreignSign = /===|!==|&&|\|\||<>|=>|=<|[!~≠≤≥×÷−]/y
const escapes: ReadonlyMap<string, string> = new Map([
  ["n", "\n"],
  ["t", "\t"],
  ["r", "\r"],
  ["b", "\b"],
  ["f", "\f"],
  ["/", "/"],
  ["\\", "\\"],
  ['"', '"'],
  ["'", "'"],
  ["`", "`"]
])
const unicode = /u(?:([0-9a-fA-F]{4})|\{([0-9a-fA-F]{1,6})\})/y

/**
 * The tokens of a text, cut when they are asked for: whoever knows what must come next may also look at the characters
 * themselves. Throws `Stop` where nothing can be cut.
 */
export class Tokens {
  readonly text: string
  private readonly signs: ReadonlyArray<SymbolText>
  private at = 0
  private cut: Token | undefined
  /** Where the token before {@link next} ends. */
  lastEnd = 0

  constructor(text: string, signs: ReadonlyArray<SymbolText> = symbols, lengthMax: number = charactersMax) {
    this.text = text
    this.signs = signs
    if (text.length > lengthMax) {
      const sentence = `a text has at most ${lengthMax} characters; this one has ${text.length}`
      stop(text.slice(0, 80), 0, "TooLarge", sentence)
    }
  }

  /** The token that comes next; the last one is of kind `end`. */
  get next(): Token {
    this.cut ??= this.cutNext()
    return this.cut
  }

  /** Goes on behind the next token. */
  advance(): void {
    this.lastEnd = this.next.end
    this.cut = undefined
  }

  /** Where the next token begins, whatever it is. */
  get start(): number {
    blank.lastIndex = this.lastEnd
    return this.lastEnd + (blank.exec(this.text)?.[0].length ?? 0)
  }

  /** Goes on behind characters that somebody has looked at. */
  moveTo(at: number): void {
    this.at = at
    this.lastEnd = at
    this.cut = undefined
  }

  private cutNext(): Token {
    this.take(blank)
    const start = this.at
    return start >= this.text.length ? { kind: "end", start, end: start } : this.tokenAt(start)
  }

  private tokenAt(start: number): Token {
    const first = this.text[start] ?? ""
    if (first === '"' || first === "'") return { kind: "text", value: this.quoted(first), start, end: this.at }
    if (first === "`") return this.path(start)
    if (first === "$") return this.parameter(start)
    const number = first === "." && this.text[start + 1] === "." ? undefined : this.take(digits)
    if (number !== undefined) return this.number(start, number)
    const word = this.take(name)
    if (word !== undefined) return this.word(start, word)
    const strange = this.take(foreignSign)
    // `!=` is ours, `=>` is not: the longest foreign sign is looked at first, unless it only begins one of ours.
    const ours = this.signs.find((symbol) => this.text.startsWith(symbol, start))
    if (strange !== undefined && (ours === undefined || ours.length < strange.length)) {
      const meant = foreign.get(strange)
      return this.refuse(start, `there is no operator ${strange}`, meant === undefined ? [] : [meant])
    }
    if (ours === undefined)
      return this.refuse(
        start,
        `${JSON.stringify(String.fromCodePoint(this.text.codePointAt(start) ?? 0))} has no meaning here`
      )
    this.at = start + ours.length
    return { kind: "symbol", symbol: ours, start, end: this.at }
  }

  private number(start: number, digitsRead: string): Token {
    const value = Number(digitsRead)
    if (!Number.isFinite(value)) return this.refuse(start, "no number may be as large as this", [], "NotFinite")
    const unitAt = this.at
    const written = this.unit()?.trim().replaceAll("μ", "µ")
    if (written !== undefined && written.length > unitCharactersMax)
      return this.refuse(unitAt, `a unit has at most ${unitCharactersMax} characters`)
    return { kind: "number", value, unit: written, start, end: this.at }
  }

  /** What counts: not a word that follows without a blank. */
  private unit(): string | undefined {
    const before = this.at
    const written = this.take(unit)
    if (written === undefined || !isKeyword(written)) return written
    this.at = before
    return undefined
  }

  private word(start: number, word: string): Token {
    if (isKeyword(word)) return { kind: "word", word, start, end: this.at }
    const hint = strangers.get(word)
    if (hint !== undefined) return this.refuse(start, hint)
    return this.path(start, word)
  }

  /** The rest of a path whose first name may be read already. Names follow a dot without blanks. */
  private path(start: number, first?: string): Token {
    const segments = [first ?? this.segment()]
    // Two dots make a range.
    while (this.text[this.at] === "." && this.text[this.at + 1] !== ".") {
      this.at++
      segments.push(this.segment())
    }
    for (const key of segments)
      if (!isTwinKey(key)) return this.refuse(start, `no field can be named ${JSON.stringify(key.slice(0, 64))}`)
    if (segments.length > segmentsMax)
      return this.refuse(start, `a path has at most ${segmentsMax} names`, [], "TooLarge")
    return { kind: "path", segments, start, end: this.at }
  }

  private segment(): string {
    if (this.text[this.at] === "`") return this.quoted("`")
    return (
      this.take(segment) ??
      this.refuse(
        this.at,
        "the name of a field should follow the dot, in backticks if it has other signs than letters, digits and _"
      )
    )
  }

  private parameter(start: number): Token {
    parameter.lastIndex = start
    const found = parameter.exec(this.text)?.[1]
    if (found === undefined || !parameterPattern.test(found) || found.length > 64)
      return this.refuse(start, "the name of a parameter should follow the $, letters, digits and _, at most 64")
    this.at = start + 1 + found.length
    return { kind: "parameter", name: found, start, end: this.at }
  }

  /** What stands between two signs of the same kind, with escapes as in JSON. */
  private quoted(quote: string): string {
    const start = this.at
    const pieces: Array<string> = []
    for (this.at++; this.text[this.at] !== quote; ) {
      const sign = this.text[this.at]
      if (sign === undefined) this.refuse(start, `this ${quote} is never closed`)
      else if (sign === "\\") pieces.push(this.escape())
      else {
        pieces.push(sign)
        this.at++
      }
    }
    this.at++
    const value = pieces.join("")
    if (quote !== "`" && !isConditionText(value))
      this.refuse(start, `a text has at most ${textBytesMax} bytes, no NUL and no half of a surrogate pair`)
    return value
  }

  private escape(): string {
    const start = this.at
    const letter = this.text[start + 1] ?? ""
    const plain = escapes.get(letter)
    if (plain !== undefined) {
      this.at += 2
      return plain
    }
    unicode.lastIndex = start + 1
    const found = unicode.exec(this.text)
    const point = Number.parseInt(found?.[1] ?? found?.[2] ?? "", 16)
    if (found === null || !(point <= 0x10ffff))
      return this.refuse(start, `there is no escape \\${letter}; write \\\\ for one backslash`)
    this.at += 1 + found[0].length
    return String.fromCodePoint(point)
  }

  private take(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.at
    const found = pattern.exec(this.text)?.[0]
    if (found !== undefined) this.at += found.length
    return found
  }

  private refuse(
    at: number,
    sentence: string,
    suggestions: ReadonlyArray<string> = [],
    reason: ProblemReason = "Syntax"
  ): never {
    return stop(this.text, at, reason, sentence, suggestions)
  }
}

/** The tokens of a text, the last one of kind `end`. */
export const tokensOf = (text: string): Result.Result<ReadonlyArray<Token>, ConditionInvalid> =>
  reading(() => {
    const tokens = new Tokens(text)
    const all: Array<Token> = []
    for (; tokens.next.kind !== "end"; tokens.advance()) all.push(tokens.next)
    return [...all, tokens.next]
  })
