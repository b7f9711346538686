/** Names in fields of 32 bytes, filled up with NUL. */

/** Most bytes a name may have in UTF-8; the NUL after it is part of the field. */
export const nameBytesMax = 31

/** Bytes of the field. */
export const nameFieldBytes = 32

const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** Whether a name has room and comes back as it was. */
export const isName = (name: string): boolean => {
  const { length } = encoder.encode(name)
  return length > 0 && length <= nameBytesMax && !name.includes("\0") && decoder.decode(encoder.encode(name)) === name
}

/** Writes a name into its field. */
export const putName = (bytes: Uint8Array, at: number, name: string): void => {
  bytes.set(encoder.encode(name).subarray(0, nameBytesMax), at)
}

/** Reads up to the first NUL. */
export const nameAt = (bytes: Uint8Array, at: number): string => {
  const field = bytes.subarray(at, at + nameFieldBytes)
  const end = field.indexOf(0)
  return decoder.decode(field.subarray(0, end === -1 ? nameBytesMax : end))
}
