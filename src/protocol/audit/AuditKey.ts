/**
 * Keys that sign an audit. A node makes the first one of an *issuer*; each holds for a day and certifies the one after it, whose
 * private half is all that the issuer keeps. So who breaks in today signs nothing as of yesterday.
 */
import type { KeyObject } from "node:crypto"
import { Schema } from "effect"
import { major } from "../CborReader.ts"
import { CborWriter } from "../CborWriter.ts"
import { isSignatureOf, signatureOf } from "../image/Cose.ts"
import { keyIdOf, publicKeyOf } from "../image/SigningKey.ts"
import { genesis, hashOf, hexOf, isSameHash } from "./Hash.ts"
import { keyContext, type Seal } from "./Sealed.ts"

/** A key signs for so long, ms. */
export const keyMillis = 24 * 60 * 60_000

/** The form of certificates that this release writes. */
const certificateForm = 1

const hex = Schema.Uint8ArrayFromHex
const count = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))

/** A public key, for whom and when it signs, and the word of the key before it. */
export const KeyCertificate = Schema.Struct({
  /** Id of the issuer's first key, 16 bytes. */
  issuer: hex,
  /** From 1 on, without a gap. */
  epoch: count,
  /** 32 bytes. */
  publicKey: hex,
  /** It signs what was sealed from this time on, and before that one, ms. */
  from: count,
  until: count,
  /** Hash of the certificate before; 32 zero bytes for the first. */
  previous: hex,
  /** By the key of the certificate before; the first one signs itself. */
  signature: hex
})
export type KeyCertificate = typeof KeyCertificate.Type

const writer = new CborWriter()

/** Deterministic CBOR, a map by number: what is signed. */
export const encodeCertificate = ({
  issuer,
  epoch,
  publicKey,
  from,
  until,
  previous
}: Omit<KeyCertificate, "signature">): Uint8Array => {
  writer.begin()
  writer.head(major.map, 7)
  writer.number(1)
  writer.number(certificateForm)
  writer.number(2)
  writer.byteString(issuer)
  writer.number(3)
  writer.number(epoch)
  writer.number(4)
  writer.byteString(publicKey)
  writer.number(5)
  writer.number(from)
  writer.number(6)
  writer.number(until)
  writer.number(7)
  writer.byteString(previous)
  return writer.take()
}

/** The certificate of an issuer's first key, which signs it itself. */
export const firstCertificate = (publicKey: Uint8Array, privateKey: KeyObject, from: number): KeyCertificate => {
  const issuer = keyIdOf(publicKey)
  const made = { issuer, epoch: 1, publicKey, from, until: from + keyMillis, previous: genesis }
  return { ...made, signature: signatureOf(encodeCertificate(made), privateKey, issuer, keyContext) }
}

/** The certificate of the next key, by the one before. */
export const nextCertificate = (
  before: KeyCertificate,
  privateKeyBefore: KeyObject,
  publicKey: Uint8Array,
  from: number
): KeyCertificate => {
  const made = {
    issuer: before.issuer,
    epoch: before.epoch + 1,
    publicKey,
    from,
    until: from + keyMillis,
    previous: hashOf(encodeCertificate(before))
  }
  const signature = signatureOf(encodeCertificate(made), privateKeyBefore, keyIdOf(before.publicKey), keyContext)
  return { ...made, signature }
}

/** A key that may be believed. */
export interface TrustedKey {
  readonly certificate: KeyCertificate
  readonly keyId: Uint8Array
  readonly key: KeyObject
}

const isCertifiedBy = (certificate: KeyCertificate, signer: TrustedKey): boolean =>
  isSignatureOf(certificate.signature, encodeCertificate(certificate), signer.key, signer.keyId, keyContext)

const trusted = (certificate: KeyCertificate): TrustedKey | undefined => {
  const { publicKey } = certificate
  if (publicKey.length !== 32) return undefined
  return { certificate, keyId: keyIdOf(publicKey), key: publicKeyOf(publicKey) }
}

const follows = (before: TrustedKey, { issuer, epoch, from, until, previous }: KeyCertificate): boolean =>
  isSameHash(issuer, before.certificate.issuer) &&
  epoch === before.certificate.epoch + 1 &&
  from >= before.certificate.until &&
  until > from &&
  isSameHash(previous, hashOf(encodeCertificate(before.certificate)))

/** Keys by their ids, as far as one certifies the next. */
export class KeyRing {
  readonly #keys = new Map<string, TrustedKey>()

  /**
   * `certificates` in the order of their epochs, of any number of issuers. `pinned` is a public key that somebody has seen before:
   * then only it is believed, and what follows from it. Without one the first key of every issuer is.
   */
  constructor(certificates: ReadonlyArray<KeyCertificate>, pinned?: Uint8Array) {
    const last = new Map<string, TrustedKey>()
    /** Issuers of whom the pinned key was met. */
    const met = new Set<string>()
    for (const certificate of certificates) {
      const found = trusted(certificate)
      if (found === undefined) continue
      const issuer = hexOf(certificate.issuer)
      const before = last.get(issuer)
      const isCertified =
        before === undefined
          ? certificate.epoch === 1 && isSameHash(found.keyId, certificate.issuer) && isCertifiedBy(certificate, found)
          : follows(before, certificate) && isCertifiedBy(certificate, before)
      if (!isCertified) continue
      last.set(issuer, found)
      if (pinned === undefined || isSameHash(certificate.publicKey, pinned)) met.add(issuer)
      if (met.has(issuer)) this.#keys.set(hexOf(found.keyId), found)
    }
  }

  /** A key that is believed. */
  find(keyId: Uint8Array): TrustedKey | undefined {
    return this.#keys.get(hexOf(keyId))
  }
}

/** Why a signature is not to be believed; nothing for one that is. `at` is when the signed thing was made, ms. */
export const sealFault = (
  ring: KeyRing,
  { signature, keyId }: Seal,
  payload: Uint8Array,
  context: typeof keyContext,
  at: number
): string | undefined => {
  const found = ring.find(keyId)
  if (found === undefined) return "is signed by a key that nobody certified"
  const { from, until } = found.certificate
  if (at < from || at >= until) return "is signed by a key of another time"
  const isGenuine = signature.length === 64 && isSignatureOf(signature, payload, found.key, keyId, context)
  return isGenuine ? undefined : "carries a signature that is not of it"
}
