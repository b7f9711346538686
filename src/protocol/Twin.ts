/** Twin documents: merge patches, what the board should be, and the difference between that and what it is. */
import { cborBytes } from "./CborSize.ts"
import { holdsNull, isBelow, isMap, isSame, type LeafValue, leavesOf, nest, nestPatch, pathOf } from "./TwinPath.ts"
import { depthMax } from "./TwinSchema.ts"
import { emptySection, leavesMax, type Section, sectionBytesMax, valueAt } from "./TwinSection.ts"
import type { TwinMap, TwinPatch, TwinValue } from "./TwinValue.ts"

/** A desired leaf; `v` is the document's version when it was written, `at` when (ms), `by` by whom. */
export interface DesiredLeaf {
  readonly value: LeafValue
  readonly v: number
  readonly at: number
  readonly by: string
}

/** What the board should be. Never changed once made. */
export interface Desired {
  /** The form it rests in. */
  readonly stored: StoredDesired
  readonly leaves: ReadonlyMap<string, DesiredLeaf>
  /** Paths deleted from desired that the board may not have forgotten yet, with the version that deleted them. */
  readonly forgotten: ReadonlyMap<string, number>
}

/** Desired by plain maps. */
export interface StoredDesired {
  readonly leaves: { readonly [path: string]: DesiredLeaf }
  readonly forgotten: { readonly [path: string]: number }
}

/** Makes desired of its leaves. */
export const desiredOf = (
  leaves: ReadonlyMap<string, DesiredLeaf>,
  forgotten: ReadonlyMap<string, number>
): Desired => ({
  stored: { leaves: Object.fromEntries(leaves), forgotten: Object.fromEntries(forgotten) },
  leaves,
  forgotten
})

/** Desired as it was stored. */
export const loadedDesired = (stored: StoredDesired): Desired => ({
  stored,
  leaves: new Map(Object.entries(stored.leaves)),
  forgotten: new Map(Object.entries(stored.forgotten))
})

/** A twin document. */
export interface Twin {
  /** Steps with each commit that changes desired or reported. */
  readonly version: number
  /** The version at which desired last changed. */
  readonly desiredVersion: number
  readonly desired: Desired
  readonly reported: Section
  /** Last desired version the board acknowledged. */
  readonly applied: number
  /** Fields refused in that acknowledgement: pointer to code. They are not sent again until desired changes them. */
  readonly refused: Readonly<Record<string, number>>
}

/** A document nobody has written to. */
export const emptyTwin: Twin = {
  version: 1,
  desiredVersion: 0,
  desired: desiredOf(new Map(), new Map()),
  reported: emptySection,
  applied: 0,
  refused: {}
}

/** Paths remembered for boards that keep desired; beyond it the oldest are given up. */
const forgottenMax = 256

const setKey = (target: TwinMap, key: string, value: TwinValue | undefined): TwinMap => {
  if (value !== undefined) return { ...target, [key]: value }
  if (!(key in target)) return target
  const { [key]: _gone, ...rest } = target
  return rest
}

/** Merges a patch into a nested map (RFC 7396); a map that becomes empty goes. The patch was checked before. */
export const mergePatch = (target: TwinMap, patch: TwinPatch): TwinMap => {
  let merged = target
  for (const key of Object.keys(patch)) {
    const value = patch[key]
    if (value === undefined) continue
    if (value === null) merged = setKey(merged, key, undefined)
    else if (isMap(value)) {
      const below = merged[key]
      const map = mergePatch(below !== undefined && isTwinMap(below) ? below : {}, value)
      merged = setKey(merged, key, Object.keys(map).length === 0 ? undefined : map)
    } else merged = setKey(merged, key, value)
  }
  return merged
}

const isTwinMap = (value: TwinValue): value is TwinMap => isMap(value)

const tooDeep = (patch: TwinPatch, depth: number): boolean =>
  depth > depthMax || Object.values(patch).some((value) => isMap(value) && tooDeep(value, depth + 1))

const nullInArray = (patch: TwinPatch): boolean =>
  Object.values(patch).some((value) =>
    isMap(value) ? nullInArray(value) : typeof value === "object" && value !== null && holdsNull(value)
  )

/** What became of a change of desired. A refusal names its code and, for sizes, limit and actual. */
export type DesiredChange =
  | { readonly _tag: "Changed"; readonly twin: Twin }
  | { readonly _tag: "Same" }
  | { readonly _tag: "Refused"; readonly code: 90; readonly limit: number; readonly actual: number }
  | { readonly _tag: "Refused"; readonly code: 210 | 211 }

const valuesOf = (desired: Desired): Array<readonly [string, LeafValue]> =>
  Array.from(desired.leaves, ([path, { value }]) => [path, value])

/** Desired as a nested map. */
export const desiredMap = ({ desired }: Twin): TwinMap => nest(valuesOf(desired))

const touches = (left: string, right: string): boolean => left === right || isBelow(left, right) || isBelow(right, left)

