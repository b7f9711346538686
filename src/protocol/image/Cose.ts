/** COSE_Sign1 (RFC 9052, section 4.2) with Ed25519: one signature over a payload, and what says which key made it. */
import { type KeyObject, sign, verify } from "node:crypto"
import { Result } from "effect"
import { faultOf } from "../Cbor.ts"
import { CborReader, major } from "../CborReader.ts"
import { CborWriter } from "../CborWriter.ts"
import { codes } from "../Codes.ts"
import { indeterminacyOf } from "./Deterministic.ts"
import type { ImageRefused } from "./ImageRefused.ts"
import { keyIdBytes, keyIdOf, rawPublicKey } from "./SigningKey.ts"

/** Ed25519 (RFC 9864): what is written. */
const ed25519 = -19
/** EdDSA of whatever curve the key has (RFC 9053): older signers write it. */
const edDsa = -8

const tagged = 0xd2
const header = { algorithm: 1, contentType: 3, keyId: 4 } as const
const signatureBytes = 64

const encoder = new TextEncoder()
const writer = new CborWriter()

/** What was signed, and by whom; nothing is verified yet. */
export interface Sign1 {
  /** As they stand in the message: the signature is over these bytes. */
  readonly protectedHeader: Uint8Array
  readonly contentType: string
  /** 16 bytes. */
  readonly keyId: Uint8Array
  readonly payload: Uint8Array
  /** 64 bytes. */
  readonly signature: Uint8Array
}

/** Sig_structure (RFC 9052, section 4.4): the bytes that are signed. */
const signedBytes = (protectedHeader: Uint8Array, externalData: string, payload: Uint8Array): Uint8Array => {
  writer.begin()
  writer.head(major.list, 4)
  writer.text("Signature1")
  writer.byteString(protectedHeader)
  writer.byteString(encoder.encode(externalData))
  writer.byteString(payload)
  return writer.take()
}

const writeHeader = (contentType: string, keyId: Uint8Array): Uint8Array => {
  writer.begin()
  writer.head(major.map, 3)
  writer.unsigned(header.algorithm)
  writer.number(ed25519)
  writer.unsigned(header.contentType)
  writer.text(contentType)
  writer.unsigned(header.keyId)
  writer.byteString(keyId)
  return writer.take()
}

/** What a signature is bound to beside its payload: neither is a secret, both must be the same for the verifier. */
export interface Sign1Context {
  readonly contentType: string
  /** Never sent. */
  readonly externalData: string
}

/** The bare signature, 64 bytes, of a message that nobody carries whole. `keyId` is that of the key. */
export const signatureOf = (
  payload: Uint8Array,
  privateKey: KeyObject,
  keyId: Uint8Array,
  { contentType, externalData }: Sign1Context
): Uint8Array =>
  new Uint8Array(sign(null, signedBytes(writeHeader(contentType, keyId), externalData, payload), privateKey))

/** Whether `signature` is the bare one of `publicKey`. */
export const isSignatureOf = (
  signature: Uint8Array,
  payload: Uint8Array,
  publicKey: KeyObject,
  keyId: Uint8Array,
  { contentType, externalData }: Sign1Context
): boolean => verify(null, signedBytes(writeHeader(contentType, keyId), externalData, payload), publicKey, signature)

/** The message of a bare signature. */
export const sign1Of = (
  payload: Uint8Array,
  signature: Uint8Array,
  keyId: Uint8Array,
  { contentType }: Sign1Context
): Uint8Array => {
  const protectedHeader = writeHeader(contentType, keyId)
  writer.begin()
  writer.head(major.tag, tagged & 31)
  writer.head(major.list, 4)
  writer.byteString(protectedHeader)
  writer.head(major.map, 0)
  writer.byteString(payload)
  writer.byteString(signature)
  return writer.take()
}

/** Signs. Ed25519 needs no randomness: the same payload and key give the same bytes. */
export const sign1 = (payload: Uint8Array, privateKey: KeyObject, context: Sign1Context): Uint8Array => {
  const keyId = keyIdOf(rawPublicKey(privateKey))
  return sign1Of(payload, signatureOf(payload, privateKey, keyId, context), keyId, context)
}

/** Whether the signature of `message` is that of `publicKey` over its payload and `externalData`. */
export const isSignedBy = (message: Sign1, publicKey: KeyObject, externalData: string): boolean =>
  verify(null, signedBytes(message.protectedHeader, externalData, message.payload), publicKey, message.signature)

const refused = (detail: string): Result.Result<never, ImageRefused> =>
  Result.fail({ code: codes.EBADMSG, detail: `signature: ${detail}` })

/** Reads a head and tells whether it is of this type and, where one is given, has this argument. */
const isNext = (reader: CborReader, type: number, argument?: number): boolean =>
  reader.head() === type && (argument === undefined || reader.argument === argument)

const readHeader = (bytes: Uint8Array): Result.Result<Pick<Sign1, "contentType" | "keyId">, ImageRefused> => {
  const fault = faultOf(bytes) ?? indeterminacyOf(bytes)
  if (fault !== undefined) return refused(`protected header: ${fault}`)
  const reader = new CborReader(bytes)
  // A header that the verifier does not know might forbid what it is about to do: exactly these three.
  if (!isNext(reader, major.map, 3)) return refused("not the three protected headers")
  if (!isNext(reader, major.unsigned, header.algorithm)) return refused("no algorithm")
  const algorithm = reader.head() === major.negative ? -1 - reader.argument : 0
  if (algorithm !== ed25519 && algorithm !== edDsa) return refused("an algorithm other than Ed25519")
  if (!isNext(reader, major.unsigned, header.contentType)) return refused("no content type")
  if (!isNext(reader, major.text)) return refused("a content type that is not text")
  const contentType = reader.takeText()
  if (!isNext(reader, major.unsigned, header.keyId)) return refused("no key id")
  if (!isNext(reader, major.bytes, keyIdBytes)) return refused("a key id that is not 16 bytes")
  return Result.succeed({ contentType, keyId: reader.takeBytes() })
}

/** Whether bytes begin as a COSE_Sign1 does, with or without its tag; a bare map does not. */
export const looksSigned = (bytes: Uint8Array): boolean => bytes[0] === tagged || (bytes[0] ?? 0) >> 5 === major.list

/** Reads a message, with or without its tag. Refused with `EBADMSG` when it is not one, or not signed with Ed25519. */
export const readSign1 = (bytes: Uint8Array): Result.Result<Sign1, ImageRefused> => {
  const untagged = bytes[0] === tagged ? bytes.subarray(1) : bytes
  const fault = faultOf(untagged) ?? indeterminacyOf(untagged)
  if (fault !== undefined) return refused(fault)
  const reader = new CborReader(untagged)
  if (!isNext(reader, major.list, 4)) return refused("not a list of four")
  if (!isNext(reader, major.bytes)) return refused("no protected header")
  const protectedHeader = reader.takeBytes()
  if (!isNext(reader, major.map, 0)) return refused("unprotected headers")
  if (!isNext(reader, major.bytes)) return refused("no payload")
  const payload = reader.takeBytes()
  if (!isNext(reader, major.bytes, signatureBytes)) return refused("not 64 bytes")
  const signature = reader.takeBytes()
  return Result.map(readHeader(protectedHeader), (found) => ({ ...found, protectedHeader, payload, signature }))
}
