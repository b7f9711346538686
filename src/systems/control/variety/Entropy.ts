/** How many different things happen, in bits: entropies of counted classes. */

/** Counts by class. */
export type Counts = ReadonlyMap<string, number>

/** Counts how often each class occurs. */
export const countsOf = (classes: Iterable<string>): Counts => {
  const counts = new Map<string, number>()
  for (const each of classes) counts.set(each, (counts.get(each) ?? 0) + 1)
  return counts
}

/** Entropy with the correction of Miller and Madow, (K − 1)/2N in nats: a short log shows fewer classes than there are. 0 of nothing. */
export const entropyOf = (counts: Counts): number => {
  let total = 0
  let classes = 0
  for (const count of counts.values())
    if (count > 0) {
      total += count
      classes++
    }
  if (total === 0) return 0
  let bits = (classes - 1) / (2 * total * Math.LN2)
  for (const count of counts.values()) if (count > 0) bits -= (count / total) * Math.log2(count / total)
  return bits
}

/** What one of two things that go together says about the other: never less than nothing, though the correction may be. */
export const mutualInformation = (pairs: ReadonlyArray<readonly [string, string]>): number => {
  const one = entropyOf(countsOf(pairs.map(([left]) => left)))
  const other = entropyOf(countsOf(pairs.map(([, right]) => right)))
  const both = entropyOf(countsOf(pairs.map((pair) => JSON.stringify(pair))))
  return Math.max(0, one + other - both)
}
