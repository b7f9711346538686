/** What the library of images refuses, as those who push, sign and remove images are told. */
import { Schema } from "effect"
import { codeEntry } from "../Codes.ts"
import type { ImageRefused } from "./ImageRefused.ts"

/** The image, its manifest or its signature is refused. Permanent for these bytes. */
export class ImageRejected extends Schema.TaggedError<ImageRejected>()(
  "ImageRejected",
  { code: Schema.Int, codeName: Schema.String, detail: Schema.String },
  { httpApiStatus: 422 }
) {
  static readonly of = ({ code, detail }: ImageRefused): ImageRejected =>
    new ImageRejected({ code, codeName: codeEntry(code).name, detail })

  override get message() {
    return `the image is refused: ${this.detail} (${this.codeName})`
  }
}

/** Somebody needs the image. Permanent until they have let go of it. */
export class ImageInUse extends Schema.TaggedError<ImageInUse>()(
  "ImageInUse",
  { sha256: Schema.String, users: Schema.Array(Schema.String) },
  { httpApiStatus: 409 }
) {
  override get message() {
    return `the image ${this.sha256.slice(0, 12)} is in use by ${this.users.join(", ")}`
  }
}

/** Several images go by this; `candidates` names some of them whole. */
export class ImageAmbiguous extends Schema.TaggedError<ImageAmbiguous>()(
  "ImageAmbiguous",
  { reference: Schema.String, candidates: Schema.Array(Schema.String) },
  { httpApiStatus: 409 }
) {
  override get message() {
    return `${this.reference} is more than one image: ${this.candidates.join(", ")}; name one by more of its SHA-256, or as name@version`
  }
}

/** The image did not arrive whole. Nothing of it is kept; send it again. */
export class UploadBroken extends Schema.TaggedError<UploadBroken>()(
  "UploadBroken",
  { received: Schema.Int },
  { httpApiStatus: 400 }
) {
  override get message() {
    return `the image broke off after ${this.received} bytes; nothing of it is kept, push it again`
  }
}
