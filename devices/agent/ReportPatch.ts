/** Reports as merge patches: two in a row as one, one in pieces that fit a frame. */
import type { TwinPatch, TwinPatchValue } from "../../src/protocol/TwinValue.ts"

/** A map of a patch, as against a leaf or the order to delete. */
export const isMap = (value: TwinPatchValue | undefined): value is TwinPatch =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/**
 * One patch with the effect of `first` and then `second`, or none where no single patch has it: a map laid over a value
 * that replaced a map must forget that map's other keys, and a patch cannot say so.
 */
export const compose = (first: TwinPatch, second: TwinPatch): TwinPatch | undefined => {
  const composed: Record<string, TwinPatchValue> = { ...first }
  for (const key of Object.keys(second)) {
    const later = second[key]
    if (later === undefined) continue
    const earlier = first[key]
    if (!isMap(later) || earlier === undefined) {
      composed[key] = later
      continue
    }
    if (!isMap(earlier)) return undefined
    const inner = compose(earlier, later)
    if (inner === undefined) return undefined
    composed[key] = inner
  }
  return composed
}

/** Two patches that together say what this one says, in either order; none when it is a single leaf. */
export const halve = (patch: TwinPatch): readonly [TwinPatch, TwinPatch] | undefined => {
  const keys = Object.keys(patch)
  if (keys.length > 1) {
    const middle = keys.length >> 1
    const pick = (names: ReadonlyArray<string>): TwinPatch => {
      const half: Record<string, TwinPatchValue> = {}
      for (const name of names) {
        const value = patch[name]
        if (value !== undefined) half[name] = value
      }
      return half
    }
    return [pick(keys.slice(0, middle)), pick(keys.slice(middle))]
  }
  const only = keys[0]
  if (only === undefined) return undefined
  const value = patch[only]
  if (!isMap(value)) return undefined
  const halves = halve(value)
  return halves && [{ [only]: halves[0] }, { [only]: halves[1] }]
}
