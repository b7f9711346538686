/** What a misspelt name may have meant. */

/** Edit distance in which two letters that changed places are one edit, as typing errors are (optimal string alignment). */
const distance = (from: string, to: string): number => {
  let before: ReadonlyArray<number> = []
  let row: ReadonlyArray<number> = Array.from({ length: to.length + 1 }, (_, at) => at)
  for (let line = 1; line <= from.length; line++) {
    const next = [line]
    for (let at = 1; at <= to.length; at++) {
      const replaced = (row[at - 1] ?? 0) + (from[line - 1] === to[at - 1] ? 0 : 1)
      const isSwapped = from[line - 1] === to[at - 2] && from[line - 2] === to[at - 1]
      const swapped = line > 1 && at > 1 && isSwapped ? (before[at - 2] ?? 0) + 1 : replaced
      next.push(Math.min(replaced, swapped, (row[at] ?? 0) + 1, (next[at - 1] ?? 0) + 1))
    }
    before = row
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
    // A guess that shares less than half of its letters with the name is none.
    const farMax = Math.min(name.length, candidate.length, Math.max(2, Math.ceil(candidate.length / 2))) - 1
    if (far <= farMax && (best === undefined || far < best.far)) best = { name: candidate, far }
  }
  return best === undefined ? undefined : `did you mean ${best.name}?`
}
