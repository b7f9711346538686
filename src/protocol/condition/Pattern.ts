/**
 * Patterns over texts: a glob, or a regular expression of the kind that is decided in one pass over the text. Both become
 * one shape, a character being a code point. A glob is matched whole: `*` is any run of characters, `?` is one, `\` makes the
 * next one plain.
 */
import { Result } from "effect"
import { parseExpression } from "./Expression.ts"
import { anyCharacter, charactersMax, type Pattern, type Shape, single } from "./TextShape.ts"

/** Reads a glob. Fails with a sentence when it is too long. */
export const parseGlob = (text: string): Result.Result<Pattern, string> => {
  const of: Array<Shape> = []
  let isPlain = false
  for (const character of text) {
    if (isPlain || !/[*?\\]/.test(character)) of.push({ is: "character", ranges: [single(character)] })
    else if (character === "*") of.push({ is: "repeat", of: anyCharacter, minimum: 0, maximum: undefined })
    else if (character === "?") of.push(anyCharacter)
    isPlain = !isPlain && character === "\\"
  }
  if (isPlain) return Result.fail("it ends with a `\\`; write \\\\ for the character")
  if (of.length + 2 > charactersMax)
    return Result.fail(`it has more than ${charactersMax - 2} characters; make it shorter`)
  return Result.succeed([{ shape: { is: "sequence", of }, isAtStart: true, isAtEnd: true }])
}

/** Reads a pattern of either kind. */
export const parsePattern = (operator: "glob" | "matches", text: string): Result.Result<Pattern, string> =>
  operator === "glob" ? parseGlob(text) : parseExpression(text)

/** A text as a glob that nothing but itself fits. */
export const plainGlob = (text: string): string => text.replace(/[*?\\]/g, "\\$&")
