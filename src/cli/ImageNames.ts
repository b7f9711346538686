/** How images are named and printed on the command line. */
import { Console } from "effect"
import { Argument } from "effect/cli"
import type { ImageLine } from "../gateways/http/ImageLibrary.ts"

/** The first digits of a hash or a key's id: enough for people. */
export const short = (digits: string): string => digits.slice(0, 12)

/** JSON for scripts, or the text for people. */
export const print = (flags: { readonly json: boolean }, value: unknown, text: () => string) =>
  Console.log(flags.json ? JSON.stringify(value, null, 2) : text())

/** One image in few words. */
export const named = ({ name, version, sha256 }: Pick<ImageLine, "name" | "version" | "sha256">): string =>
  `${name}@${version} ${short(sha256)}`

/** An image of the cluster. */
export const reference = Argument.String("image").pipe(
  Argument.withDescription("SHA-256 of the image, four or more first digits of it, its name, or name@version")
)
