/** Images with a signature inside, which goes wherever the bytes go: over a bus, a line or a card. */
import { readFileSync } from "node:fs"
import { Effect, Result, Schema } from "effect"
import { signHxe } from "../protocol/hxe/Signature.ts"
import { explained } from "./Details.ts"
import { readSigningKey } from "./ImageFile.ts"

/** The image or a key cannot be read. */
export class ImageUnreadable extends Schema.TaggedError<ImageUnreadable>()("ImageUnreadable", {
  file: Schema.String,
  reason: Schema.String
}) {
  override get message() {
    return `${this.file} cannot be read (${this.reason})`
  }
}

/** The image cannot carry a signature. */
export class ImageUnsignable extends Schema.TaggedError<ImageUnsignable>()("ImageUnsignable", {
  file: Schema.String,
  reason: Schema.String
}) {
  override get message() {
    return `${this.file} cannot be signed inside: ${this.reason}`
  }
}

/** The bytes of a small file. */
export const readBytes = (file: string) =>
  Effect.try({
    try: () => new Uint8Array(readFileSync(file)),
    catch: (cause) => new ImageUnreadable({ file, reason: cause instanceof Error ? cause.message : String(cause) })
  })

const unsignable: Readonly<Record<string, string>> = {
  version_1: "an image of version 1 has no room for a signature",
  signature_size: "it has a signature of another kind inside already",
  meta_count: "its table of sections is full",
  key_type: "the key is no Ed25519 key"
}

/** The bytes of an image file with the signature of a key inside. */
export const signedInside = Effect.fnUntraced(function* (file: string, keyFile: string, securityVersion: number) {
  const privateKey = yield* readSigningKey(keyFile)
  const signed = signHxe(yield* readBytes(file), { privateKey, securityVersion })
  if (Result.isSuccess(signed)) return signed.success
  const { detail } = signed.failure
  return yield* new ImageUnsignable({ file, reason: unsignable[detail] ?? explained(detail) })
})
