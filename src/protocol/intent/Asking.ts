/** Asks back. */
import type { Unclear, UnclearReason } from "./Intent.ts"

/** Says that nothing is done, why, and what to ask. */
export const unclear = (
  reason: UnclearReason,
  question: string,
  more: Partial<Pick<Unclear, "missing" | "readings" | "suggestions">> = {}
): Unclear => ({ _tag: "Unclear", reason, question, readings: [], missing: [], suggestions: [], ...more })
