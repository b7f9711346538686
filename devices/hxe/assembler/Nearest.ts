/** What a misspelt name may have meant. */
import { distance } from "../../../src/protocol/Nearest.ts"

/** The hint `did you mean X?` with the nearest of the names; nothing when none is near. Case does not count. */
export const meant = (name: string, names: Iterable<string>): string | undefined => {
  const written = name.toLowerCase()
  let best: { readonly name: string; readonly far: number } | undefined
  for (const candidate of names) {
    const far = distance(written, candidate.toLowerCase())
    // A guess that shares less than half of its letters with the name is none.
    const farMax = Math.min(name.length, candidate.length, Math.max(2, Math.ceil(candidate.length / 2))) - 1
    if (far <= farMax && (best === undefined || far < best.far)) best = { name: candidate, far }
  }
  return best === undefined ? undefined : `did you mean ${best.name}?`
}
