/** Keys are shared out over partitions, each of which one actor works on: the same key always falls to the same one. */

/** Partitions of a cluster. Which keys a row has state for depends on it: it is for ever. */
export const partitionCount = 4

/** FNV-1a, 32 bits (http://www.isthe.com/chongo/tech/comp/fnv/), over UTF-16 units: cheap, and alike on every node. */
const hash = (text: string): number => {
  let value = 0x811c9dc5
  for (let at = 0; at < text.length; at++) value = Math.imul(value ^ text.charCodeAt(at), 0x01000193)
  return value >>> 0
}

/** Whose a key is. Patterns without keys have one, the empty one, and it falls by the name: their load is shared out, too. */
export const partitionOf = (pattern: string, key: string): number => hash(key === "" ? pattern : key) % partitionCount
