/** Images over HTTP: pushed and fetched as bytes, listed and described as JSON. */
import { Effect, Result, Schema, Stream } from "effect"
import { HttpApiEndpoint, HttpApiGroup, HttpApiSchema, OpenApi } from "effect/http-api"
import { Engine } from "../../actors/Engine.ts"
import { ImageMissing, ImageStoreUnavailable, othersOf } from "../../actors/ImageSource.ts"
import { HolonError, NotFound, Unavailable } from "../../protocol/Errors.ts"
import { ImageAmbiguous, ImageInUse, ImageRejected, UploadBroken } from "../../protocol/image/ImageErrors.ts"
import { ImageKind } from "../../protocol/image/ImageKind.ts"
import { readTravelling } from "../../protocol/image/SignedManifest.ts"
import { Authorization } from "./Authorization.ts"
import { CurrentAsker } from "./Gatekeeper.ts"
import { ImageLibrary, ImageLine, ImagePage, ImageView, PushedView, type StoredImage } from "./ImageLibrary.ts"
import { demand, Needs } from "./Needs.ts"

/** Where images are pushed: the one path whose bodies may be as large as an image. */
export const imagesPath = "/api/images"

const octets = "application/octet-stream"
/** COSE_Sign1, or a bare map of CBOR. */
const cose = "application/cose"

const limit = Schema.FiniteFromString.check(Schema.isInt(), Schema.isBetween({ minimum: 1, maximum: 1000 }))
const secver = Schema.FiniteFromString.check(Schema.isInt(), Schema.isBetween({ minimum: 0, maximum: 0xffff_ffff }))
const Base64Url = Schema.String.check(Schema.isPattern(/^[A-Za-z0-9_-]+$/, { expected: "base64url" }))

const params = { image: Schema.String }
const general = HolonError.members
const named = [...general, ImageAmbiguous]

const pushImage = HttpApiEndpoint.post("pushImage", imagesPath, {
  query: {
    kind: Schema.optionalKey(ImageKind),
    name: Schema.optionalKey(Schema.String),
    version: Schema.optionalKey(Schema.String),
    secver: Schema.optionalKey(secver),
    sha256: Schema.optionalKey(Schema.String),
    origin: Schema.optionalKey(Schema.String.check(Schema.isMaxLength(1024)))
  },
  headers: { "holon-manifest": Schema.optionalKey(Base64Url) },
  payload: HttpApiSchema.StreamUint8Array({ contentType: octets }),
  success: PushedView,
  error: [...general, ImageRejected, UploadBroken]
})
  .annotate(Needs, "image.push")
  .annotate(
    OpenApi.Description,
    "Takes an image in. Its kind follows from the bytes for HXE and WASM. The header `holon-manifest` is its manifest, signed or bare, as base64url; without it one is made of the image, `name`, `version` and `secver`. The same bytes again are the same image."
  )

const listImages = HttpApiEndpoint.get("listImages", imagesPath, {
  query: { limit: Schema.optionalKey(limit), after: Schema.optionalKey(Schema.String) },
  success: ImagePage,
  error: general
})
  .annotate(Needs, "image.read")
  .annotate(OpenApi.Description, "Images in order of their names. `next` goes into `after` for the page behind.")

const getImage = HttpApiEndpoint.get("getImage", `${imagesPath}/:image`, {
  params,
  success: ImageView,
  error: named
})
  .annotate(Needs, "image.read")
  .annotate(
    OpenApi.Description,
    "One image by its SHA-256, four or more first digits of it, its name, or `name@version`: manifest, signature and users."
  )

const getContent = HttpApiEndpoint.get("getImageContent", `${imagesPath}/:image/content`, {
  params,
  success: HttpApiSchema.StreamUint8Array({ contentType: octets }),
  error: named
})
  .annotate(Needs, "image.read")
  .annotate(OpenApi.Description, "The bytes of an image.")

const putManifest = HttpApiEndpoint.put("putImageManifest", `${imagesPath}/:image/manifest`, {
  params,
  payload: Schema.Uint8Array.pipe(HttpApiSchema.asUint8Array({ contentType: cose })),
  success: ImageLine,
  error: [...named, ImageRejected]
})
  .annotate(Needs, "image.sign")
  .annotate(
    OpenApi.Description,
    "Adds or replaces the manifest of an image: a COSE_Sign1, or the bare map where no signature is asked for."
  )

