/** How images are named on the command line. */
import { Argument } from "effect/cli"
import type { ImageLine } from "../gateways/http/ImageLibrary.ts"

/** The first digits of a hash or a key's id: enough for people. */
export const short = (digits: string): string => digits.slice(0, 12)

/** One image in few words. */
export const named = ({ name, version, sha256 }: Pick<ImageLine, "name" | "version" | "sha256">): string =>
  `${name}@${version} ${short(sha256)}`

/** An image of the cluster. */
export const reference = Argument.String("image").pipe(
  Argument.withDescription("SHA-256 of the image, four or more first digits of it, its name, or name@version")
)
