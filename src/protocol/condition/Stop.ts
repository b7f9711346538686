/** How a reader stops at the first character that does not fit, however deep it is in what it reads. */
import { Result } from "effect"
import { ConditionInvalid, type ProblemReason, problemAt } from "./ConditionInvalid.ts"

/** Ends the reading; never leaves {@link reading}. */
class Stop {
  readonly invalid: ConditionInvalid
  constructor(invalid: ConditionInvalid) {
    this.invalid = invalid
  }
}

/** Ends the {@link reading} with a problem at a place in the text. */
export const stop = (
  text: string,
  at: number,
  reason: ProblemReason,
  sentence: string,
  suggestions: ReadonlyArray<string> = []
): never => {
  throw new Stop(new ConditionInvalid({ problems: [problemAt(text, at, reason, sentence, suggestions)] }))
}

/** What was read, or why the reading was ended. */
export const reading = <A>(read: () => A): Result.Result<A, ConditionInvalid> => {
  try {
    return Result.succeed(read())
  } catch (thrown) {
    if (thrown instanceof Stop) return Result.fail(thrown.invalid)
    throw thrown
  }
}
