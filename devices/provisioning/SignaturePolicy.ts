/** Which signed and unsigned programs a board takes. */
import { Result } from "effect"
import type { HxeSignature } from "../../src/protocol/hxe/Hxe.ts"
import type { HxeReceived } from "../../src/protocol/hxe/HxeStream.ts"
import { readDetached } from "../../src/protocol/hxe/SignatureSection.ts"
import { countingKeys, type HxeTrust, signatureRefusal } from "../programs/HxeSignatures.ts"
import type { Refused } from "../Refused.ts"
import { refusal } from "./ErrorCodes.ts"

/** The board remembers the highest security version it took of each program, so that an old, signed image stays out. */
export interface SecurityVersions {
  /** 0 for a program never seen. */
  readonly highestOf: (appName: string) => number
  readonly accept: (appName: string, securityVersion: number) => void
}

/** What a board believes. */
export interface SignatureTrust extends HxeTrust {
  readonly versions?: SecurityVersions
}

/** From this level on, an older security version may be loaded: a factory repairs boards so. */
const factoryLevel = 3

/** The signature inside an image, or the one that came beside it; a version 1 image has only that. */
export const signatureOf = (
  received: HxeReceived,
  detached: Uint8Array | undefined
): Result.Result<HxeSignature | undefined, Refused> => {
  if (received.signature !== undefined || detached === undefined) return Result.succeed(received.signature)
  const read = readDetached(detached)
  return Result.isSuccess(read) ? Result.succeed(read.success) : Result.fail(refusal("EBADMSG", read.failure))
}

/** None when the policy is satisfied; else EPERM `unsigned` or `rollback`, ENOKEY, EKEYREJECTED. */
export const checkSignature = (
  received: HxeReceived,
  detached: Uint8Array | undefined,
  trust: SignatureTrust,
  level: number
): Refused | undefined => {
  const found = signatureOf(received, detached)
  if (Result.isFailure(found)) return found.failure
  const signature = found.success
  const wrong = signatureRefusal(signature, received.signedDigest, trust, true)
  const { appName } = received.header
  if (wrong !== undefined || signature === undefined) return wrong
  // A number counts only with a signature that does.
  if (appName === undefined || level >= factoryLevel || !countingKeys(trust).has(signature.keyId)) return undefined
  const highest = trust.versions?.highestOf(appName) ?? 0
  return signature.securityVersion < highest ? refusal("EPERM", "rollback") : undefined
}

/** Remembers the security version of an image that was taken, if its signature counts. */
export const acceptSecurityVersion = (
  { header, signature }: { readonly header: HxeReceived["header"]; readonly signature: HxeSignature | undefined },
  trust: SignatureTrust
): void => {
  if (signature === undefined || header.appName === undefined || trust.versions === undefined) return
  if (!countingKeys(trust).has(signature.keyId)) return
  if (signature.securityVersion > trust.versions.highestOf(header.appName)) {
    trust.versions.accept(header.appName, signature.securityVersion)
  }
}
