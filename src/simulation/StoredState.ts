/** What rests in the database of an actor, as its behaviour reads it. */
import { type Address, addressKey } from "../actors/Host.ts"
import { decodeStored } from "../protocol/Stored.ts"
import type { World } from "./World.ts"

/** The state of an actor as it is stored; undefined for one that has no row, or whose behaviour stores in parts of its own. */
export const storedState = (world: World, address: Address): unknown => {
  const row = world.database.rows.get(addressKey(address))
  const storage = world.registry.get(address.kind)?.behaviour.reactions.storage
  if (row === undefined || row.head === null || storage === undefined) return undefined
  const stored = decodeStored(row.head)
  if (!Array.isArray(stored)) return undefined
  const parts = [...row.parts].filter(([key]) => !key.startsWith("~"))
  return storage.join(stored[0], new Map(parts.map(([key, value]) => [key, decodeStored(value)])), row.id, row.format)
}
