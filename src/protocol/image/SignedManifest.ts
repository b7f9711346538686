/** A manifest as it travels: signed, or bare where nobody asks for a signature. */
import type { KeyObject } from "node:crypto"
import { Result } from "effect"
import { codes } from "../Codes.ts"
import { isSignedBy, looksSigned, readSign1, type Sign1, sign1 } from "./Cose.ts"
import type { ImageRefused } from "./ImageRefused.ts"
import { decodeManifest, type Manifest, manifestBytesMax } from "./Manifest.ts"

const context = { contentType: "application/holon-manifest+cbor", externalData: "holon-image/1" } as const

/** Room for the signature around a manifest: heads, the three headers, 64 bytes. */
const envelopeBytesMax = 256

/** Bytes of a manifest as it travels. */
const signedManifestBytesMax = manifestBytesMax + envelopeBytesMax

/** What travelled: the manifest, its bytes, and the signature unless it came bare. */
export interface TravellingManifest {
  readonly manifest: Manifest
  /** The bytes that a signature is over. */
  readonly payload: Uint8Array
  readonly signature: Sign1 | undefined
}

/** Signs the bytes of a manifest. */
export const signManifest = (payload: Uint8Array, privateKey: KeyObject): Uint8Array =>
  sign1(payload, privateKey, context)

/** Whether this key made the signature. */
export const isManifestSignedBy = (signature: Sign1, publicKey: KeyObject): boolean =>
  isSignedBy(signature, publicKey, context.externalData)

/** Reads what travelled, without verifying: size first, then the envelope, then the manifest. Never throws. */
export const readTravelling = (bytes: Uint8Array): Result.Result<TravellingManifest, ImageRefused> => {
  if (bytes.length > signedManifestBytesMax)
    return Result.fail({
      code: codes.EMSGSIZE,
      detail: `a signed manifest of ${bytes.length} bytes, the limit is ${signedManifestBytesMax}`
    })
  if (!looksSigned(bytes))
    return Result.map(decodeManifest(bytes), (manifest) => ({ manifest, payload: bytes, signature: undefined }))
  return Result.flatMap(readSign1(bytes), (signature) => {
    if (signature.contentType !== context.contentType)
      return Result.fail({ code: codes.EBADMSG, detail: `signature: of a ${signature.contentType}, not of a manifest` })
    const { payload } = signature
    return Result.map(decodeManifest(payload), (manifest) => ({ manifest, payload, signature }))
  })
}
