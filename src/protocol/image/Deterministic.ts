/**
 * Checks that CBOR stands in its one deterministic form (RFC 8949, section 4.2.1), so that what is signed has no second
 * spelling: shortest heads, keys of a map in the order of their bytes, the narrowest float that keeps the value.
 */
import { CborReader, major } from "../CborReader.ts"

const scratch = new DataView(new ArrayBuffer(8))

/** Whether a float of half the width, where there is one, would hold the same value. */
const isNarrowest = (bytes: Uint8Array, start: number, value: number): boolean => {
  const width = bytes[start]
  if (Number.isNaN(value)) return width === 0xf9 && bytes[start + 1] === 0x7e && bytes[start + 2] === 0
  if (width === 0xf9) return true
  if (width === 0xfb) return Math.fround(value) !== value
  return !isHalf(value)
}

/** Whether a value of single precision is one of half precision too: 11 bits of fraction within its exponents. */
const isHalf = (value: number): boolean => {
  if (value === 0 || !Number.isFinite(value)) return true
  if (Math.abs(value) > 65_504) return false
  scratch.setFloat64(0, Math.abs(value))
  const exponent = ((scratch.getUint16(0) >> 4) & 0x7ff) - 1023
  const step = 2 ** (Math.max(exponent, -14) - 10)
  return Number.isInteger(value / step)
}

const isShortestHead = (info: number, argument: number): boolean => {
  if (info < 24) return true
  if (info === 24) return argument >= 24
  if (info === 25) return argument >= 0x100
  return info === 26 ? argument >= 0x1_0000 : argument >= 2 ** 32
}

const isBefore = (bytes: Uint8Array, a: number, aEnd: number, b: number, bEnd: number): boolean => {
  const length = Math.min(aEnd - a, bEnd - b)
  for (let index = 0; index < length; index++) {
    const difference = (bytes[a + index] ?? 0) - (bytes[b + index] ?? 0)
    if (difference !== 0) return difference < 0
  }
  return aEnd - a < bEnd - b
}

/** What is not deterministic about one item that `faultOf` has found well-formed, or nothing. */
export const indeterminacyOf = (bytes: Uint8Array): string | undefined => itemFault(new CborReader(bytes), bytes)

// Depth is bounded by `faultOf`.
const itemFault = (reader: CborReader, bytes: Uint8Array): string | undefined => {
  const start = reader.at
  const type = reader.head()
  const info = (bytes[start] ?? 0) & 31
  const { argument } = reader
  if (type === major.simple) {
    const value = reader.takeSimple()
    return typeof value !== "number" || isNarrowest(bytes, start, value) ? undefined : "a float that is too wide"
  }
  if (!isShortestHead(info, argument)) return "a head that is too long"
  switch (type) {
    case major.bytes:
    case major.text:
      reader.at += argument
      return undefined
    case major.list:
      for (let index = 0; index < argument; index++) {
        const fault = itemFault(reader, bytes)
        if (fault !== undefined) return fault
      }
      return undefined
    case major.map:
      return mapFault(reader, bytes, argument)
    default:
      return undefined
  }
}

const mapFault = (reader: CborReader, bytes: Uint8Array, count: number): string | undefined => {
  let before: number | undefined
  let beforeEnd = 0
  for (let index = 0; index < count; index++) {
    const start = reader.at
    const keyFault = itemFault(reader, bytes)
    if (keyFault !== undefined) return keyFault
    if (before !== undefined && !isBefore(bytes, before, beforeEnd, start, reader.at)) return "keys out of order"
    before = start
    beforeEnd = reader.at
    const fault = itemFault(reader, bytes)
    if (fault !== undefined) return fault
  }
  return undefined
}
