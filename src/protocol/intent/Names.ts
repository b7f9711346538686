/** Names that utterances can hold, found at any place by the longest of them that stands there. */
import { type Token, tokensOf } from "./Token.ts"

/** Tokens of one name at most: longer ones are not looked for. */
const tokensMax = 24

const keyOf = (tokens: ReadonlyArray<Token>): string => tokens.map(({ text }) => text).join(" ")

/** Where a name ends in the utterance, and what it may stand for. */
export interface Found<A> {
  readonly end: number
  readonly values: ReadonlyArray<A>
}

/** A table of names of one kind. `press-3`, `Press 3` and `press three` are one name. */
export class Names<A> {
  private readonly byKey = new Map<string, Array<A>>()
  private longestName = 0
  private readonly written = new Set<string>()

  /** Two things may have one name. */
  add(name: string, value: A): void {
    const tokens = tokensOf(name)
    if (tokens.length === 0 || tokens.length > tokensMax) return
    const key = keyOf(tokens)
    const there = this.byKey.get(key)
    if (there === undefined) this.byKey.set(key, [value])
    else if (!there.includes(value)) there.push(value)
    this.longestName = Math.max(this.longestName, tokens.length)
    this.written.add(name.toLowerCase())
  }

  /** The longest name that begins at the token. A name ends where its writing ends: `press-3` is not in `press-3b`. */
  at(tokens: ReadonlyArray<Token>, at: number): Found<A> | undefined {
    if (tokens[at]?.startsRun !== true) return undefined
    let key = ""
    let best: Found<A> | undefined
    for (let end = at; end < Math.min(tokens.length, at + this.longestName); end++) {
      const token = tokens[end]
      if (token === undefined || (token.kind !== "word" && token.kind !== "number")) break
      key += end === at ? token.text : ` ${token.text}`
      const values = token.endsRun ? this.byKey.get(key) : undefined
      if (values !== undefined) best = { end: end + 1, values }
    }
    return best
  }

  /** What has exactly this name. */
  of(name: string): ReadonlyArray<A> {
    return this.byKey.get(keyOf(tokensOf(name))) ?? []
  }

  /** All names as they were given, in lower case. */
  all(): ReadonlySet<string> {
    return this.written
  }
}

/** The word, and its plural. */
export const withPlural = (word: string): ReadonlyArray<string> => {
  if (/(?:s|x|z|ch|sh)$/u.test(word)) return [word, `${word}es`]
  if (/[^aeiou]y$/u.test(word)) return [word, `${word.slice(0, -1)}ies`]
  return [word, `${word}s`]
}
