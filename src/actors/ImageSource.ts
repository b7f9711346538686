/** Where effects of actors read images: a seam, so that a behaviour knows no database. */
import { Context, Effect, Schema } from "effect"
import type { ImageKind } from "../protocol/image/ImageKind.ts"

/** The store of images did not answer, or this process has none. Transient. */
export class ImageStoreUnavailable extends Schema.TaggedError<ImageStoreUnavailable>()("ImageStoreUnavailable", {
  reason: Schema.String
}) {
  override get message() {
    return `the store of images does not answer (${this.reason})`
  }
}

/** No image has this hash. Permanent until somebody pushes it. */
export class ImageMissing extends Schema.TaggedError<ImageMissing>()("ImageMissing", {
  sha256: Schema.String,
  /** What there is of the same name, as `name@version`; some of it. */
  others: Schema.optionalKey(Schema.Array(Schema.String))
}) {
  override get message() {
    const hint = othersOf(this)
    return `there is no image ${this.sha256}${hint === undefined ? "" : `; ${hint}`}`
  }
}

/** What there is instead of a missing image, as a clause; nothing where that is not known. */
export const othersOf = ({ others = [] }: Pick<ImageMissing, "others">): string | undefined =>
  others.length === 0 ? undefined : `of that name there is ${others.join(", ")}`

/** What is known of an image without its bytes. */
export interface ImageRecord {
  /** Its address: SHA-256 of its bytes, 64 lower-case hexadecimal digits. */
  readonly sha256: string
  readonly kind: ImageKind
  readonly name: string
  readonly version: string
  /** Bytes. */
  readonly size: number
  /** A board never goes back below the highest it has accepted for the kind and name. */
  readonly secver: number
  /** As an offer carries it: a COSE_Sign1, or the bare map of one that nobody has signed. */
  readonly manifest: Uint8Array
  readonly isSigned: boolean
}

/** Reads of images, and the notes that keep them from being removed. */
export interface ImageReads {
  readonly describe: (sha256: string) => Effect.Effect<ImageRecord | undefined, ImageStoreUnavailable>
  /** Bytes from `offset` on, at most `length`: fewer at the end of the image, none behind it. They are not to be changed. */
  readonly chunk: (
    sha256: string,
    offset: number,
    length: number
  ) => Effect.Effect<Uint8Array, ImageMissing | ImageStoreUnavailable>
  /** Notes that `user`, as `session/…` or `program/…`, needs the image. Durable; a repeat changes nothing. */
  readonly use: (sha256: string, user: string) => Effect.Effect<void, ImageMissing | ImageStoreUnavailable>
  /** Takes the note back. Durable; a repeat, and one for an image that is gone, change nothing. */
  readonly release: (sha256: string, user: string) => Effect.Effect<void, ImageStoreUnavailable>
}

const nowhere = Effect.fail(new ImageStoreUnavailable({ reason: "no image store here" }))

/** The images of this node. A process without a store, such as a simulation, fails each read. */
export const ImageSource = Context.Reference<ImageReads>("holon/actors/ImageSource", {
  defaultValue: () => ({
    describe: () => nowhere,
    chunk: () => nowhere,
    use: () => nowhere,
    release: () => nowhere
  })
})
