/** Patterns as PostgreSQL reads them. They travel as parameters, and every character of theirs that could mean something is escaped. */
import { complement, lastCharacter, type Pattern, type Range, type Shape } from "../../protocol/condition/TextShape.ts"

/** A glob as a pattern of `like`, with a backslash as its escape. */
export const likePattern = (glob: string): string => {
  let result = ""
  let isPlain = false
  for (const character of glob) {
    if (!isPlain && character === "\\") isPlain = true
    else {
      if (!isPlain && character === "*") result += "%"
      else if (!isPlain && character === "?") result += "_"
      else result += /[%_\\]/.test(character) ? `\\${character}` : character
      isPlain = false
    }
  }
  return result
}

const escaped = (point: number): string => {
  const character = String.fromCodePoint(point)
  return /[A-Za-z0-9]/.test(character) ? character : `\\U${point.toString(16).padStart(8, "0")}`
}

const set = (ranges: ReadonlyArray<Range>): string =>
  ranges.map(([low, high]) => (low === high ? escaped(low) : `${escaped(low)}-${escaped(high)}`)).join("")

const character = (ranges: ReadonlyArray<Range>): string => {
  const [only, another] = ranges
  if (only !== undefined && another === undefined && only[0] === only[1]) return escaped(only[0])
  const rest = complement(ranges)
  if (rest.length === 0) return "."
  // A range to the last code point would be a large table in the server; its opposite is not.
  return ranges.some(([, high]) => high === lastCharacter) ? `[^${set(rest)}]` : `[${set(ranges)}]`
}

const expression = (shape: Shape): string => {
  switch (shape.is) {
    case "character":
      return character(shape.ranges)
    case "sequence":
      return shape.of.map(expression).join("")
    case "choice":
      return `(?:${shape.of.map(expression).join("|")})`
    case "repeat":
      return `(?:${expression(shape.of)}){${shape.minimum},${shape.maximum ?? ""}}`
  }
}

/** A pattern as an advanced regular expression. */
export const regularExpression = (pattern: Pattern): string => {
  const alternatives = pattern.map(
    ({ shape, isAtStart, isAtEnd }) => `${isAtStart ? "^" : ""}(?:${expression(shape)})${isAtEnd ? "$" : ""}`
  )
  // The director says which kind of expression follows, whatever the server's setting.
  return `***:${alternatives.join("|")}`
}
