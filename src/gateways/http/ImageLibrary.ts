/** The images of the cluster, as those who push, look up, sign and remove them see it. */
import { Context, type Effect, type Option, Schema, type Stream } from "effect"
import type { ImageMissing, ImageReads, ImageRecord, ImageStoreUnavailable } from "../../actors/ImageSource.ts"
import type { TooLarge } from "../../protocol/Errors.ts"
import type { ImageAmbiguous, ImageInUse, ImageRejected } from "../../protocol/image/ImageErrors.ts"
import { ImageKind } from "../../protocol/image/ImageKind.ts"
import { Manifest } from "../../protocol/image/Manifest.ts"

/** Where an image comes from. */
interface Provenance {
  /** Who pushed it. */
  readonly pushedBy: string
  /** From where, as a file or an address. */
  readonly origin: string
  /** Ms since 1970. */
  readonly pushedAt: number
}

/** An image with everything known of it but its bytes. */
export interface StoredImage extends ImageRecord, Provenance {
  /** Id of the key that the signature names, 32 hexadecimal digits; absent when nobody has signed. */
  readonly signer?: string
  readonly signedBy?: string
  readonly signedAt?: number
}

/** What a push says of the bytes. */
export interface PushOptions {
  /** Default: as the first bytes say, for HXE and WASM. */
  readonly kind?: ImageKind | undefined
  readonly name?: string | undefined
  readonly version?: string | undefined
  readonly secver?: number | undefined
  /** The address that the bytes must turn out to have. */
  readonly sha256?: string | undefined
  /** A manifest as it travels, signed or bare. Default: one is made of the image and the fields above. */
  readonly manifest?: Uint8Array | undefined
  readonly by: string
  readonly origin: string
}

export interface Pushed {
  readonly image: StoredImage
  /** False when the same bytes were there before. */
  readonly isNew: boolean
  /** `name@version` that the same bytes had until now. */
  readonly renamedFrom?: string
}

/** Whether a signature is known to be good: `unknown` is one of a key that nobody here trusts. */
export const Trust = Schema.Literals(["verified", "unknown", "unsigned", "rejected"])
/** See the schema. */
export type Trust = typeof Trust.Type

/** An image as it is shown to people. */
export const ImageLine = Schema.Struct({
  sha256: Schema.String,
  kind: ImageKind,
  name: Schema.String,
  version: Schema.String,
  size: Schema.Int,
  secver: Schema.Int,
  /** Id of the key that the signature names. */
  signer: Schema.optionalKey(Schema.String),
  pushedBy: Schema.String,
  origin: Schema.String,
  pushedAt: Schema.Finite,
  signedBy: Schema.optionalKey(Schema.String),
  signedAt: Schema.optionalKey(Schema.Finite)
})
/** See the schema. */
export type ImageLine = typeof ImageLine.Type

/** A page of images in order of their names; `next` continues after it. */
export const ImagePage = Schema.Struct({ images: Schema.Array(ImageLine), next: Schema.optionalKey(Schema.String) })
/** See the schema. */
export type ImagePage = typeof ImagePage.Type

/** One image whole. */
export const ImageView = Schema.Struct({
  ...ImageLine.fields,
  trust: Trust,
  /** Why a signature is rejected. */
  why: Schema.optionalKey(Schema.String),
  /** Who needs it. */
  users: Schema.Array(Schema.String),
  manifest: Manifest,
  /** The manifest as it travels, base64url. */
  signedManifest: Schema.String
})
/** See the schema. */
export type ImageView = typeof ImageView.Type

/** What a push answers. */
export const PushedView = Schema.Struct({
  ...ImageLine.fields,
  isNew: Schema.Boolean,
  /** `name@version` that the same bytes had until now. */
  renamedFrom: Schema.optionalKey(Schema.String)
})
/** See the schema. */
export type PushedView = typeof PushedView.Type

/** Any call fails with {@link ImageStoreUnavailable} while the database does not answer, transient. */
export class ImageLibrary extends Context.Service<
  ImageLibrary,
  ImageReads & {
    /**
     * Takes an image in while it comes: its bytes are kept in pieces, checked, and become an image all at once, or nothing
     * of them stays. The same bytes again are the same image; a manifest that comes with them replaces the one before.
     */
    readonly put: <E, R>(
      bytes: Stream.Stream<Uint8Array, E, R>,
      options: PushOptions
    ) => Effect.Effect<Pushed, E | ImageRejected | TooLarge | ImageStoreUnavailable, R>
    readonly get: (sha256: string) => Effect.Effect<Option.Option<StoredImage>, ImageStoreUnavailable>
    /** The image by its hash, four or more first digits of it, its name, or `name@version`. */
    readonly find: (
      reference: string
    ) => Effect.Effect<StoredImage, ImageMissing | ImageAmbiguous | ImageStoreUnavailable>
    /** In order of their names. `after` is what the page before gave as `next`. */
    readonly list: (page: {
      readonly limit: number
      readonly after?: string | undefined
    }) => Effect.Effect<{ readonly images: ReadonlyArray<StoredImage>; readonly next?: string }, ImageStoreUnavailable>
    readonly users: (sha256: string) => Effect.Effect<ReadonlyArray<string>, ImageStoreUnavailable>
    /** All bytes, piece by piece. */
    readonly content: (sha256: string) => Stream.Stream<Uint8Array, ImageMissing | ImageStoreUnavailable>
    /** Adds or replaces the manifest. Durable. */
    readonly sign: (
      sha256: string,
      manifest: Uint8Array,
      by: string
    ) => Effect.Effect<StoredImage, ImageMissing | ImageRejected | ImageStoreUnavailable>
    /** Durable. Refused while somebody needs the image. */
    readonly remove: (sha256: string) => Effect.Effect<void, ImageMissing | ImageInUse | ImageStoreUnavailable>
    /** Whether the signature of a stored image holds, judged by the keys this node trusts now. */
    readonly trust: (image: StoredImage) => { readonly trust: Trust; readonly why?: string }
  }
>()("holon/gateways/http/ImageLibrary") {}
