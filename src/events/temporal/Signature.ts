/** What must be equal for the state of one version of a pattern to be that of the next. */
import type { Pattern, PatternBody } from "../../protocol/pattern/Pattern.ts"

/** Without what only decides what is made of the state: thresholds and how long they must last. */
const keptPart = (body: PatternBody): unknown => {
  if (body._tag !== "When") return body
  const { threshold: _threshold, clear: _clear, forMillis: _forMillis, ...kept } = body
  return kept
}

/** Keys of maps in order, so that two ways to write the same are the same. */
const ordered = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(ordered)
  if (typeof value !== "object" || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .toSorted(([one], [other]) => (one < other ? -1 : 1))
      .map(([key, below]) => [key, ordered(below)])
  )
}

/**
 * Operator, window, keys and conditions of a pattern as text. A changed threshold, dwell, priority, suppression, action or
 * what a match carries leaves it as it is: a limit can be moved in the midst of a window.
 */
export const signatureOf = ({ from, by, body, allowLateMillis }: Pattern): string =>
  // Windows are kept for as long as late events are waited for; of one that was not, too little would be known.
  JSON.stringify(ordered({ from: from ?? null, by, body: keptPart(body), allowLateMillis }))
