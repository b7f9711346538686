/** Numbers that are written as words: twenty-five, two hundred and six, one point five. */
import type { Token } from "./Token.ts"

const small: ReadonlyMap<string, number> = new Map(
  [
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen",
    "eighteen nineteen"
  ]
    .join(" ")
    .split(" ")
    .map((word, index) => [word, index])
)
const tens: ReadonlyMap<string, number> = new Map(
  "twenty thirty forty fifty sixty seventy eighty ninety".split(" ").map((word, index) => [word, 20 + 10 * index])
)
const scales: ReadonlyMap<string, number> = new Map([
  ["hundred", 100],
  ["thousand", 1000],
  ["dozen", 12]
])

interface Read {
  readonly end: number
  readonly value: number
  /** As it is written with digits: versions keep their zeros. */
  readonly text: string
}

const wordAt = (tokens: ReadonlyArray<Token>, at: number): string => {
  const token = tokens[at]
  return token?.kind === "word" ? token.text : ""
}

/** One to ninety-nine. */
const below100 = (tokens: ReadonlyArray<Token>, at: number): Read | undefined => {
  const ten = tens.get(wordAt(tokens, at))
  const one = small.get(wordAt(tokens, ten === undefined ? at : at + 1))
  if (ten === undefined) return one === undefined ? undefined : { end: at + 1, value: one, text: `${one}` }
  const hasOne = one !== undefined && one > 0 && one < 10
  const value = hasOne ? ten + one : ten
  return { end: hasOne ? at + 2 : at + 1, value, text: `${value}` }
}

const whole = (tokens: ReadonlyArray<Token>, start: number): Read | undefined => {
  const first = below100(tokens, start)
  let at = first?.end ?? start
  let value = first?.value ?? 1
  let hasScale = false
  for (let scale = scales.get(wordAt(tokens, at)); scale !== undefined; scale = scales.get(wordAt(tokens, at))) {
    hasScale = true
    value *= scale
    at++
    const next = below100(tokens, wordAt(tokens, at) === "and" ? at + 1 : at)
    if (next === undefined || scales.has(wordAt(tokens, next.end))) continue
    value += next.value
    at = next.end
  }
  return first === undefined && !hasScale ? undefined : { end: at, value, text: `${value}` }
}

const read = (tokens: ReadonlyArray<Token>, at: number): Read | undefined => {
  const before = whole(tokens, at)
  if (before === undefined || wordAt(tokens, before.end) !== "point") return before
  let end = before.end + 1
  let digits = ""
  for (let next = small.get(wordAt(tokens, end)); next !== undefined && next < 10; ) {
    digits += next
    next = small.get(wordAt(tokens, ++end))
  }
  if (digits === "") return before
  const text = `${before.text}.${digits}`
  return { end, value: Number(text), text }
}

/** The tokens with numbers for the words of numbers. */
export const withNumbers = (tokens: ReadonlyArray<Token>): ReadonlyArray<Token> => {
  const out: Array<Token> = []
  for (let at = 0; at < tokens.length; ) {
    const token = tokens[at]
    if (token === undefined) break
    const number = token.kind === "word" ? read(tokens, at) : undefined
    if (number === undefined) {
      out.push(token)
      at++
      continue
    }
    out.push({
      kind: "number",
      text: number.text,
      raw: number.text,
      value: number.value,
      startsRun: token.startsRun,
      endsRun: tokens[number.end - 1]?.endsRun ?? true,
      joint: token.joint
    })
    at = number.end
  }
  return out
}
