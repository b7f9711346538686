/** Whose images the cluster takes, from the config and the key files that it names. */
import { readFileSync } from "node:fs"
import { Effect, Result, Schema } from "effect"
import { imageKindBit } from "../protocol/image/ImageKind.ts"
import { rawPublicKey, readPublicKey } from "../protocol/image/SigningKey.ts"
import type { SignaturePolicy, TrustedSigner, TrustOptions } from "../protocol/image/Trust.ts"
import { isLoopback } from "./Binds.ts"
import type { ClusterConfig } from "./Config.ts"

/** The config of images cannot be used. Permanent until files or config are changed. */
export class ImageTrustUnusable extends Schema.TaggedError<ImageTrustUnusable>()("ImageTrustUnusable", {
  field: Schema.Literals(["signers", "signatures"]),
  reason: Schema.String
}) {
  override get message() {
    return `images.${this.field} cannot be used: ${this.reason}. Correct the files or cluster.config.ts.`
  }
}

type Signer = ClusterConfig["images"]["signers"][number]

const readSigner = ({ key: path, kinds }: Signer): Effect.Effect<TrustedSigner, ImageTrustUnusable> =>
  Effect.gen(function* () {
    const unusable = (reason: string) => new ImageTrustUnusable({ field: "signers", reason: `${path}: ${reason}` })
    const pem = yield* Effect.try({
      try: () => readFileSync(path, "utf8"),
      catch: (cause) => unusable(cause instanceof Error ? cause.message : String(cause))
    })
    const key = yield* Effect.fromResult(Result.mapError(readPublicKey(pem), unusable))
    const mask = kinds?.reduce((bits, kind) => bits | imageKindBit(kind), 0)
    return { key: rawPublicKey(key), ...(mask !== undefined && { kinds: mask }) }
  })

/** What others can reach takes no image that nobody has signed. */
const policyOf = (config: ClusterConfig): Effect.Effect<SignaturePolicy, ImageTrustUnusable> => {
  const { signatures } = config.images
  const isHere = isLoopback(config.http.host) && isLoopback(config.mqtt.host)
  if (signatures === undefined) return Effect.succeed(isHere ? "none" : "any")
  if (signatures === "none" && !isHere)
    return Effect.fail(
      new ImageTrustUnusable({ field: "signatures", reason: `"none" is for nodes that only this machine reaches` })
    )
  return Effect.succeed(signatures)
}

/** Reads the keys; fails when one of them is none, or when boards and people elsewhere would get unsigned images. */
export const readImageTrust = (
  config: ClusterConfig
): Effect.Effect<Pick<TrustOptions, "policy" | "signers">, ImageTrustUnusable> =>
  Effect.gen(function* () {
    const policy = yield* policyOf(config)
    const signers = yield* Effect.forEach(config.images.signers, readSigner)
    return { policy, signers }
  })
