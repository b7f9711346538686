/** The bytes of a signature: a section of the image, or a file beside it. */
import { Result } from "effect"
import { tableEnd, viewOf } from "./Header.ts"
import { type HxeHeader, type HxeSection, type HxeSignature, sectionTypes, signatureAlgorithms } from "./Hxe.ts"

const format = 1
/** Bytes in front of the signature itself. */
export const signatureHeadBytes = 16
/** Bytes of an Ed25519 signature. */
export const ed25519Bytes = 64
const keyIdBytes = 8
const keyIdAt = 4
const securityVersionAt = 12

const fits = (algorithm: number, length: number): boolean =>
  algorithm === signatureAlgorithms.ed25519
    ? length === ed25519Bytes
    : algorithm === signatureAlgorithms.rsaPss && length > 0

/** Reads head and signature, which fill these bytes; `offset` is their place in the file. */
const readPayload = (bytes: Uint8Array, offset: number): HxeSignature | undefined => {
  if (bytes.length < signatureHeadBytes) return undefined
  const view = viewOf(bytes)
  const algorithm = view.getUint8(1)
  const length = view.getUint16(2)
  if (view.getUint8(0) !== format || !fits(algorithm, length)) return undefined
  if (bytes.length !== signatureHeadBytes + length) return undefined
  return {
    algorithm,
    keyId: Buffer.from(bytes.subarray(keyIdAt, keyIdAt + keyIdBytes)).toString("hex"),
    securityVersion: view.getUint32(securityVersionAt),
    signature: bytes.slice(signatureHeadBytes),
    offset: offset + signatureHeadBytes
  }
}

/** Reads the one signature section of an image, from bytes that begin at `base` of the file. */
export const findSignature = (
  header: HxeHeader,
  sections: ReadonlyArray<HxeSection>,
  bytes: Uint8Array,
  base: number
): Result.Result<HxeSignature | undefined, string> => {
  const found = sections.filter(({ type }) => type === sectionTypes.signature)
  const [section] = found
  if (section === undefined) return Result.succeed(undefined)
  // One that lies over code or table would be covered by itself.
  const isSound = found.length === 1 && section.entryCount === 1 && section.offset >= tableEnd(header)
  const payload = bytes.subarray(section.offset - base, section.offset - base + section.size)
  const signature = isSound ? readPayload(payload, section.offset) : undefined
  return signature === undefined ? Result.fail("signature_section") : Result.succeed(signature)
}

/** Reads a signature that rests beside its image. */
export const readDetached = (bytes: Uint8Array): Result.Result<HxeSignature, string> => {
  const signature = readPayload(bytes, 0)
  return signature === undefined ? Result.fail("signature_file") : Result.succeed({ ...signature, offset: 0 })
}

/** Head and signature of Ed25519, as bytes. */
export const writeSignature = (
  { keyId, securityVersion }: Pick<HxeSignature, "keyId" | "securityVersion">,
  signature: Uint8Array
): Uint8Array => {
  const bytes = new Uint8Array(signatureHeadBytes + ed25519Bytes)
  const view = viewOf(bytes)
  view.setUint8(0, format)
  view.setUint8(1, signatureAlgorithms.ed25519)
  view.setUint16(2, ed25519Bytes)
  bytes.set(Buffer.from(keyId, "hex"), keyIdAt)
  view.setUint32(securityVersionAt, securityVersion)
  bytes.set(signature, signatureHeadBytes)
  return bytes
}
