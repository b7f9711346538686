/** What is said of an image, and whether its bytes agree. */
import { Result } from "effect"
import type { PushOptions } from "../../gateways/http/ImageLibrary.ts"
import { codes } from "../../protocol/Codes.ts"
import { keyIdOf, verifyHxe } from "../../protocol/hxe/Signature.ts"
import { type ImageIdentity, manifestOfFacts } from "../../protocol/image/HxeImageManifest.ts"
import type { ImageKind } from "../../protocol/image/ImageKind.ts"
import type { ImageRefused } from "../../protocol/image/ImageRefused.ts"
import { encodeManifest, type Manifest } from "../../protocol/image/Manifest.ts"
import type { TravellingManifest } from "../../protocol/image/SignedManifest.ts"
import { keyIdText, publicKeyOf } from "../../protocol/image/SigningKey.ts"
import type { TrustOptions } from "../../protocol/image/Trust.ts"
import type { Taken } from "./ImageIntake.ts"

/** A manifest in both forms. */
export interface Described {
  readonly bytes: Uint8Array
  readonly travelling: TravellingManifest
}

/** A manifest that nobody has signed. */
export const bare = (manifest: Manifest): Result.Result<Described, ImageRefused> =>
  Result.map(encodeManifest(manifest), (bytes) => ({
    bytes,
    travelling: { manifest, payload: bytes, signature: undefined }
  }))

/** Id of the key that the signature names, for the row. */
export const signerOf = ({ signature }: TravellingManifest): string | null =>
  signature === undefined ? null : Buffer.from(signature.keyId).toString("hex")

/** The first thing that a manifest says otherwise than the bytes it came with. */
export const contradiction = (
  manifest: Manifest,
  image: ImageIdentity & { readonly kind: ImageKind }
): string | undefined => {
  if (manifest.sha256 !== image.sha256) return `the manifest is that of the image ${manifest.sha256}`
  if (manifest.size !== image.size) return `the manifest says ${manifest.size} bytes, the image has ${image.size}`
  return manifest.kind === image.kind ? undefined : `the manifest says ${manifest.kind}, the image is ${image.kind}`
}

/** The manifest of an image that came without one. */
export const madeManifest = (
  taken: Taken,
  options: PushOptions,
  created: number
): Result.Result<Manifest, ImageRefused> => {
  const { sha256, size, kind, facts } = taken
  const { name, version, secver } = options
  if (facts !== undefined) return manifestOfFacts(facts, taken, { name, version, secver, created })
  if (name === undefined || version === undefined)
    return Result.fail({ code: codes.EINVAL, detail: "it needs a name and a version, or a manifest that has them" })
  return Result.succeed({ v: 1, kind, sha256, size, name, version, secver: secver ?? 0, created })
}

/** Why the signature inside an HXE image forbids to take it. The one of a manifest does not make up for a bad one. */
export const ownSignatureRefusal = (
  { facts, signedDigest }: Taken,
  { policy, signers }: Pick<TrustOptions, "policy" | "signers">
): ImageRefused | undefined => {
  if (facts?.signature === undefined || signedDigest === undefined) return undefined
  const listed = signers.filter(
    ({ key, isEnabled }) => isEnabled !== false && (typeof policy === "string" || policy.includes(keyIdText(key)))
  )
  const keys = new Map(listed.map(({ key }) => publicKeyOf(key)).map((key) => [keyIdOf(key), key]))
  const refusal = verifyHxe(facts.signature, signedDigest, keys)
  return refusal?.code === codes.ENOKEY && policy === "none" ? undefined : refusal
}
