/**
 * What a signature covers: the SHA-256 of the whole file with its CRC and the signature's own bytes taken as zero. Other than
 * the CRC it covers the name and the place of the section table.
 */
import { createHash, type Hash } from "node:crypto"
import { crcOffset, type HxeSignature } from "./Hxe.ts"

const noCrc = new Uint8Array(4)

/** Begins a digest with the header's bytes, its CRC taken as zero. */
export const beginDigest = (header: Uint8Array): Hash =>
  createHash("sha256")
    .update(header.subarray(0, crcOffset))
    .update(noCrc)
    .update(header.subarray(crcOffset + noCrc.length))

/** Goes on with bytes that stand at `base` of the file and hold the whole signature, or nothing of it. */
export const continueDigest = (
  hash: Hash,
  bytes: Uint8Array,
  base: number,
  signature: HxeSignature | undefined
): void => {
  if (signature === undefined || signature.offset === 0) {
    hash.update(bytes)
    return
  }
  const start = signature.offset - base
  const size = signature.signature.length
  hash
    .update(bytes.subarray(0, start))
    .update(new Uint8Array(size))
    .update(bytes.subarray(start + size))
}

/** The digest of an image that is there as a whole; `signature` is the one inside it, if any. */
export const signedDigestOf = (bytes: Uint8Array, signature: HxeSignature | undefined): Uint8Array => {
  const headBytes = crcOffset + noCrc.length
  const hash = beginDigest(bytes.subarray(0, headBytes))
  continueDigest(hash, bytes.subarray(headBytes), headBytes, signature)
  return hash.digest()
}