const deleteImage = HttpApiEndpoint.delete("deleteImage", `${imagesPath}/:image`, {
  params,
  success: ImageLine,
  error: [...named, ImageInUse]
})
  .annotate(Needs, "image.remove")
  .annotate(OpenApi.Description, "Removes an image that nobody uses; answers what it was.")

/** The group of the API. */
export const imageGroup = HttpApiGroup.make("images")
  .add(pushImage, listImages, getImage, getContent, putManifest, deleteImage)
  .middleware(Authorization)

const lineOf = ({ manifest: _bytes, isSigned: _isSigned, ...line }: StoredImage): ImageLine => line

type Seam = ImageMissing | ImageStoreUnavailable

/** The seam's own words become those of the API. */
const spoken = <A, E, R>(
  effect: Effect.Effect<A, E, R>
): Effect.Effect<A, Exclude<E, Seam> | NotFound | Unavailable, R> =>
  Effect.mapError(effect, (error) => {
    if (error instanceof ImageMissing) {
      const instead = othersOf(error)
      return new NotFound({ what: `image ${error.sha256}`, ...(instead !== undefined && { instead }) })
    }
    if (error instanceof ImageStoreUnavailable) return new Unavailable({ cause: error.message })
    // Both classes of the seam are gone.
    return error as Exclude<E, Seam>
  })

/** A manifest that comes with the bytes replaces the one before: that is signing, whatever the image was. */
const signing = { capability: "image.sign", message: "pushImage", target: imagesPath, isActuating: true } as const

const who = Effect.map(CurrentAsker, ({ kind, id }) => `${kind}:${id}`)

const manifestOf = (text: string | undefined): Uint8Array | undefined =>
  text === undefined ? undefined : new Uint8Array(Buffer.from(text, "base64url"))

/** What each endpoint does, over the library of the node. */
export const imageHandlers = Effect.gen(function* () {
  const library = yield* ImageLibrary
  const { residency } = yield* Engine

  const viewOf = Effect.fnUntraced(function* (image: StoredImage) {
    const read = readTravelling(image.manifest)
    if (Result.isFailure(read))
      return yield* Effect.die(new Error(`the manifest of ${image.sha256}: ${read.failure.detail}`))
    const users = yield* library.users(image.sha256)
    const { trust, why } = library.trust(image)
    return {
      ...lineOf(image),
      trust,
      ...(why !== undefined && { why }),
      users,
      manifest: read.success.manifest,
      signedManifest: Buffer.from(image.manifest).toString("base64url")
    }
  })

  return {
    push: Effect.fnUntraced(function* (
      body: Stream.Stream<Uint8Array, unknown>,
      query: (typeof pushImage)["~Request"]["query"],
      manifest: string | undefined
    ) {
      const { origin = "http", ...said } = query
      if (manifest !== undefined) yield* demand(residency, yield* CurrentAsker, signing)
      let received = 0
      const bytes = body.pipe(
        Stream.tap((part) =>
          Effect.sync(() => {
            received += part.length
          })
        ),
        Stream.catch(() => Stream.fail(new UploadBroken({ received })))
      )
      const { image, ...told } = yield* spoken(
        library.put(bytes, { ...said, origin, by: yield* who, manifest: manifestOf(manifest) })
      )
      return { ...lineOf(image), ...told }
    }),
    list: (page: { readonly limit?: number; readonly after?: string }) =>
      spoken(
        Effect.map(library.list({ limit: page.limit ?? 100, after: page.after }), ({ images, next }) => ({
          images: images.map(lineOf),
          ...(next !== undefined && { next })
        }))
      ),
    get: (reference: string) => spoken(Effect.flatMap(library.find(reference), viewOf)),
    content: (reference: string) =>
      spoken(Effect.map(library.find(reference), ({ sha256 }) => library.content(sha256))),
    sign: Effect.fnUntraced(function* (reference: string, manifest: Uint8Array) {
      const { sha256 } = yield* spoken(library.find(reference))
      return lineOf(yield* spoken(library.sign(sha256, manifest, yield* who)))
    }),
    remove: Effect.fnUntraced(function* (reference: string) {
      const image = yield* spoken(library.find(reference))
      yield* spoken(library.remove(image.sha256))
      return lineOf(image)
    })
  }
})
