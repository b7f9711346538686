/** `holon image`: programs, from their sources to the boards. */
import { Command } from "effect/cli"
import { build, disasm } from "./ImageFiles.ts"

export const image = Command.make("image").pipe(
  Command.withDescription("Programs for boards: build, look at and run images"),
  Command.withSubcommands([build, disasm])
)
