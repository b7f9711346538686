/** The flag by which somebody starts a board anew on purpose. */
import { Flag } from "effect/cli"

/** `--format`: memories that are damaged, or wanted no more, are made empty. */
export const formats = Flag.Boolean("format").pipe(
  Flag.withDescription(
    "Empty its memories first: the programs it keeps, their values and its security versions are gone"
  ),
  Flag.withDefault(false)
)
