/** Whether a board takes an image that is offered: what can be said before its first byte. */
import { Result } from "effect"
import { matches } from "../../src/protocol/Capability.ts"
import { codes } from "../../src/protocol/Codes.ts"
import type { ImageOffer } from "../../src/protocol/frame/ImageFrames.ts"
import { type ImageKind, imageKindOf } from "../../src/protocol/image/ImageKind.ts"
import type { Manifest } from "../../src/protocol/image/Manifest.ts"
import { judgeBytes, type SignaturePolicy, type TrustedSigner } from "../../src/protocol/image/Trust.ts"
import type { Refused } from "../Refused.ts"
import { isInRange } from "../Versions.ts"

/** Whose images a board takes: its own configuration, not the cluster's. */
export interface BoardTrust {
  readonly policy: SignaturePolicy
  readonly signers: ReadonlyArray<TrustedSigner>
}

/** A board that asks for no signature: only where nobody but its owner reaches it. */
export const trustsAll: BoardTrust = { policy: "none", signers: [] }

/** What offers are held against. */
export interface ImageRules {
  readonly profile: string
  readonly trust: BoardTrust
  readonly kinds: ReadonlyArray<ImageKind>
  /** Largest image, bytes. */
  readonly imageBytesMax: number
  /** What the board's programs may be given, by name. */
  readonly capabilities: ReadonlyArray<string>
  /** Version of a program that is on the board; undefined where there is none, "" where nobody knows it. */
  readonly versionOf: (name: string) => string | undefined
  /** Highest security version accepted so far. */
  readonly acceptedSecver: (kind: ImageKind, name: string) => number | undefined
}

/** An offer that passed. */
export interface Admitted {
  readonly manifest: Manifest
  /** A signature was verified. */
  readonly isSigned: boolean
}

const refuse = (code: number, detail: string): Result.Result<never, Refused> => Result.fail({ code, detail })

/** Judges an offer: its size and kind, its manifest, whose signature that is, how old it is, and what it asks of the board. */
export const judgeOffer = (offer: ImageOffer, rules: ImageRules): Result.Result<Admitted, Refused> => {
  const kind = imageKindOf(offer.kind)
  if (kind === undefined || !rules.kinds.includes(kind)) return refuse(codes.ENOTSUP, `kind:${kind ?? offer.kind}`)
  if (offer.size > rules.imageBytesMax) return refuse(codes.ENOSPC, `size:${offer.size}/${rules.imageBytesMax}`)
  const { trust, acceptedSecver } = rules
  return Result.flatMap(judgeBytes(offer.manifest, { ...trust, acceptedSecver }), ({ manifest, signer }) => {
    const refused = mismatchOf(offer, manifest, kind) ?? lackOf(manifest, rules) ?? missingOf(manifest, rules)
    return refused === undefined
      ? Result.succeed({ manifest, isSigned: signer !== undefined })
      : Result.fail<Refused>(refused)
  })
}

/** The manifest is signed, the rest of the offer is not: they must be of one image. */
const mismatchOf = (offer: ImageOffer, manifest: Manifest, kind: ImageKind): Refused | undefined => {
  if (manifest.kind !== kind) return { code: codes.EBADMSG, detail: "manifest: of another kind" }
  if (manifest.size !== offer.size) return { code: codes.EBADMSG, detail: "manifest: of another size" }
  if (manifest.sha256 !== Buffer.from(offer.sha256).toString("hex")) {
    return { code: codes.EBADMSG, detail: "manifest: of another image" }
  }
  return undefined
}

/** What the image needs and this board is not or has not. Budgets are the runtime's to judge. */
const lackOf = ({ requires }: Manifest, { profile, capabilities }: ImageRules): Refused | undefined => {
  if (requires?.profiles !== undefined && !requires.profiles.some((glob) => matches(glob, profile))) {
    return { code: codes.ENOTSUP, detail: `profile:${profile}` }
  }
  const missing = requires?.caps?.find((name) => !capabilities.includes(name))
  return missing === undefined ? undefined : { code: codes.ENOTSUP, detail: `caps:${missing}` }
}

/** What must be on the board before it and is not there, or in another version. */
const missingOf = ({ depends = [] }: Manifest, { versionOf }: ImageRules): Refused | undefined => {
  for (const { name, range = "*", optional = false } of depends) {
    if (isInRange("0.0.0", range) === undefined) {
      return { code: codes.EINVAL, detail: `depends.${name}: ${range} is no range of versions` }
    }
    const version = versionOf(name)
    if (version === undefined) {
      if (!optional) return { code: codes.ENOTSUP, detail: `depends:${name}` }
    } else if (range !== "*" && isInRange(version, range) !== true) {
      return { code: codes.ENOTSUP, detail: `depends:${name}@${range}/${version || "unknown"}` }
    }
  }
  return undefined
}