/** Merges a patch into desired. Steps the version only when a value changes. */
export const changeDesired = (twin: Twin, patch: TwinPatch, at: number, by: string): DesiredChange => {
  if (tooDeep(patch, 1)) return { _tag: "Refused", code: 210 }
  if (nullInArray(patch)) return { _tag: "Refused", code: 211 }
  const merged = mergePatch(desiredMap(twin), patch)
  const values = leavesOf(merged)
  if (values.size > leavesMax) return { _tag: "Refused", code: 90, limit: leavesMax, actual: values.size }
  const bytes = cborBytes(merged)
  if (bytes > sectionBytesMax) return { _tag: "Refused", code: 90, limit: sectionBytesMax, actual: bytes }
  const version = twin.version + 1
  const changed: Array<string> = []
  const leaves = new Map<string, DesiredLeaf>()
  for (const [path, value] of values) {
    const known = twin.desired.leaves.get(path)
    if (known !== undefined && isSame(known.value, value)) leaves.set(path, known)
    else {
      leaves.set(path, { value, v: version, at, by })
      changed.push(path)
    }
  }
  const written = [...changed]
  const forgotten = new Map(twin.desired.forgotten)
  for (const path of written) for (const old of forgotten.keys()) if (touches(path, old)) forgotten.delete(old)
  for (const path of twin.desired.leaves.keys()) {
    if (leaves.has(path)) continue
    changed.push(path)
    if (!written.some((other) => touches(other, path))) forgotten.set(path, version)
  }
  if (changed.length === 0) return { _tag: "Same" }
  for (const path of forgotten.keys()) if (forgotten.size > forgottenMax) forgotten.delete(path)
  const refused = Object.fromEntries(
    Object.entries(twin.refused).filter(([pointer]) => !changed.some((path) => touches(path, pathOf(pointer))))
  )
  return {
    _tag: "Changed",
    twin: { ...twin, version, desiredVersion: version, desired: desiredOf(leaves, forgotten), refused }
  }
}

/** Takes the board's acknowledgement of a desired version. A lower one than the last changes nothing. */
export const acknowledgeDesired = (
  twin: Twin,
  version: number,
  refused: Readonly<Record<string, number>> | undefined
): Twin => {
  if (version < twin.applied || version > twin.desiredVersion) return twin
  const forgotten = new Map([...twin.desired.forgotten].filter(([, v]) => v > version))
  const desired =
    forgotten.size === twin.desired.forgotten.size ? twin.desired : desiredOf(twin.desired.leaves, forgotten)
  const stillRefused = Object.fromEntries(
    Object.entries(refused ?? {}).filter(([pointer]) => !isChangedAfter(twin, version, pathOf(pointer)))
  )
  return { ...twin, applied: version, refused: stillRefused, desired }
}

const isChangedAfter = (twin: Twin, version: number, path: string): boolean => {
  if (version === twin.desiredVersion) return false
  for (const [other, { v }] of twin.desired.leaves) if (v > version && touches(other, path)) return true
  return false
}

/** Whether the board refused a path or what it stands in. */
export const isRefused = ({ refused }: Twin, path: string): boolean => {
  for (const pointer in refused) {
    const place = pathOf(pointer)
    if (place === path || isBelow(path, place)) return true
  }
  return false
}

/** Whether reported lacks a desired leaf that the board has not refused. */
export const isMissing = (twin: Twin, path: string): boolean => {
  const leaf = twin.desired.leaves.get(path)
  if (leaf === undefined) return false
  const reported = valueAt(twin.reported, path)
  return (reported === undefined || !isSame(leaf.value, reported)) && !isRefused(twin, path)
}

/** The leaves of desired that reported lacks, without those the board refused. What only reported has never appears. */
export const missing = (twin: Twin): ReadonlyArray<string> => {
  const paths: Array<string> = []
  for (const path of twin.desired.leaves.keys()) if (isMissing(twin, path)) paths.push(path)
  return paths
}

/** The delta of these leaves as a patch; `forgotten` paths are told as null. */
export const deltaOf = (twin: Twin, paths: Iterable<string>, forgotten: Iterable<string> = []): TwinPatch => {
  const leaves: Array<readonly [string, LeafValue | null]> = []
  for (const path of paths) {
    const leaf = twin.desired.leaves.get(path)
    if (leaf !== undefined) leaves.push([path, leaf.value])
  }
  for (const path of forgotten) leaves.push([path, null])
  return nestPatch(leaves)
}

/** What desired has and reported lacks. */
export const delta = (twin: Twin): TwinPatch => deltaOf(twin, missing(twin))

/** Retires the document: desired is emptied, reported stays readable. */
export const emptyDesired = (twin: Twin): Twin => {
  if (twin.desired.leaves.size === 0) return twin
  const version = twin.version + 1
  return { ...twin, version, desiredVersion: version, desired: emptyTwin.desired, refused: {} }
}

/** A board knows a higher desired version than ours, which came from a restored backup: go on from it. */
export const continueFrom = (twin: Twin, version: number): Twin => {
  if (version <= twin.desiredVersion) return twin
  const next = Math.max(version, twin.version) + 1
  return { ...twin, version: next, desiredVersion: next }
}
