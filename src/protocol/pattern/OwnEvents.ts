/** Whether a pattern looks at what it brings about itself, and so would match again without end. */
import { appetiteOf, isMet } from "./Appetite.ts"
import { broughtBy } from "./Brought.ts"
import type { Pattern } from "./Pattern.ts"

/** The type of an event that a pattern brings about and would match again; nothing where there is none. */
export const feedingType = (pattern: Pattern): string | undefined => {
  const { needs, atLeast } = appetiteOf(pattern)
  const met = needs.flatMap((need) => broughtBy(pattern).find((brought) => isMet(need, brought)) ?? [])
  return met.length >= atLeast ? met[0]?.type : undefined
}
