/** Equality of bytes. */

/** Whether both hold the same bytes, in the same order and as many of them. */
export const isSameBytes = (left: Uint8Array, right: Uint8Array): boolean => Buffer.compare(left, right) === 0
