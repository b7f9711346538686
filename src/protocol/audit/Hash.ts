/** How audit records are hashed, one by one and as a tree (RFC 9162, 2.1, with an odd node going up as it is). */
import { createHash } from "node:crypto"

/** A SHA-256 has so many bytes. */
export const hashBytes = 32

/** Stands where nothing came before. */
export const genesis: Uint8Array = new Uint8Array(hashBytes)

const leafPrefix = new Uint8Array([0x00])
const nodePrefix = new Uint8Array([0x01])

const digest = (...pieces: ReadonlyArray<Uint8Array>): Uint8Array => {
  const hash = createHash("sha256")
  for (const piece of pieces) hash.update(piece)
  return new Uint8Array(hash.digest())
}

/** SHA-256 of a zero byte and the bytes: of a record, of a payload, of a segment's head, of a leaf. */
export const hashOf = (bytes: Uint8Array): Uint8Array => digest(leafPrefix, bytes)

/** The root over leaves that are hashed already; {@link genesis} over none. */
export const merkleRoot = (leaves: ReadonlyArray<Uint8Array>): Uint8Array => {
  let level = leaves
  while (level.length > 1) {
    const above: Array<Uint8Array> = []
    for (let at = 0; at < level.length; at += 2) {
      const left = level[at] ?? genesis
      const right = level[at + 1]
      above.push(right === undefined ? left : digest(nodePrefix, left, right))
    }
    level = above
  }
  return level[0] ?? genesis
}

/** The hashes beside the way from a leaf up to the root, lowest first (RFC 9162, 2.1.3.1). */
export const merklePath = (leaves: ReadonlyArray<Uint8Array>, index: number): ReadonlyArray<Uint8Array> => {
  const path: Array<Uint8Array> = []
  let level = leaves
  for (let place = index; level.length > 1; place >>= 1) {
    const beside = level[place ^ 1]
    if (beside !== undefined) path.push(beside)
    const above: Array<Uint8Array> = []
    for (let at = 0; at < level.length; at += 2) above.push(merkleRoot(level.slice(at, at + 2)))
    level = above
  }
  return path
}

/** The root to which a path leads from a leaf of a tree of `size`; nothing where the path is too long or too short. */
export const rootFromPath = (
  leaf: Uint8Array,
  index: number,
  size: number,
  path: ReadonlyArray<Uint8Array>
): Uint8Array | undefined => {
  let hash = leaf
  let used = 0
  let place = index
  for (let count = size; count > 1; count = (count + 1) >> 1) {
    if ((place ^ 1) < count) {
      const beside = path[used++]
      if (beside === undefined) return undefined
      hash = place % 2 === 0 ? digest(nodePrefix, hash, beside) : digest(nodePrefix, beside, hash)
    }
    place >>= 1
  }
  return used === path.length && index < size ? hash : undefined
}

/** Whether two hashes are the same. */
export const isSameHash = (one: Uint8Array, other: Uint8Array): boolean =>
  one.length === other.length && one.every((byte, at) => byte === other[at])

/** A hash as text. */
export const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex")
