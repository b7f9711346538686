/**
 * Reads a regular expression of the kind that is decided in one pass over the text. It holds where some part matches; `^` and
 * `$` stand for the ends of the text, and only at the ends of the expression or of its alternatives. It knows `.`, `[…]`,
 * `\d \w \s` (ASCII) and their opposites, `*`, `+`, `?`, `{n,m}`, `|`, `(…)`.
 */
import { Result } from "effect"
import {
  type Alternative,
  anyCharacter,
  charactersMax,
  complement,
  countOf,
  lastCharacter,
  merged,
  type Pattern,
  type Range,
  type Shape,
  single,
  span
} from "./TextShape.ts"

const depthMax = 32
const repeatsMax = 255
const digit: ReadonlyArray<Range> = [span("0", "9")]
const word: ReadonlyArray<Range> = [span("0", "9"), span("A", "Z"), single("_"), span("a", "z")]
const space: ReadonlyArray<Range> = [[9, 13], single(" ")]

/** Ends the reading; never leaves {@link parseExpression}. */
class Stop {
  readonly sentence: string
  constructor(sentence: string) {
    this.sentence = sentence
  }
}

const classes: Readonly<Record<string, ReadonlyArray<Range>>> = {
  d: digit,
  D: complement(digit),
  w: word,
  W: complement(word),
  s: space,
  S: complement(space)
}
const controls: Readonly<Record<string, string>> = { n: "\n", t: "\t", r: "\r", f: "\f", v: "\v" }
const own = <A>(record: Readonly<Record<string, A>>, key: string): A | undefined =>
  Object.hasOwn(record, key) ? record[key] : undefined

class ExpressionReader {
  private readonly characters: ReadonlyArray<string>
  private at = 0
  private depth = 0

  constructor(text: string) {
    this.characters = [...text]
  }

  whole(): Pattern {
    const alternatives: Array<Alternative> = []
    do {
      const isAtStart = this.take("^")
      const shape = this.sequence()
      alternatives.push({ shape, isAtStart, isAtEnd: this.take("$") })
    } while (this.take("|"))
    if (this.at < this.characters.length)
      this.refuse(this.peek() === ")" ? "a `)` that closes nothing" : `a \`${this.peek()}\` that stands alone`)
    const total = alternatives.reduce((sum, { shape }) => sum + countOf(shape) + 2, 0)
    if (total > charactersMax)
      throw new Stop(
        `it has ${total} characters when its repeats are written out, and ${charactersMax} is the most; make it shorter`
      )
    const [first, ...rest] = alternatives
    if (first === undefined) throw new Error("no alternative")
    return [first, ...rest]
  }

  private choice(): Shape {
    const of = [this.sequence()]
    while (this.take("|")) of.push(this.sequence())
    return of.length === 1 && of[0] !== undefined ? of[0] : { is: "choice", of }
  }

  private sequence(): Shape {
    const of: Array<Shape> = []
    for (;;) {
      const next = this.peek()
      if (next === "" || next === "|" || next === ")" || next === "$") return { is: "sequence", of }
      of.push(this.repeated(this.piece()))
    }
  }

  private piece(): Shape {
    const character = this.peek()
    this.at++
    switch (character) {
      case ".":
        return anyCharacter
      case "[":
        return { is: "character", ranges: this.set() }
      case "\\":
        return { is: "character", ranges: this.escape() }
      case "(":
        return this.group()
      case "*":
      case "+":
      case "?":
      case "{":
        this.at--
        return this.refuse(`a \`${character}\` with nothing to repeat; write \\${character} for the character`)
      case "^":
        this.at--
        return this.refuse("a `^` in the middle; write \\^ for the character")
      default:
        return { is: "character", ranges: [single(character)] }
    }
  }

  private group(): Shape {
    if (this.peek() === "?") {
      const sign = this.characters[this.at + 1] ?? ""
      if (sign !== ":") this.refuse(`a group of the kind \`(?${sign}\`, which cannot be decided in one pass`)
      this.at += 2
    }
    if (++this.depth > depthMax) this.refuse(`more than ${depthMax} groups within each other`)
    if (this.peek() === "^") this.refuse("a `^` in a group; write it at the start of the expression")
    const shape = this.choice()
    if (this.peek() === "$") this.refuse("a `$` in a group; write it at the end of the expression")
    if (!this.take(")")) this.refuse("a `(` that is never closed")
    this.depth--
    return shape
  }

