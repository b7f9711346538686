/** Notes that keep an image in the store while somebody needs it, as effects of actors. Each is idempotent: it may run again. */
import { Effect, Schema } from "effect"
import { ImageSource } from "./ImageSource.ts"

const Input = Schema.Struct({ sha256: Schema.String, user: Schema.String })

/** What an effect here is given. */
export const useInput = Schema.decodeUnknownSync(Input)

/** Notes that `user` needs the image. Answers `used`, `missing` or `unavailable`. */
export const useImage = (input: unknown): Effect.Effect<unknown> =>
  Effect.gen(function* () {
    const { sha256, user } = useInput(input)
    const images = yield* ImageSource
    yield* images.use(sha256, user)
    return "used"
  }).pipe(
    Effect.catchTags({
      ImageMissing: () => Effect.succeed("missing"),
      ImageStoreUnavailable: () => Effect.succeed("unavailable")
    })
  )

/** Takes the note back. Answers `released` or `unavailable`. */
export const releaseImage = (input: unknown): Effect.Effect<unknown> =>
  Effect.gen(function* () {
    const { sha256, user } = useInput(input)
    const images = yield* ImageSource
    yield* images.release(sha256, user)
    return "released"
  }).pipe(Effect.catchTag("ImageStoreUnavailable", () => Effect.succeed("unavailable")))
