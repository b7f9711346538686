/** What a misspelt name may have meant. */

/** Edit distance (Levenshtein). */
const distance = (from: string, to: string): number => {
  let row = Array.from({ length: to.length + 1 }, (_, at) => at)
  for (let line = 1; line <= from.length; line++) {
    const next = [line]
    for (let at = 1; at <= to.length; at++) {
      const replaced = (row[at - 1] ?? 0) + (from[line - 1] === to[at - 1] ? 0 : 1)
      next.push(Math.min(replaced, (row[at] ?? 0) + 1, (next[at - 1] ?? 0) + 1))
    }
    row = next
  }
  return row[to.length] ?? 0
}

/** The hint `did you mean X?` with the nearest of the names; nothing when none is near. Case does not count. */
export const meant = (name: string, names: Iterable<string>): string | undefined => {
  const written = name.toLowerCase()
  let best: { readonly name: string; readonly far: number } | undefined
  for (const candidate of names) {
    const far = distance(written, candidate.toLowerCase())
    // Two letters differ in any two words of three: a short name must be nearer.
    const farMax = Math.max(1, Math.floor(Math.max(name.length, candidate.length) / 2.5))
    if (far <= farMax && (best === undefined || far < best.far)) best = { name: candidate, far }
  }
  return best === undefined ? undefined : `did you mean ${best.name}?`
}
