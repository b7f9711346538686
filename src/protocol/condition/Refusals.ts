/** What is said of the first character that does not fit into a condition. */
import { distance } from "../Nearest.ts"
import { depthMax } from "./Condition.ts"
import type { ProblemReason } from "./ConditionInvalid.ts"
import { stop } from "./Stop.ts"
import type { SymbolText, Token } from "./Token.ts"

/** What may follow a condition that is part of a longer text, where an operator could stand. */
export interface Ends {
  readonly words: ReadonlyArray<string>
  readonly symbols: ReadonlyArray<SymbolText>
}
/** Nothing may follow. */
export const nothing: Ends = { words: [], symbols: [] }

/** Operators that are words only where an operator can stand: fields of these names are written as any others. */
const softWords = ["inside", "bit"]
const operatorWords = ["and", "or", "not", "in", "glob", "matches", "contains", "has", "exists", ...softWords]

/** Operators, and words that may follow, that a word may be a misspelling of. */
const wordsNear = (word: string, { words }: Ends): ReadonlyArray<string> => {
  const all = [...operatorWords, ...words]
  const far = all.map((each) => distance(word.toLowerCase(), each))
  const least = Math.min(...far)
  return least > 2 || least >= word.length ? [] : all.filter((_, index) => far[index] === least)
}

/** Ends the reading of a text, in the words of the language. */
export class Refusals {
  private readonly text: string
  private readonly ends: Ends

  constructor(text: string, ends: Ends) {
    this.text = text
    this.ends = ends
  }

  private shown(token: Token): string {
    const written = this.text.slice(token.start, token.end)
    return written.length > 40 ? `${[...written].slice(0, 40).join("")}…` : written
  }

  /** Something stands where a value should. */
  value(token: Token): never {
    if (token.kind === "end")
      this.at(
        token.start,
        token.start === 0
          ? "there is no condition; write one such as `reported.temp > 90`"
          : "a value should follow: a field, a number, a text, true or false"
      )
    if (token.kind === "word")
      this.at(
        token.start,
        `\`${token.word}\` is a word of the language, and a value should stand here; a field of this name is written \`\\\`${token.word}\\\`\``
      )
    return this.at(token.start, `a value should stand here, not \`${this.shown(token)}\``)
  }

  /** Something stands where an operator should. */
  rest(token: Token, closing?: string): never {
    const what = closing === undefined ? "an operator" : `an operator or \`${closing}\``
    if (token.kind === "word" && token.word === "not")
      this.at(token.start, "`not` stands before what it denies, as in `not x in [1, 2]`")
    if (token.kind === "path") {
      const word = token.segments[0] ?? ""
      this.at(token.start, `${what} should stand here, not \`${this.shown(token)}\``, wordsNear(word, this.ends))
    }
    if (token.kind === "symbol" && (token.symbol === ")" || token.symbol === "]"))
      this.at(token.start, `nothing was opened that this \`${token.symbol}\` could close`)
    return this.at(token.start, `${what} should stand here, not \`${this.shown(token)}\``)
  }

  /** Too much stands within each other. */
  depth(place: number): never {
    return this.at(place, `at most ${depthMax} operators and parentheses stand within each other`, [], "TooLarge")
  }

  /** Anything else that does not fit there. */
  at(
    place: number,
    sentence: string,
    suggestions: ReadonlyArray<string> = [],
    reason: ProblemReason = "Syntax"
  ): never {
    return stop(this.text, place, reason, sentence, suggestions)
  }
}
