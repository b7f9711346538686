/** Keys are shared out over partitions, each of which one actor works on: the same key always falls to the same one. */

/** Partitions of a cluster. Which keys a row has state for depends on it: it is for ever. */
export const partitionCount = 4

/** FNV-1a, 32 bits (http://www.isthe.com/chongo/tech/comp/fnv/), over UTF-16 units: cheap, and alike on every node. */
const hash = (text: string): number => {
  let value = 0x811c9dc5
  for (let at = 0; at < text.length; at++) value = Math.imul(value ^ text.charCodeAt(at), 0x01000193)
  return value >>> 0
}

/** Whose a key is. Patterns without keys have one, the empty one, and it falls by {@link homesOf}: their load is shared out, too. */
export const partitionOf = (home: string, key: string): number => hash(key === "" ? home : key) % partitionCount

/**
 * By which name each pattern's empty key falls: its own, or for patterns that wait for each other's matches the first name
 * among them, so that they are in one place.
 */
export const homesOf = (
  patterns: Iterable<{ readonly name: string; readonly follows: ReadonlyArray<string> }>
): ReadonlyMap<string, string> => {
  const homes = new Map<string, string>()
  const homeOf = (name: string): string => {
    const above = homes.get(name)
    return above === undefined || above === name ? name : homeOf(above)
  }
  for (const { name, follows } of patterns)
    for (const other of [name, ...follows]) {
      const [one, two] = [homeOf(name), homeOf(other)]
      const [first, second] = one < two ? [one, two] : [two, one]
      homes.set(second, first)
    }
  return new Map(Array.from(homes.keys(), (name) => [name, homeOf(name)]))
}
