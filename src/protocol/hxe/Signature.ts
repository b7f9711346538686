/** Signs images and verifies them. Keys come from outside; which of them are trusted is the board's policy. */
import { constants, createHash, createPublicKey, type KeyObject, sign, verify } from "node:crypto"
import { Result } from "effect"
import { codes } from "../Codes.ts"
import { sealCrc } from "./Checksum.ts"
import { hasTable, programEnd, tableEnd, viewOf } from "./Header.ts"
import {
  crcOffset,
  type HxeImage,
  type HxeRefused,
  type HxeSignature,
  rowBytes,
  sectionsMax,
  sectionTypes,
  signatureAlgorithms
} from "./Hxe.ts"
import { readHxe } from "./HxeReader.ts"
import { manifestOffset } from "./Manifest.ts"
import { ed25519Bytes, signatureHeadBytes, writeSignature } from "./SignatureSection.ts"
import { signedDigestOf } from "./SignedDigest.ts"

const context = Buffer.from("HSX-HXE-SIG-v1\0", "latin1")
/** What stands before an Ed25519 key's own 32 bytes in its DER form: RFC 8410, section 4. */
const spkiHead = Buffer.from("302a300506032b6570032100", "hex")
const rawKeyBytes = 32
const keyIdBytes = 8
const saltBytes = 32

const messageOf = (digest: Uint8Array): Uint8Array => Buffer.concat([context, digest])

/** A public key from its 32 bytes. */
export const ed25519Key = (raw: Uint8Array): KeyObject =>
  createPublicKey({ key: Buffer.concat([spkiHead, raw]), format: "der", type: "spki" })

/** What an image calls a key by: the first eight bytes of the SHA-256 of the public key, in hexadecimal. */
export const keyIdOf = (key: KeyObject): string => {
  const publicKey = key.type === "private" ? createPublicKey(key) : key
  const der = publicKey.export({ format: "der", type: "spki" })
  // An Ed25519 key is known by its own bytes, any other by its DER form.
  const named = publicKey.asymmetricKeyType === "ed25519" ? der.subarray(der.length - rawKeyBytes) : der
  return createHash("sha256")
    .update(named)
    .digest("hex")
    .slice(0, 2 * keyIdBytes)
}

const isGenuine = ({ algorithm, signature }: HxeSignature, digest: Uint8Array, key: KeyObject): boolean => {
  const message = messageOf(digest)
  if (algorithm === signatureAlgorithms.ed25519)
    return key.asymmetricKeyType === "ed25519" && verify(null, message, key, signature)
  if (key.asymmetricKeyType !== "rsa") return false
  const padding = constants.RSA_PKCS1_PSS_PADDING
  return verify("sha256", message, { key, padding, saltLength: saltBytes }, signature)
}

/**
 * Verifies a signature against keys by their ids. Answers nothing when it is genuine, else EPERM `unsigned` without one,
 * ENOKEY for a key that is not among them, EKEYREJECTED when image and signature do not belong together.
 */
export const verifyHxe = (
  signature: HxeSignature | undefined,
  digest: Uint8Array,
  keys: ReadonlyMap<string, KeyObject>
): HxeRefused | undefined => {
  if (signature === undefined) return { code: codes.EPERM, detail: "unsigned" }
  const key = keys.get(signature.keyId)
  if (key === undefined) return { code: codes.ENOKEY, detail: `key:${signature.keyId}` }
  if (isGenuine(signature, digest, key)) return undefined
  return { code: codes.EKEYREJECTED, detail: `key:${signature.keyId}` }
}

/** Who signs, and the number below which a board takes no older program of that name any more. */
export interface Signer {
  /** An Ed25519 private key. */
  readonly privateKey: KeyObject
  readonly securityVersion: number
}

const signatureOf = (digest: Uint8Array, { privateKey, securityVersion }: Signer): Uint8Array =>
  writeSignature({ keyId: keyIdOf(privateKey), securityVersion }, sign(null, messageOf(digest), privateKey))

