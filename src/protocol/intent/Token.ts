/** Cuts an utterance into tokens: the same words and names come out alike however they are written. */
import { withNumbers } from "./NumberWords.ts"

/** Characters of one utterance (UTF-16 units). */
export const utteranceMax = 500

/** A piece of an utterance. `text` is in lower case, `raw` as it was written: units know their case. */
export interface Token {
  readonly kind: "word" | "number" | "glob" | "quoted" | "sign"
  readonly text: string
  readonly raw: string
  /** Of a number, unless it has more than one point, as versions do. */
  readonly value?: number
  /** Names are cut at their hyphens, dots and digits; these say where the name as it was written begins and ends. */
  readonly startsRun: boolean
  readonly endsRun: boolean
  /** What joins it to the token before it, where both are of one name. */
  readonly joint: string
}

/** Tokens of one name as they were written, in lower case. */
export const writtenAs = (tokens: ReadonlyArray<Token>): string =>
  tokens
    .map(({ joint, raw }, index) => `${index === 0 ? "" : joint}${raw}`)
    .join("")
    .toLowerCase()

const blank = /\s+/y
// A name, or several words without a blank between them. No two parts of the expression can take the same character.
const run = /[\p{L}\p{N}*]+(?:[-.@_]+[\p{L}\p{N}*]+)*/uy
const signed = /[-−+]\p{N}+(?:\.\p{N}+)*/uy
const degree = /°\s?[cf]?(?![\p{L}\p{N}])/iuy
const apostrophe = /'(s|re|ll|d|ve|t|m)(?![\p{L}\p{N}])/iuy
const quoted = /"[^"]*"|`[^`]*`|«[^»]*»/uy
const singleQuoted = /'[^']*'(?![\p{L}\p{N}])/uy
const parts = /\p{L}+|\p{N}+(?:\.\p{N}+)*/gu

/** Before these, `'s` is short for "is" and no possessive. */
const askers = new Set(["what", "how", "who", "where", "when", "which", "that", "it", "there", "here"])
const shortened: ReadonlyMap<string, string> = new Map([
  ["re", "are"],
  ["ll", "will"],
  ["d", "would"],
  ["ve", "have"],
  ["t", "not"],
  ["m", "am"]
])

const numberOf = (raw: string): Token => {
  const text = raw.replace("−", "-").replace("+", "")
  const value = Number(text)
  return {
    kind: "number",
    text,
    raw,
    ...(Number.isFinite(value) && { value }),
    startsRun: true,
    endsRun: true,
    joint: ""
  }
}

const single = (kind: Token["kind"], raw: string): Token => ({
  kind,
  text: raw.toLowerCase(),
  raw,
  startsRun: true,
  endsRun: true,
  joint: ""
})

/** The parts of a name, of which only the first and the last stand at its edges. */
const partsOf = (written: string): ReadonlyArray<Token> => {
  if (written.includes("*")) return [single("glob", written)]
  const pieces = [...written.matchAll(parts)]
  let end = 0
  return pieces.map(([piece], index) => {
    const at = pieces[index]?.index ?? 0
    const joint = written.slice(end, at)
    end = at + piece.length
    return {
      ...(/^\p{N}/u.test(piece) ? numberOf(piece) : single("word", piece)),
      startsRun: index === 0,
      endsRun: index === pieces.length - 1,
      joint
    }
  })
}

const shortWord = (suffix: string, before: Token | undefined): Token => {
  if (suffix !== "s") return single("word", shortened.get(suffix) ?? suffix)
  if (before?.text === "let") return single("word", "us")
  return single("word", before !== undefined && askers.has(before.text) ? "is" : "'s")
}

/** The tokens of an utterance. What has no meaning anywhere becomes a sign, so that no rule takes it. */
export const tokensOf = (utterance: string): ReadonlyArray<Token> => {
  const text = utterance.normalize("NFKC").replace(/[‘’ʼ]/gu, "'").replace(/[“”„]/gu, '"')
  const tokens: Array<Token> = []
  let at = 0
  const take = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at
    const found = pattern.exec(text)?.[0]
    if (found !== undefined) at += found.length
    return found
  }
  while (at < text.length) {
    if (take(blank) !== undefined) continue
    const isLoose = at === 0 || /[\s=(:,]/u.test(text[at - 1] ?? "")
    const number = isLoose ? take(signed) : undefined
    if (number !== undefined) {
      tokens.push(numberOf(number))
      continue
    }
    const name = take(run)
    if (name !== undefined) {
      tokens.push(...partsOf(name))
      continue
    }
    const quote = take(quoted) ?? (isLoose ? take(singleQuoted) : undefined)
    if (quote !== undefined) {
      tokens.push({ ...single("quoted", quote), raw: quote.slice(1, -1) })
      continue
    }
    const suffix = take(apostrophe)
    if (suffix !== undefined) {
      tokens.push(shortWord(suffix.slice(1).toLowerCase(), tokens.at(-1)))
      continue
    }
    const unit = take(degree)
    if (unit !== undefined) {
      tokens.push(single("word", unit.replace(/\s/gu, "")))
      continue
    }
    const sign = String.fromCodePoint(text.codePointAt(at) ?? 0)
    at += sign.length
    tokens.push(single(sign === "%" || sign === "°" ? "word" : "sign", sign))
  }
  return withNumbers(tokens)
}

/** One text for utterances that differ in blanks and case only: what the cache looks up. Units keep their case. */
export const normalised = (tokens: ReadonlyArray<Token>): string =>
  tokens
    .map((token, index) => {
      const isUnit = token.kind === "word" && tokens[index - 1]?.kind === "number"
      const shown = token.kind === "quoted" ? JSON.stringify(token.raw) : isUnit ? token.raw : token.text
      return `${index === 0 ? "" : token.startsRun ? " " : token.joint}${shown}`
    })
    .join("")
