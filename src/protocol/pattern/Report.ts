/** How a check says what is wrong, and where. */
import type { ProblemReason } from "../condition/ConditionInvalid.ts"

/** The place is a part of the pattern by its name, or a node of its tree. */
export type Report = (
  place: string | object,
  reason: ProblemReason,
  sentence: string,
  suggestions?: ReadonlyArray<string>
) => void
