/** How large a tree of JSON is, found without recursion: a hostile one may be nested deeper than the stack is. */

/** Counting stops here, so that the answer comes soon. */
const enough = 100_000

/** Objects in a tree, and how many of them stand within each other. A list within a list is part of no condition: infinitely deep. */
export const nodesIn = (root: unknown): { readonly nodes: number; readonly depth: number } => {
  const waiting: Array<{ readonly value: unknown; readonly depth: number; readonly isInList: boolean }> = [
    { value: root, depth: 1, isInList: false }
  ]
  let nodes = 0
  let deepest = 0
  for (let next = waiting.pop(); next !== undefined && nodes < enough; next = waiting.pop()) {
    const { value, depth, isInList } = next
    if (typeof value !== "object" || value === null) continue
    const isList = Array.isArray(value)
    if (isList && isInList) return { nodes, depth: Number.POSITIVE_INFINITY }
    if (!isList) {
      nodes++
      deepest = Math.max(deepest, depth)
    }
    for (const below of Object.values(value))
      waiting.push({ value: below, depth: isList ? depth : depth + 1, isInList: isList })
  }
  return { nodes, depth: deepest }
}