/** A copy of the image with room for a signature: a row more in its table, and an empty payload behind its last section. */
const withRoom = (image: HxeImage, bytes: Uint8Array): { readonly bytes: Uint8Array; readonly payloadAt: number } => {
  const { header, metadata } = image
  const tableAt = hasTable(header) ? header.metaOffset : programEnd(header)
  const rowAt = tableEnd(header)
  const payloadSize = signatureHeadBytes + ed25519Bytes
  const sectionsEnd = manifestOffset(header, metadata.sections)
  const payloadAt = sectionsEnd + rowBytes
  const made = new Uint8Array(bytes.length + rowBytes + payloadSize)
  made.set(bytes.subarray(0, rowAt))
  made.set(bytes.subarray(rowAt, sectionsEnd), rowAt + rowBytes)
  made.set(bytes.subarray(sectionsEnd), payloadAt + payloadSize)
  const view = viewOf(made)
  view.setUint32(0x40, tableAt)
  view.setUint32(0x44, metadata.sections.length + 1)
  // String offsets count from their section's start, so moving whole sections leaves them right.
  for (const [index, { offset }] of metadata.sections.entries())
    view.setUint32(tableAt + rowBytes * index + 4, offset + rowBytes)
  view.setUint32(rowAt, sectionTypes.signature)
  view.setUint32(rowAt + 4, payloadAt)
  view.setUint32(rowAt + 8, payloadSize)
  view.setUint32(rowAt + 12, 1)
  return { bytes: made, payloadAt }
}

/**
 * The image with a signature inside; one that it had is replaced. Fails as `readHxe` does, and with ENOTSUP for version 1,
 * whose signature stands in a file of its own, for a key other than Ed25519, and where the table or a signature of another
 * size leaves no room.
 */
export const signHxe = (bytes: Uint8Array, signer: Signer): Result.Result<Uint8Array, HxeRefused> => {
  const read = readHxe(bytes)
  if (Result.isFailure(read)) return Result.fail(read.failure)
  const image = read.success
  const { header, signature, metadata } = image
  if (header.version === 1) return Result.fail(cannot("version_1"))
  if (signer.privateKey.asymmetricKeyType !== "ed25519") return Result.fail(cannot("key_type"))
  if (signature !== undefined && signature.signature.length !== ed25519Bytes)
    return Result.fail(cannot("signature_size"))
  if (signature === undefined && metadata.sections.length === sectionsMax) return Result.fail(cannot("meta_count"))
  const room =
    signature === undefined
      ? withRoom(image, bytes)
      : { bytes: new Uint8Array(bytes), payloadAt: signature.offset - signatureHeadBytes }
  // The digest covers key id and number, so they are written first.
  const { privateKey, securityVersion } = signer
  const head = { keyId: keyIdOf(privateKey), securityVersion }
  room.bytes.set(writeSignature(head, new Uint8Array(ed25519Bytes)), room.payloadAt)
  viewOf(room.bytes).setUint32(crcOffset, 0)
  const digest = createHash("sha256").update(room.bytes).digest()
  room.bytes.set(signatureOf(digest, signer), room.payloadAt)
  sealCrc(room.bytes)
  return Result.succeed(room.bytes)
}

const cannot = (detail: string): HxeRefused => ({ code: codes.ENOTSUP, detail })

/** The signature of an image as bytes of a file beside it: for version 1, which has no room inside. Fails as `readHxe` does. */
export const signDetached = (bytes: Uint8Array, signer: Signer): Result.Result<Uint8Array, HxeRefused> => {
  const read = readHxe(bytes)
  if (Result.isFailure(read)) return Result.fail(read.failure)
  if (read.success.header.version !== 1) return Result.fail(cannot("version_2"))
  if (signer.privateKey.asymmetricKeyType !== "ed25519") return Result.fail(cannot("key_type"))
  return Result.succeed(signatureOf(signedDigestOf(bytes, undefined), signer))
}
