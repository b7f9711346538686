/** Sizes of values as CBOR (RFC 8949), for limits and for cutting frames, without encoding them. */
import { utf8Bytes } from "./TwinSchema.ts"
import type { TwinPatchValue } from "./TwinValue.ts"

/** Bytes of an item's head with this argument. */
const headBytes = (argument: number): number =>
  argument < 24 ? 1 : argument < 0x100 ? 2 : argument < 0x1_0000 ? 3 : argument < 0x1_0000_0000 ? 5 : 9

/** Bytes of a text. */
export const textBytes = (text: string): number => {
  const bytes = utf8Bytes(text)
  return headBytes(bytes) + bytes
}

const isArray = (value: unknown): value is ReadonlyArray<TwinPatchValue> => Array.isArray(value)

/** Bytes of a value; a number with a fraction counts as a double. */
export const cborBytes = (value: TwinPatchValue): number => {
  switch (typeof value) {
    case "number":
      return Number.isInteger(value) ? headBytes(value < 0 ? -1 - value : value) : 9
    case "string":
      return textBytes(value)
    case "boolean":
      return 1
  }
  if (value === null) return 1
  if (isArray(value)) {
    let bytes = headBytes(value.length)
    for (let index = 0; index < value.length; index++) bytes += cborBytes(value[index] ?? null)
    return bytes
  }
  const keys = Object.keys(value)
  let bytes = headBytes(keys.length)
  for (const key of keys) bytes += textBytes(key) + cborBytes(value[key] ?? null)
  return bytes
}
