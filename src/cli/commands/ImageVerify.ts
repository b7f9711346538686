/** `holon image verify`: whether an image is whole, and signed by somebody who is trusted. */
import { createHash, type KeyObject } from "node:crypto"
import { Effect, Option } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import type { ImageView } from "../../gateways/http/ImageLibrary.ts"
import { codes } from "../../protocol/Codes.ts"
import { readHxe } from "../../protocol/hxe/HxeReader.ts"
import { keyIdOf, verifyHxe } from "../../protocol/hxe/Signature.ts"
import { signedDigestOf } from "../../protocol/hxe/SignedDigest.ts"
import { ImageRejected } from "../../protocol/image/ImageErrors.ts"
import type { Manifest } from "../../protocol/image/Manifest.ts"
import { rawPublicKey } from "../../protocol/image/SigningKey.ts"
import { judgeBytes } from "../../protocol/image/Trust.ts"
import { examples } from "../Examples.ts"
import { connection } from "../Globals.ts"
import { imageClient } from "../ImageClient.ts"
import { isFile, lookAt, readManifestFile, readSignerKey, unrefused } from "../ImageFile.ts"
import { named } from "../ImageNames.ts"
import { print } from "../Print.ts"

interface Verified {
  readonly manifest: Manifest
  /** Id of the key; absent when the node's own keys have judged. */
  readonly signer: string
}

const reject = (code: number, detail: string) => Effect.fail(ImageRejected.of({ code, detail }))

/** Judges a manifest by the keys that were named. */
const judgedBy = Effect.fnUntraced(function* (bytes: Uint8Array, keys: ReadonlyArray<KeyObject>) {
  const signers = keys.map((each) => ({ key: rawPublicKey(each) }))
  const { manifest, signer = "" } = yield* unrefused(judgeBytes(bytes, { policy: "any", signers }))
  return { manifest, signer } satisfies Verified
})

/** Judges a manifest by the keys that the node trusts. */
const judgedThere = Effect.fnUntraced(function* ({ trust, why, signer = "", manifest }: ImageView) {
  switch (trust) {
    case "verified":
      return { manifest, signer } satisfies Verified
    case "unsigned":
      return yield* reject(codes.EPERM, "unsigned")
    case "unknown":
      return yield* reject(codes.ENOKEY, `the node does not trust the key ${signer}; name its file with --signer`)
    case "rejected":
      return yield* reject(codes.EKEYREJECTED, why ?? "the signature is wrong")
  }
})

const agree = (manifest: Manifest, found: { readonly sha256: string; readonly size: number }) =>
  manifest.sha256 === found.sha256 && manifest.size === found.size
    ? Effect.void
    : reject(codes.EBADMSG, `the manifest is that of the image ${manifest.sha256}, the bytes are ${found.sha256}`)

/** A signature inside an HXE image must hold beside that of the manifest. */
const checkInside = (hxe: Buffer, keys: ReadonlyArray<KeyObject>) =>
  Effect.gen(function* () {
    const { signature } = yield* unrefused(readHxe(hxe))
    if (signature === undefined || keys.length === 0) return
    const known = new Map(keys.map((each) => [keyIdOf(each), each]))
    const refusal = verifyHxe(signature, signedDigestOf(hxe, signature), known)
    if (refusal !== undefined) return yield* Effect.fail(ImageRejected.of(refusal))
  })

export const verify = Command.make(
  "verify",
  {
    ...connection,
    image: Argument.String("image").pipe(
      Argument.withDescription("File, or an image of the cluster as the other commands take it")
    ),
    signer: Flag.String("signer").pipe(
      Flag.withDescription("File of a public key, PEM, that may have signed (default: the keys that the node trusts)"),
      Flag.atLeast(0)
    ),
    manifest: Flag.String("manifest").pipe(
      Flag.withDescription("Signed manifest of the file; with it and --signer no node is asked"),
      Flag.optional
    )
  },
  Effect.fn(function* (flags) {
    const keys = yield* Effect.forEach(flags.signer, readSignerKey)
    const verified = yield* isFile(flags.image) ? verifyFile(flags, keys) : verifyStored(flags, keys)
    const { manifest, signer } = verified
    yield* print(
      flags,
      { sha256: manifest.sha256, name: manifest.name, version: manifest.version, secver: manifest.secver, signer },
      () => `${named(manifest)}: the bytes are whole and signed by ${signer}`
    )
  })
).pipe(
  Command.withDescription("Check that an image is whole and signed by a trusted key"),
  examples(["blink.hxe --key ada.pub.pem", "A file"], ["blink@1.2.0", "One of the cluster"])
)

type VerifyFlags = Parameters<typeof imageClient>[0] & {
  readonly image: string
  readonly manifest: Option.Option<string>
}

const verifyFile = Effect.fnUntraced(function* (flags: VerifyFlags, keys: ReadonlyArray<KeyObject>) {
  const file = yield* lookAt(flags.image)
  if (file.hxe !== undefined) yield* checkInside(file.hxe, keys)
  const given = Option.isSome(flags.manifest) ? yield* readManifestFile(flags.manifest.value) : undefined
  if (given?._tag === "Json") return yield* reject(codes.EPERM, "unsigned")
  if (given !== undefined && keys.length > 0) {
    yield* agree(given.travelling.manifest, file)
    return yield* judgedBy(given.bytes, keys)
  }
  if (given !== undefined)
    return yield* reject(codes.EINVAL, "a --manifest wants a --signer: the node judges only what it has")
  const client = yield* imageClient(flags)
  const view = yield* client.show(file.sha256)
  yield* agree(view.manifest, file)
  return yield* judged(view, keys)
})

const verifyStored = Effect.fnUntraced(function* (flags: VerifyFlags, keys: ReadonlyArray<KeyObject>) {
  const client = yield* imageClient(flags)
  const view = yield* client.show(flags.image)
  const hash = createHash("sha256")
  let bytes = 0
  yield* client.content(view.sha256, (part) => {
    hash.update(part)
    bytes += part.length
  })
  yield* agree(view.manifest, { sha256: hash.digest("hex"), size: bytes })
  return yield* judged(view, keys)
})

const judged = (view: ImageView, keys: ReadonlyArray<KeyObject>): Effect.Effect<Verified, ImageRejected> =>
  keys.length === 0 ? judgedThere(view) : judgedBy(Buffer.from(view.signedManifest, "base64url"), keys)
