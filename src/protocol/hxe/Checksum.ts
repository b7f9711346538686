/** The CRC of an image: CRC-32 (ISO-HDLC) as zlib computes it, reflected, over two ranges of the file. */
import { crc32 } from "node:zlib"
import { headerBytesOf, versionOf, viewOf } from "./Header.ts"
import { crcOffset } from "./Hxe.ts"

/**
 * CRC of all that the header's field covers: what stands before the field, and what follows the header. Name, place of the
 * section table and number of sections are not covered.
 */
export const imageCrc = (bytes: Uint8Array): number =>
  crc32(bytes.subarray(headerBytesOf(versionOf(bytes))), crc32(bytes.subarray(0, crcOffset)))

/** Writes the CRC of the bytes as they are into their header. */
export const sealCrc = (bytes: Uint8Array): void => {
  viewOf(bytes).setUint32(crcOffset, imageCrc(bytes))
}

const polynomial = 0xedb8_8320
const one = 0x8000_0000

/** Product of two polynomials over GF(2), reflected, modulo the CRC's. */
const product = (left: number, right: number): number => {
  let sum = 0
  let shifted = right
  for (let bit = one; bit !== 0; bit >>>= 1) {
    if ((left & bit) !== 0) sum ^= shifted
    shifted = (shifted & 1) === 0 ? shifted >>> 1 : (shifted >>> 1) ^ polynomial
  }
  return sum >>> 0
}

/** x to the power of 8: what a byte more multiplies by. */
const oneByte = 0x0080_0000

/**
 * What the difference of two CRCs becomes when the same number of bytes, the same ones, follow both. It saves a second CRC
 * over bytes that two ranges share.
 */
export const carriedOver = (difference: number, byteCount: number): number => {
  let power = oneByte
  let result = difference
  for (let rest = byteCount; rest > 0; rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) result = product(power, result)
    power = product(power, power)
  }
  return result
}
