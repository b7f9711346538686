/** The CRC of an image. */
import { crc32 } from "node:zlib"
import { headerBytesOf, versionOf, viewOf } from "./Header.ts"
import { crcOffset } from "./Hxe.ts"

/**
 * CRC-32 (ISO-HDLC, as zlib's) of all that the header's field covers: what stands before the field, and what follows the
 * header. Name, place of the section table and number of sections are not covered.
 */
export const imageCrc = (bytes: Uint8Array): number =>
  crc32(bytes.subarray(headerBytesOf(versionOf(bytes))), crc32(bytes.subarray(0, crcOffset)))

/** Writes the CRC of the bytes as they are into their header. */
export const sealCrc = (bytes: Uint8Array): void => {
  viewOf(bytes).setUint32(crcOffset, imageCrc(bytes))
}
