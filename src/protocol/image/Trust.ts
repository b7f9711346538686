/** Who may sign images, and whether one may be taken: the same judgement on boards and in the cluster. */
import { Result } from "effect"
import { codes } from "../Codes.ts"
import { type ImageKind, imageKindBit } from "./ImageKind.ts"
import type { ImageRefused } from "./ImageRefused.ts"
import type { Manifest } from "./Manifest.ts"
import { isManifestSignedBy, readTravelling, type TravellingManifest } from "./SignedManifest.ts"
import { keyIdText, publicKeyOf } from "./SigningKey.ts"

/** A key that may sign. */
export interface TrustedSigner {
  /** Raw Ed25519 public key, 32 bytes. */
  readonly key: Uint8Array
  /** One bit for each kind of image it may sign, as `imageKindBit` gives them; all when absent. */
  readonly kinds?: number
  /** Default true. */
  readonly isEnabled?: boolean
}

/**
 * `none` takes what is not signed, and what a stranger has signed, and refuses only a signature of a known key that is wrong; `any` wants
 * one of some enabled key; a list wants one of the keys with these ids, 32 hexadecimal digits each.
 */
export type SignaturePolicy = "none" | "any" | ReadonlyArray<string>

export interface TrustOptions {
  readonly policy: SignaturePolicy
  readonly signers: ReadonlyArray<TrustedSigner>
  /** Highest security version accepted so far for the kind and name; nothing when there was none. */
  readonly acceptedSecver?: (kind: ImageKind, name: string) => number | undefined
  /** Lets an older security version pass: who asks is allowed to. */
  readonly mayGoBack?: boolean
}

/** What a manifest says, and whose signature was found good. */
export interface Verdict {
  readonly manifest: Manifest
  /** Id of the key whose signature holds, 32 hexadecimal digits; absent when none was verified. */
  readonly signer: string | undefined
}

const refuse = (code: number, detail: string): Result.Result<never, ImageRefused> => Result.fail({ code, detail })

const signerOf = (
  { manifest, signature }: TravellingManifest,
  { policy, signers }: TrustOptions
): Result.Result<string | undefined, ImageRefused> => {
  const isNeeded = policy !== "none"
  if (signature === undefined) return isNeeded ? refuse(codes.EPERM, "unsigned") : Result.succeed(undefined)
  const id = Buffer.from(signature.keyId).toString("hex")
  const signer = signers.find(({ key }) => keyIdText(key) === id)
  const isListed = typeof policy === "string" || policy.includes(id)
  if (signer === undefined || !isListed)
    return isNeeded ? refuse(codes.ENOKEY, `the key ${id} is not trusted here`) : Result.succeed(undefined)
  if (isNeeded && signer.isEnabled === false) return refuse(codes.EKEYREVOKED, `the key ${id} is disabled`)
  if (isNeeded && ((signer.kinds ?? -1) & imageKindBit(manifest.kind)) === 0)
    return refuse(codes.EPERM, `the key ${id} may not sign ${manifest.kind}`)
  return isManifestSignedBy(signature, publicKeyOf(signer.key))
    ? Result.succeed(id)
    : refuse(codes.EKEYREJECTED, `the signature is not that of the key ${id}`)
}

/** Judges a manifest that was read: the key, then the signature, then the security version. */
export const judge = (travelling: TravellingManifest, options: TrustOptions): Result.Result<Verdict, ImageRefused> =>
  Result.flatMap(signerOf(travelling, options), (signer) => {
    const { manifest } = travelling
    const accepted = options.acceptedSecver?.(manifest.kind, manifest.name)
    if (accepted !== undefined && manifest.secver < accepted && options.mayGoBack !== true)
      return refuse(codes.EPERM, `rollback: security version ${manifest.secver}, ${accepted} was accepted before`)
    return Result.succeed({ manifest, signer })
  })

/** Reads and judges a manifest as it travelled. Never throws. */
export const judgeBytes = (bytes: Uint8Array, options: TrustOptions): Result.Result<Verdict, ImageRefused> =>
  Result.flatMap(readTravelling(bytes), (travelling) => judge(travelling, options))
