/** The signature inside an HXE image, or beside it: whose it must be, by whatever way the image came to the board. */
import type { KeyObject } from "node:crypto"
import { codes } from "../../src/protocol/Codes.ts"
import type { HxeSignature } from "../../src/protocol/hxe/Hxe.ts"
import { ed25519Key, keyIdOf, verifyHxe } from "../../src/protocol/hxe/Signature.ts"
import { imageKindBit } from "../../src/protocol/image/ImageKind.ts"
import { keyIdText } from "../../src/protocol/image/SigningKey.ts"
import type { Refused } from "../Refused.ts"
import type { BoardTrust } from "./ImageChecks.ts"

/** Whose signatures within images count. */
export interface HxeTrust {
  /**
   * `none`: a signature is only refused when it is wrong. `any`: a trusted key must have signed. A list: one of these keys, by
   * the ids that images call them by.
   */
  readonly policy: "none" | "any" | ReadonlyArray<string>
  /** Trusted public keys. */
  readonly keys: ReadonlyArray<KeyObject>
}

/** The keys that the policy lets count, by the ids that images call them by. */
export const countingKeys = ({ keys, policy }: HxeTrust): ReadonlyMap<string, KeyObject> =>
  new Map(
    keys.map((key) => [keyIdOf(key), key] as const).filter(([id]) => typeof policy === "string" || policy.includes(id))
  )

/** What a board believes of manifests, of signatures within images: the same keys, as far as they may sign such images. */
export const hxeTrustOf = ({ policy, signers }: BoardTrust): HxeTrust => ({
  policy: policy === "none" ? "none" : "any",
  keys: signers
    .filter(
      ({ key, isEnabled, kinds }) =>
        isEnabled !== false &&
        ((kinds ?? -1) & imageKindBit("hxe")) !== 0 &&
        (typeof policy === "string" || policy.includes(keyIdText(key)))
    )
    .map(({ key }) => ed25519Key(key))
})

/**
 * Judges a signature over a digest. `isNeeded` where nothing else speaks for the image, such as a signed manifest. EPERM
 * `unsigned`, ENOKEY for a key that is not trusted, EKEYREJECTED where image and signature do not belong together.
 */
export const signatureRefusal = (
  signature: HxeSignature | undefined,
  digest: Uint8Array | undefined,
  trust: HxeTrust,
  isNeeded: boolean
): Refused | undefined => {
  if (signature === undefined || digest === undefined) {
    return isNeeded && trust.policy !== "none" ? { code: codes.EPERM, detail: "unsigned" } : undefined
  }
  const wrong = verifyHxe(signature, digest, countingKeys(trust))
  // Without a policy, a key that nobody told the board of says nothing against the image.
  return trust.policy === "none" && wrong?.code === codes.ENOKEY ? undefined : wrong
}
