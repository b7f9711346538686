/** What is wrong with a condition, and where: a sentence for people, with the line and a caret under the character. */
import { Result, Schema } from "effect"

/** Why a condition, or a pattern with its conditions, is refused. The last six are those of patterns. */
export const ProblemReason = Schema.Literals([
  "Syntax",
  "TooLarge",
  "UnknownField",
  "UnknownParameter",
  "UnknownValue",
  "WrongType",
  "WrongUnit",
  "DivisionByZero",
  "NotFinite",
  "BadPattern",
  "Unbounded",
  "NeverMatches",
  "Contradiction",
  "Loop",
  "UnknownPattern",
  "UnknownActor"
])
export type ProblemReason = typeof ProblemReason.Type

const uint = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))

/** One thing that is wrong. */
export const Problem = Schema.Struct({
  reason: ProblemReason,
  /** What is wrong and what to do, without the place. */
  sentence: Schema.String,
  /** UTF-16 units from the start of the text. */
  at: uint,
  /** Both count from 1, the column in characters. */
  line: uint,
  column: uint,
  /** The line, and below it a caret under the character. */
  excerpt: Schema.String,
  /** What may have been meant, nearest first. */
  suggestions: Schema.Array(Schema.String)
})
export type Problem = typeof Problem.Type

/** Problems told at once; the first ones help to mend the rest. */
const problemsMax = 8

/** The condition cannot be read, or says what cannot be so in its source. Permanent for this text. */
export class ConditionInvalid extends Schema.TaggedError<ConditionInvalid>()(
  "ConditionInvalid",
  { problems: Schema.NonEmptyArray(Problem) },
  { httpApiStatus: 400 }
) {
  override get message() {
    return this.problems
      .map(({ line, column, sentence, excerpt }) => {
        return `line ${line}, column ${column}: ${sentence}\n${excerpt}`
      })
      .join("\n")
  }
}

/** Characters of a long line that are shown around the place. */
const shownAround = 60

/** Makes a problem of its place in the text. */
export const problemAt = (
  text: string,
  at: number,
  reason: ProblemReason,
  sentence: string,
  suggestions: ReadonlyArray<string> = []
): Problem => {
  const start = text.lastIndexOf("\n", at - 1) + 1
  const end = text.indexOf("\n", at)
  const before = [...text.slice(start, at)]
  const after = [...text.slice(at, Math.min(end < 0 ? text.length : end, at + 2 * shownAround))]
  const isCut = before.length > shownAround
  const shown = isCut ? ["…", ...before.slice(-shownAround)] : before
  const rest = after.length > shownAround ? [...after.slice(0, shownAround), "…"] : after
  const hint = suggestions.length === 0 ? "" : `; did you mean ${suggestions.join(" or ")}?`
  return {
    reason,
    sentence: `${sentence}${hint}`,
    at,
    line: text.slice(0, start).split("\n").length,
    column: before.length + 1,
    // A tab is as wide in both lines.
    excerpt: `  ${[...shown, ...rest].join("")}\n  ${shown.map((character) => (character === "\t" ? "\t" : " ")).join("")}^`,
    suggestions
  }
}

/**
 * Fails with these problems in the order of the text, if there are any. One place is told of once: the first problem there
 * is the cause of the others.
 */
export const soundOr = (problems: ReadonlyArray<Problem>): Result.Result<void, ConditionInvalid> => {
  const told = new Map<number, Problem>()
  for (const problem of problems) if (!told.has(problem.at)) told.set(problem.at, problem)
  const [first, ...rest] = [...told.values()].toSorted((a, b) => a.at - b.at)
  if (first === undefined) return Result.void
  return Result.fail(new ConditionInvalid({ problems: [first, ...rest.slice(0, problemsMax - 1)] }))
}
