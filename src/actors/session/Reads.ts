/** What a session asks of the store of images. Each read is idempotent: a session that moved begins it again. */
import { Effect, Schedule, Schema } from "effect"
import { imageKinds } from "../../protocol/image/ImageKind.ts"
import { ImageSource } from "../ImageSource.ts"
import { releaseImage, useInput } from "../ImageUse.ts"

const ImageFound = Schema.Struct({
  name: Schema.String,
  version: Schema.String,
  kind: Schema.Number,
  size: Schema.Number,
  isSigned: Schema.Boolean
})
type ImageFound = typeof ImageFound.Type

/** Whether the store knows the image, and has noted that the session needs it. */
export const isImageFound = Schema.is(ImageFound)

/** A store that does not answer is asked again for about a minute. */
const patience = { schedule: Schedule.spaced("2 seconds"), times: 30 } as const

/** By the names of their orders. */
export const sessionReads: Readonly<Record<"describe" | "release", (input: unknown) => Effect.Effect<unknown>>> = {
  describe: (input) =>
    Effect.gen(function* () {
      const { sha256, user } = useInput(input)
      const images = yield* ImageSource
      const record = yield* images.describe(sha256)
      if (record === undefined) return "missing"
      yield* images.use(sha256, user)
      const { name, version, kind, size, isSigned } = record
      return { name, version, kind: imageKinds[kind], size, isSigned } satisfies ImageFound
    }).pipe(
      Effect.retry({ ...patience, while: ({ _tag }) => _tag === "ImageStoreUnavailable" }),
      Effect.catchTags({
        ImageMissing: () => Effect.succeed("missing"),
        ImageStoreUnavailable: () => Effect.succeed("unavailable")
      })
    ),
  release: releaseImage
}
