/** One utterance while it is read: its tokens, what slots have found at each place, and how much work is left. */
import type { Taken } from "./Bindings.ts"
import type { Token } from "./Token.ts"
import type { Vocabulary } from "./Vocabulary.ts"

/** Words that mean nothing wherever they stand, unless they are part of a name. */
const fillers = new Set(["the", "a", "an", "please", "kindly", "just", "my", "our", "currently"])

/** Steps of rules over one utterance. An utterance that people say takes some thousands. */
export const stepsMax = 60_000

/** The state of a reading. */
export class Reading {
  readonly tokens: ReadonlyArray<Token>
  readonly vocabulary: Vocabulary
  private readonly found = new Map<string, ReadonlyArray<Taken>>()
  private steps = 0

  constructor(tokens: ReadonlyArray<Token>, vocabulary: Vocabulary) {
    this.tokens = tokens
    this.vocabulary = vocabulary
  }

  /** Counts a step; false when there were too many. */
  spend(): boolean {
    return ++this.steps <= stepsMax
  }

  /** Whether steps ran out, so that a reading may have been missed. */
  get isExhausted(): boolean {
    return this.steps > stepsMax
  }

  /** What is computed once for a slot at a place. */
  once(key: string, compute: () => ReadonlyArray<Taken>): ReadonlyArray<Taken> {
    const known = this.found.get(key)
    if (known !== undefined) return known
    const taken = compute()
    this.found.set(key, taken)
    return taken
  }

  /** Whether this word stands there, whole. Signs are words here. */
  isWord(at: number, word: string): boolean {
    const token = this.tokens[at]
    if (token === undefined || token.text !== word || token.kind === "quoted" || token.kind === "glob") return false
    return token.startsRun && token.endsRun
  }

  /** Whether one of the words stands there. */
  isOneOf(at: number, words: ReadonlySet<string>): boolean {
    const token = this.tokens[at]
    return token !== undefined && words.has(token.text) && this.isWord(at, token.text)
  }

  /** The place behind the fillers. */
  skip(at: number): number {
    let end = at
    while (this.isOneOf(end, fillers)) end++
    return end
  }

  /** Places where something may begin: here, for a filler may be part of a name, and behind the fillers. */
  starts(at: number): ReadonlyArray<number> {
    const end = this.skip(at)
    return end === at ? [at] : [at, end]
  }
}
