/** Values a twin, a command or an event may carry: JSON with safe integers, and null only as the order to delete. */

/** A value at rest. Numbers are finite, whole ones within ±(2^53−1). An array is one leaf. */
export type TwinValue = boolean | number | string | ReadonlyArray<TwinValue> | TwinMap

/** A map at rest: what desired, reported and most payloads are. */
export interface TwinMap {
  readonly [key: string]: TwinValue
}

/** A value in a merge patch, where null deletes. Never null inside an array. */
export type TwinPatchValue = null | boolean | number | string | ReadonlyArray<TwinValue> | TwinPatch

/** A merge patch into a twin map (RFC 7396): null deletes its key, a map merges, all else replaces. */
export interface TwinPatch {
  readonly [key: string]: TwinPatchValue
}
