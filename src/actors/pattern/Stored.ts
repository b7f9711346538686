/** A partition at rest: its place in a small head, its snapshot in parts, which are written when there is a new one. */
import type { PartitionState } from "../../protocol/PatternPartition.ts"
import type { Storage } from "../Behaviour.ts"

const prefix = "snapshot/"
/** Parts are in order of their keys. */
const keyOf = (index: number): string => `${prefix}${String(index).padStart(6, "0")}`

interface Head extends Omit<PartitionState, "snapshot"> {
  readonly snapshot?: { readonly cursor: string; readonly tick: number }
}

/** How a partition is cut into head and parts. */
export const storage: Storage<PartitionState> = {
  split: ({ snapshot, ...rest }) => {
    const parts = new Map<string, unknown>()
    for (const [index, piece] of snapshot?.pieces.entries() ?? []) parts.set(keyOf(index), piece)
    const head: Head = {
      ...rest,
      ...(snapshot !== undefined && { snapshot: { cursor: snapshot.cursor, tick: snapshot.tick } })
    }
    return { head, parts }
  },
  join: (stored, parts) => {
    // Written by `split`: the row's format is that of the contract.
    const { snapshot, ...rest } = stored as Head
    if (snapshot === undefined) return rest
    const keys = [...parts.keys()].filter((key) => key.startsWith(prefix)).toSorted()
    const pieces = keys.flatMap((key) => {
      const piece = parts.get(key)
      return piece instanceof Uint8Array ? [piece] : []
    })
    return { ...rest, snapshot: { ...snapshot, pieces } }
  }
}
