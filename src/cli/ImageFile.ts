/** Image and manifest files of this machine, as the command line reads them. */
import { createHash } from "node:crypto"
import { createReadStream, readFileSync, statSync } from "node:fs"
import { Effect, Result, Schema } from "effect"
import { readHxe } from "../protocol/hxe/HxeReader.ts"
import { type ImageIdentity, manifestOfFacts } from "../protocol/image/HxeImageManifest.ts"
import { ImageRejected } from "../protocol/image/ImageErrors.ts"
import type { ImageKind } from "../protocol/image/ImageKind.ts"
import type { ImageRefused } from "../protocol/image/ImageRefused.ts"
import { encodeManifest, Manifest } from "../protocol/image/Manifest.ts"
import { readTravelling, type TravellingManifest } from "../protocol/image/SignedManifest.ts"
import { readPrivateKey, readPublicKey } from "../protocol/image/SigningKey.ts"
import { misfitOf, sentenceOf } from "../protocol/Misfit.ts"

/** A file cannot be used. */
export class FileUnusable extends Schema.TaggedError<FileUnusable>()("FileUnusable", {
  path: Schema.String,
  reason: Schema.String
}) {
  override get message() {
    return `${this.path}: ${this.reason}`
  }
}

const reasonOf = (cause: unknown): string => {
  if (!(cause instanceof Error)) return String(cause)
  const code = "code" in cause ? cause.code : undefined
  if (code === "ENOENT") return "there is no such file"
  if (code === "EISDIR") return "it is a folder"
  return code === "EACCES" ? "it may not be read" : cause.message
}

/** A refusal as an error of the command. */
export const unrefused = <A>(result: Result.Result<A, ImageRefused>): Effect.Effect<A, ImageRejected> =>
  Effect.mapError(Effect.fromResult(result), ImageRejected.of)

/** The bytes of a small file. */
const readSmall = (path: string): Effect.Effect<Buffer<ArrayBuffer>, FileUnusable> =>
  Effect.try({
    try: () => readFileSync(path),
    catch: (cause) => new FileUnusable({ path, reason: reasonOf(cause) })
  })

/** Whether there is a file of that name. */
export const isFile = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isFile() === true

/** What of an image is kept while it is hashed: an HXE image is no larger. */
const keptBytesMax = 1_048_576

/** An image as it lies on the disk. */
export interface ImageFile extends ImageIdentity {
  readonly path: string
  /** As its first bytes say. */
  readonly kind: ImageKind | undefined
  /** All bytes of an HXE image; of others nothing. */
  readonly hxe: Buffer | undefined
}

const kindOf = (first: Buffer): ImageKind | undefined => {
  if (first.subarray(0, 4).toString("latin1") === "HSXE") return "hxe"
  return first.subarray(0, 8).toString("hex") === "0061736d01000000" ? "wasm" : undefined
}

/** Reads an image once, piece by piece, for its address. */
export const lookAt = (path: string): Effect.Effect<ImageFile, FileUnusable> =>
  Effect.tryPromise({
    try: async () => {
      const hash = createHash("sha256")
      const kept: Array<Buffer> = []
      let size = 0
      for await (const part of createReadStream(path)) {
        const bytes = Buffer.from(part)
        hash.update(bytes)
        size += bytes.length
        if (size <= keptBytesMax) kept.push(bytes)
      }
      const head = Buffer.concat(kept)
      const kind = kindOf(head)
      return {
        path,
        sha256: hash.digest("hex"),
        size,
        kind,
        hxe: kind === "hxe" && size <= keptBytesMax ? head : undefined
      }
    },
    catch: (cause) => new FileUnusable({ path, reason: reasonOf(cause) })
  })

/** A private key in PEM. */
export const readSigningKey = Effect.fnUntraced(function* (path: string) {
  const pem = yield* readSmall(path)
  return yield* Effect.fromResult(
    Result.mapError(readPrivateKey(pem.toString("utf8")), (reason) => new FileUnusable({ path, reason }))
  )
})