  private repeated(of: Shape): Shape {
    const bounds = this.bounds()
    if (bounds === undefined) return of
    if (this.peek() === "?") this.refuse("a `?` behind a repeat; it changes nothing here, leave it out")
    if (this.bounds() !== undefined) this.refuse("a repeat of a repeat; put the inner one in parentheses")
    return { is: "repeat", of, ...bounds }
  }

  private bounds(): { readonly minimum: number; readonly maximum: number | undefined } | undefined {
    if (this.take("*")) return { minimum: 0, maximum: undefined }
    if (this.take("+")) return { minimum: 1, maximum: undefined }
    if (this.take("?")) return { minimum: 0, maximum: 1 }
    if (!this.take("{")) return undefined
    const minimum = this.number()
    const hasMaximum = this.take(",")
    const maximum = hasMaximum ? (this.peek() === "}" ? undefined : this.number()) : minimum
    if (!this.take("}")) this.refuse("a `{` that is no repeat such as {2} or {1,5}; write \\{ for the character")
    if (Math.max(minimum, maximum ?? 0) > repeatsMax) this.refuse(`a repeat of more than ${repeatsMax} times`)
    if (maximum !== undefined && maximum < minimum) this.refuse("a repeat whose end is below its start")
    return { minimum, maximum }
  }

  private number(): number {
    let digits = ""
    for (let next = this.peek(); next >= "0" && next <= "9" && digits.length < 6; next = this.peek()) {
      digits += next
      this.at++
    }
    if (digits === "") this.refuse("a `{` that is no repeat such as {2} or {1,5}; write \\{ for the character")
    return Number(digits)
  }

  private set(): ReadonlyArray<Range> {
    const isOpposite = this.take("^")
    const ranges: Array<Range> = []
    while (!this.take("]")) {
      if (this.peek() === "") this.refuse("a `[` that is never closed")
      const low = this.member()
      const first = low[0]
      if (low.length === 1 && first !== undefined && this.peek() === "-" && this.characters[this.at + 1] !== "]") {
        this.at++
        const high = this.member()
        const last = high[0]
        if (first[0] !== first[1] || last === undefined || high.length > 1 || last[0] !== last[1] || last[0] < first[0])
          return this.refuse("a range in [ ] whose end is below its start, or is no single character")
        ranges.push([first[0], last[0]])
      } else ranges.push(...low)
    }
    if (ranges.length === 0) this.refuse("an empty [ ]")
    const result = isOpposite ? complement(ranges) : merged(ranges)
    return result.length === 0 ? this.refuse("a [ ] that no character fits") : result
  }

  private member(): ReadonlyArray<Range> {
    const character = this.peek()
    if (character === "") this.refuse("a `[` that is never closed")
    this.at++
    return character === "\\" ? this.escape() : [single(character)]
  }

  private escape(): ReadonlyArray<Range> {
    const letter = this.peek()
    if (letter === "") this.refuse("a `\\` at the end")
    this.at++
    const ranges = own(classes, letter)
    if (ranges !== undefined) return ranges
    const control = own(controls, letter)
    if (control !== undefined) return [single(control)]
    if (letter === "u") return [single(this.unicode())]
    if (/[A-Za-z0-9]/.test(letter)) {
      this.at--
      this.refuse(
        /[0-9k]/.test(letter)
          ? `\\${letter}, which speaks of an earlier group; that cannot be decided in one pass`
          : `\\${letter}, which has no meaning here`
      )
    }
    return [single(letter)]
  }

  private unicode(): string {
    const rest = this.characters.slice(this.at, this.at + 8).join("")
    const found = /^(?:([0-9a-fA-F]{4})|\{([0-9a-fA-F]{1,6})\})/.exec(rest)
    const point = Number.parseInt(found?.[1] ?? found?.[2] ?? "", 16)
    if (found === null || !(point > 0 && point <= lastCharacter))
      return this.refuse("a \\u without a code such as \\u00e9 or \\u{1f600}")
    this.at += found[0].length
    return String.fromCodePoint(point)
  }

  private peek(): string {
    return this.characters[this.at] ?? ""
  }

  private take(character: string): boolean {
    if (this.peek() !== character || character === "") return false
    this.at++
    return true
  }

  private refuse(what: string): never {
    throw new Stop(`at its character ${this.at + 1} it has ${what}`)
  }
}

/** Reads a regular expression. Fails with a sentence that says what is wrong and where. */
export const parseExpression = (text: string): Result.Result<Pattern, string> => {
  try {
    return Result.succeed(new ExpressionReader(text).whole())
  } catch (stop) {
    if (stop instanceof Stop) return Result.fail(stop.sentence)
    throw stop
  }
}
