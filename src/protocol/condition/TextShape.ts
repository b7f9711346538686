/** What a text may look like, as one shape for globs and regular expressions, and the ranges of characters it is made of. */

/** First and last code point. */
export type Range = readonly [low: number, high: number]

/** What a part of a text looks like. */
export type Shape =
  | { readonly is: "character"; readonly ranges: ReadonlyArray<Range> }
  | { readonly is: "sequence"; readonly of: ReadonlyArray<Shape> }
  | { readonly is: "choice"; readonly of: ReadonlyArray<Shape> }
  /** `maximum` is absent where there is none. */
  | { readonly is: "repeat"; readonly of: Shape; readonly minimum: number; readonly maximum: number | undefined }

/** One alternative. Where it is not held at an end of the text, anything may stand before or behind it. */
export interface Alternative {
  readonly shape: Shape
  readonly isAtStart: boolean
  readonly isAtEnd: boolean
}

/** A text has the pattern when it has one of these. */
export type Pattern = readonly [Alternative, ...ReadonlyArray<Alternative>]

/** Characters of the expression when repeats are written out: states of the machine that decides it. */
export const charactersMax = 256
/** The last code point. */
export const lastCharacter = 0x10ffff

/** Any character. PostgreSQL stores no NUL, so no text holds one. */
export const anyCharacter: Shape = { is: "character", ranges: [[1, lastCharacter]] }

/** One character. */
export const single = (character: string): Range => [character.codePointAt(0) ?? 0, character.codePointAt(0) ?? 0]
/** From one character to another. */
export const span = (low: string, high: string): Range => [single(low)[0], single(high)[0]]

/** Ranges in order, none touching the next. */
export const merged = (ranges: ReadonlyArray<Range>): ReadonlyArray<Range> => {
  const result: Array<Range> = []
  for (const [low, high] of ranges.toSorted((a, b) => a[0] - b[0])) {
    const last = result.at(-1)
    if (last !== undefined && low <= last[1] + 1) result[result.length - 1] = [last[0], Math.max(last[1], high)]
    else result.push([low, high])
  }
  return result
}

/** The characters that are not in the ranges. */
export const complement = (ranges: ReadonlyArray<Range>): ReadonlyArray<Range> => {
  const result: Array<Range> = []
  let next = 1
  for (const [low, high] of merged(ranges)) {
    if (low > next) result.push([next, low - 1])
    next = Math.max(next, high + 1)
  }
  if (next <= lastCharacter) result.push([next, lastCharacter])
  return result
}

/** How many characters a shape has when its repeats are written out. */
export const countOf = (shape: Shape): number => {
  switch (shape.is) {
    case "character":
      return 1
    case "repeat":
      return Math.max(shape.maximum ?? Math.max(shape.minimum, 1), 1) * countOf(shape.of)
    default:
      return shape.of.reduce((sum, each) => sum + countOf(each), 0)
  }
}
