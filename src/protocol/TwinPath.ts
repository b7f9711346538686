/**
 * Leaves and their paths. A path is a JSON pointer (RFC 6901) without its first `/`, so that the path of a plain top-level
 * key is the key itself: the usual report then needs no text made. The section itself is the empty path.
 */
import { isTwinValue } from "./TwinSchema.ts"
import type { TwinMap, TwinPatch, TwinPatchValue, TwinValue } from "./TwinValue.ts"

/** A value that is no map. An array is one leaf. */
export type LeafValue = boolean | number | string | ReadonlyArray<TwinValue>

const isArray = (value: unknown): value is ReadonlyArray<unknown> => Array.isArray(value)

/** Whether a value at rest can be a leaf. */
export const isLeafValue = (value: unknown): value is LeafValue => isTwinValue(value) && !isMap(value)

/** Whether a value of a patch is a map to descend into. */
export const isMap = (value: TwinPatchValue): value is TwinPatch =>
  typeof value === "object" && value !== null && !isArray(value)

/** Path of `key` below `path`. */
export const pathBelow = (path: string, key: string): string => {
  const segment = key.includes("~") || key.includes("/") ? key.replaceAll("~", "~0").replaceAll("/", "~1") : key
  return path === "" ? segment : `${path}/${segment}`
}

const keyOf = (segment: string): string =>
  segment.includes("~") ? segment.replaceAll("~1", "/").replaceAll("~0", "~") : segment

/** Whether `path` is strictly below `above`. */
export const isBelow = (path: string, above: string): boolean =>
  above === "" ? path !== "" : path.length > above.length && path[above.length] === "/" && path.startsWith(above)

/** The JSON pointer of a path. */
export const pointerOf = (path: string): string => (path === "" ? "" : `/${path}`)
/** The path of a JSON pointer. */
export const pathOf = (pointer: string): string => (pointer.startsWith("/") ? pointer.slice(1) : pointer)

/** Calls `visit` for each proper prefix of a path but the section itself. */
export const eachAbove = (path: string, visit: (above: string) => void): void => {
  for (let at = path.indexOf("/"); at >= 0; at = path.indexOf("/", at + 1)) visit(path.slice(0, at))
}

interface Growing {
  [key: string]: TwinPatchValue | Growing
}

/** Builds the nested map of leaves; none of them is below another. Null values stay: the result may be a patch. */
export const nestPatch = (leaves: Iterable<readonly [path: string, value: LeafValue | null]>): TwinPatch => {
  const root: Growing = {}
  const maps = new Map<string, Growing>([["", root]])
  const mapAt = (path: string): Growing => {
    const known = maps.get(path)
    if (known !== undefined) return known
    const made: Growing = {}
    maps.set(path, made)
    place(path, made)
    return made
  }
  const place = (path: string, value: Growing | LeafValue | null): void => {
    const cut = path.lastIndexOf("/")
    mapAt(cut < 0 ? "" : path.slice(0, cut))[keyOf(path.slice(cut + 1))] = value
  }
  for (const [path, value] of leaves) place(path, value)
  return root
}

const isNullFree = (value: TwinPatchValue): value is TwinValue =>
  value !== null && (!isMap(value) || Object.values(value).every(isNullFree))
const isMapAtRest = (patch: TwinPatch): patch is TwinMap => Object.values(patch).every(isNullFree)

/** Builds the nested map of leaves at rest. */
export const nest = (leaves: Iterable<readonly [path: string, value: LeafValue]>): TwinMap => {
  const map = nestPatch(leaves)
  if (!isMapAtRest(map)) throw new Error("a leaf at rest is null")
  return map
}

/** The leaves of a map. Empty maps have none. */
export const leavesOf = (
  map: TwinMap,
  above = "",
  into: Map<string, LeafValue> = new Map()
): Map<string, LeafValue> => {
  for (const key of Object.keys(map)) {
    const value = map[key]
    if (value === undefined) continue
    const path = pathBelow(above, key)
    if (typeof value !== "object") into.set(path, value)
    else if (isLeafArray(value)) into.set(path, value)
    else leavesOf(value, path, into)
  }
  return into
}

const isLeafArray = (value: ReadonlyArray<TwinValue> | TwinMap): value is ReadonlyArray<TwinValue> => isArray(value)

/** Deep equality of twin values. `1` and `1.0` are one value, so are `0` and `-0`. */
export const isSame = (left: TwinPatchValue, right: TwinPatchValue): boolean => {
  if (left === right) return true
  if (typeof left !== "object" || typeof right !== "object" || left === null || right === null) return false
  if (isArray(left) || isArray(right)) {
    if (!isArray(left) || !isArray(right) || left.length !== right.length) return false
    for (let index = 0; index < left.length; index++) if (!isSameInside(left[index], right[index])) return false
    return true
  }
  const keys = Object.keys(left)
  if (keys.length !== Object.keys(right).length) return false
  for (const key of keys) if (!isSameInside(left[key], right[key])) return false
  return true
}

const isSameInside = (left: TwinPatchValue | undefined, right: TwinPatchValue | undefined): boolean =>
  left !== undefined && right !== undefined && isSame(left, right)

/** Whether null stands anywhere inside an array, where it cannot mean "delete". */
export const holdsNull = (array: ReadonlyArray<unknown>): boolean => {
  for (let index = 0; index < array.length; index++) {
    const element = array[index]
    if (typeof element !== "object") continue
    if (element === null || holdsNull(isArray(element) ? element : Object.values(element))) return true
  }
  return false
}
