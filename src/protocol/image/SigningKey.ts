/** Ed25519 keys (RFC 8032) of those who sign images: their raw form, their PEM form and their id. */
import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from "node:crypto"
import { Result } from "effect"

/** Bytes of a public key. */
const publicKeyBytes = 32
/** Bytes of a key's id. */
export const keyIdBytes = 16

/** SubjectPublicKeyInfo of an Ed25519 key up to the key itself (RFC 8410, section 4). */
const spkiHead = Buffer.from("302a300506032b6570032100", "hex")

/** COSE_Key up to the key itself: {1: 1 (OKP), -1: 6 (Ed25519), -2: 32 bytes}, deterministic (RFC 9679, section 3). */
const coseKeyHead = Buffer.from("a301012006215820", "hex")

/** Id of a public key: the first 16 bytes of the SHA-256 of its COSE_Key. */
export const keyIdOf = (publicKey: Uint8Array): Uint8Array =>
  new Uint8Array(createHash("sha256").update(coseKeyHead).update(publicKey).digest().subarray(0, keyIdBytes))

/** The same as text: 32 hexadecimal digits. */
export const keyIdText = (publicKey: Uint8Array): string => Buffer.from(keyIdOf(publicKey)).toString("hex")

/** The key of raw bytes, ready to verify with. Throws `RangeError` when they are not 32. */
export const publicKeyOf = (raw: Uint8Array): KeyObject => {
  if (raw.length !== publicKeyBytes) throw new RangeError(`a public key of ${raw.length} bytes`)
  return createPublicKey({ key: Buffer.concat([spkiHead, raw]), format: "der", type: "spki" })
}

/** The 32 raw bytes of a public key, or of the public half of a private one. */
export const rawPublicKey = (key: KeyObject): Uint8Array => {
  const half = key.type === "private" ? createPublicKey(key) : key
  return new Uint8Array(half.export({ format: "der", type: "spki" }).subarray(spkiHead.length))
}

const wrongKind = "it is no Ed25519 key"
/** What the decoder itself says names its routines, not the fault. */
const noKey = "it holds no such key in PEM"

const keyIn = (make: () => KeyObject): Result.Result<KeyObject, string> =>
  Result.try({ try: make, catch: () => noKey }).pipe(
    Result.filterOrFail(
      ({ asymmetricKeyType }) => asymmetricKeyType === "ed25519",
      () => wrongKind
    )
  )

/** The private key of a PEM text; a failure says what is wrong with the text. */
export const readPrivateKey = (pem: string): Result.Result<KeyObject, string> => keyIn(() => createPrivateKey(pem))

/** The public key of a PEM text, also of a private key's. */
export const readPublicKey = (pem: string): Result.Result<KeyObject, string> => keyIn(() => createPublicKey(pem))

/** A new pair as PEM: PKCS #8 and SubjectPublicKeyInfo. */
export const newKeyPair = (): { readonly privatePem: string; readonly publicPem: string } => {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519")
  return {
    privatePem: privateKey.export({ format: "pem", type: "pkcs8" }).toString(),
    publicPem: publicKey.export({ format: "pem", type: "spki" }).toString()
  }
}
