/** An image that a board failed, and the refusal to send it there again before somebody says so. */
import { Schema } from "effect"
import { codeEntry } from "./Codes.ts"

const count = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))

/** What a device remembers of an image that its board took back, or that did not run well there. */
export const FailedImage = Schema.Struct({
  sha256: Schema.String,
  /** When it failed, ms since 1970. */
  at: Schema.Finite,
  /** Why: a number of `codes`. */
  code: count,
  detail: Schema.optionalKey(Schema.String)
})
export type FailedImage = typeof FailedImage.Type

/** The board failed this image before. Permanent until the image is sent there with `again`, which forgets the failure. */
export class ImageFailedBefore extends Schema.TaggedError<ImageFailedBefore>()(
  "ImageFailedBefore",
  { device: Schema.String, ...FailedImage.fields },
  { httpApiStatus: 409 }
) {
  override get message() {
    return `${failedBefore(this.device, this)}; --again sends it nevertheless`
  }
}

/** Which board failed which image, when and why, as a sentence without a full stop. */
export const failedBefore = (device: string, { sha256, at, code, detail }: FailedImage): string => {
  const { name, sentence } = codeEntry(code)
  const when = `${new Date(at).toISOString().slice(0, 16).replace("T", " ")} UTC`
  const why = detail ?? sentence.replace(/\.$/, "")
  return `${device} failed the image ${sha256.slice(0, 12)} on ${when}: ${why} (${code} ${name})`
}
