/** The difference of two states as a merge patch. */
import type { TwinMap, TwinPatch, TwinPatchValue, TwinValue } from "../../src/protocol/TwinValue.ts"

const isMap = (value: TwinValue | undefined): value is TwinMap => typeof value === "object" && !Array.isArray(value)

const isArray = (value: TwinValue | undefined): value is ReadonlyArray<TwinValue> => Array.isArray(value)

const same = (left: TwinValue | undefined, right: TwinValue): boolean => {
  if (isArray(left) && isArray(right)) {
    return left.length === right.length && right.every((value, index) => same(left[index], value))
  }
  return left === right
}

/** The patch that makes `after` of `before`, as small as it can be. */
export const changesOf = (before: TwinMap, after: TwinMap): TwinPatch => {
  const patch: Record<string, TwinPatchValue> = {}
  for (const [key, value] of Object.entries(after)) {
    const earlier = before[key]
    if (isMap(value) && isMap(earlier)) {
      const inner = changesOf(earlier, value)
      if (Object.keys(inner).length > 0) patch[key] = inner
    } else if (!same(earlier, value)) patch[key] = value
  }
  for (const key of Object.keys(before)) if (!Object.hasOwn(after, key)) patch[key] = null
  return patch
}
