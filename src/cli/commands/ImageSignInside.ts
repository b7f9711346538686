/** `holon image sign --inside`: a signature in the bytes of an image file, for boards that get no manifest beside them. */
import { createHash } from "node:crypto"
import { renameSync, writeFileSync } from "node:fs"
import { Effect, Option } from "effect"
import { keyIdOf } from "../../protocol/hxe/Signature.ts"
import { FileUnusable, readSigningKey } from "../ImageFile.ts"
import { print } from "../Print.ts"
import { signedInside } from "../SignedInside.ts"

/** Whole or not at all: it may be written over the only copy. */
const writeWhole = (path: string, bytes: Uint8Array) =>
  Effect.try({
    try: () => {
      writeFileSync(`${path}.part`, bytes)
      renameSync(`${path}.part`, path)
    },
    catch: (cause) => new FileUnusable({ path, reason: cause instanceof Error ? cause.message : String(cause) })
  })

/** Signs a file of this machine; no node is asked. */
export const signInside = Effect.fnUntraced(function* (flags: {
  readonly json: boolean
  readonly image: string
  readonly key: string
  readonly secver: Option.Option<number>
  readonly version: Option.Option<string>
  readonly out: Option.Option<string>
}) {
  if (Option.isSome(flags.version))
    return yield* new FileUnusable({
      path: flags.image,
      reason: "a signature inside says no version; --version is for the manifest, without --inside"
    })
  const secver = Option.getOrElse(flags.secver, () => 0)
  const bytes = yield* signedInside(flags.image, flags.key, secver)
  const file = Option.getOrElse(flags.out, () => flags.image)
  yield* writeWhole(file, bytes)
  const keyId = keyIdOf(yield* readSigningKey(flags.key))
  const sha256 = createHash("sha256").update(bytes).digest("hex")
  yield* print(
    flags,
    { file, bytes: bytes.length, sha256, keyId, secver },
    () =>
      `${file}: signed inside by ${keyId}, security version ${secver}; ${bytes.length} bytes\nsha256 ${sha256}: its bytes are others than before`
  )
})
