/** From sources to an image in one go. */
import { Result } from "effect"
import { assemble } from "./Assembler.ts"
import type { Diagnostic } from "./Diagnostic.ts"
import { type LinkOptions, link } from "./Linker.ts"
import type { Include, SourceText } from "./Source.ts"

/** An image of these sources, linked in their order; or all that is wrong with them. */
export const build = (
  sources: ReadonlyArray<SourceText>,
  include: Include,
  options: LinkOptions
): Result.Result<Uint8Array, ReadonlyArray<Diagnostic>> => {
  const assembled = sources.map((source) => assemble(source, include))
  const faults = assembled.flatMap((result) => (Result.isFailure(result) ? result.failure : []))
  if (faults.length > 0) return Result.fail(faults)
  return link(
    assembled.flatMap((result) => (Result.isSuccess(result) ? [result.success] : [])),
    options
  )
}