/** A public key in PEM, also that of a private key. */
export const readSignerKey = Effect.fnUntraced(function* (path: string) {
  const pem = yield* readSmall(path)
  return yield* Effect.fromResult(
    Result.mapError(readPublicKey(pem.toString("utf8")), (reason) => new FileUnusable({ path, reason }))
  )
})

/** What flags say of an image. */
export interface Said {
  readonly kind?: ImageKind | undefined
  readonly name?: string | undefined
  readonly version?: string | undefined
  readonly secver?: number | undefined
}

const JsonObject = Schema.fromJsonString(Schema.Record(Schema.String, Schema.Json))
type JsonObject = typeof JsonObject.Type
const decodeManifest = Schema.decodeUnknownResult(Manifest, { onExcessProperty: "error" })

/** What the bytes themselves say; a name where an HXE header has none. */
const derived = (file: ImageFile, name: string | undefined, created: number) =>
  Effect.gen(function* () {
    const { hxe, kind, sha256, size } = file
    if (hxe === undefined) return { v: 1, sha256, size, secver: 0, created, ...(kind !== undefined && { kind }) }
    const facts = yield* unrefused(readHxe(hxe))
    const own = facts.header.appName === undefined ? name : undefined
    return yield* unrefused(manifestOfFacts(facts, file, { name: own, created }))
  })

/** The manifest of a file: what its bytes say, then what the JSON says, then what the flags say. */
export const composeManifest = Effect.fnUntraced(function* (
  file: ImageFile,
  said: Said,
  json: JsonObject,
  created: number
) {
  const flags = Object.fromEntries(Object.entries(said).filter(([, value]) => value !== undefined))
  const name = said.name ?? (typeof json["name"] === "string" ? json["name"] : undefined)
  const decoded = decodeManifest({ ...(yield* derived(file, name, created)), ...json, ...flags })
  if (decoded._tag === "Success") return decoded.success
  const isNamed = (field: string) => json[field] !== undefined || flags[field] !== undefined
  if (file.kind === undefined && !isNamed("kind"))
    return yield* new FileUnusable({
      path: file.path,
      reason:
        "it begins like no HXE and no WASM image: it is another kind of file, or damaged; --kind says what it is, when it is neither"
    })
  const missing = ["name", "version"].filter((field) => !isNamed(field))
  if (file.kind !== "hxe" && missing.length > 0)
    return yield* new FileUnusable({
      path: file.path,
      reason: `only an HXE image says its own name and version; add ${missing.map((field) => `--${field}`).join(" and ")}`
    })
  return yield* new FileUnusable({
    path: file.path,
    reason: `its manifest is not whole (${sentenceOf(misfitOf(decoded.failure))}); --kind, --name, --version or a --manifest say what it is`
  })
})

/** A manifest file: as JSON, which may leave out what the image says itself, or as it travels. */
type ManifestFile =
  | { readonly _tag: "Json"; readonly fields: JsonObject }
  | { readonly _tag: "Travelling"; readonly bytes: Uint8Array; readonly travelling: TravellingManifest }

/** Reads a manifest file. */
export const readManifestFile = Effect.fnUntraced(function* (path: string) {
  const bytes = yield* readSmall(path)
  const text = bytes.toString("utf8")
  if (!text.trimStart().startsWith("{")) {
    const travelling = yield* unrefused(readTravelling(bytes))
    return { _tag: "Travelling", bytes: new Uint8Array(bytes), travelling } satisfies ManifestFile
  }
  const fields = yield* Effect.mapError(
    Schema.decodeUnknownEffect(JsonObject)(text),
    (error) => new FileUnusable({ path, reason: `it is no JSON (${sentenceOf(misfitOf(error))})` })
  )
  return { _tag: "Json", fields } satisfies ManifestFile
})

/** A manifest as bytes to sign or to send bare. */
export const manifestBytes = (manifest: Manifest): Effect.Effect<Uint8Array, ImageRejected> =>
  unrefused(encodeManifest(manifest))
