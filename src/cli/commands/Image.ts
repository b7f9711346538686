/** `holon image`: programs, from their sources to the boards. */
import { Command } from "effect/cli"
import { build, disasm, run } from "./ImageFiles.ts"
import { imageKey } from "./ImageKeys.ts"
import { ls, push, rm, show, sign } from "./Images.ts"
import { verify } from "./ImageVerify.ts"

export const image = Command.make("image").pipe(
  Command.withDescription("Programs and firmware for boards: build, push, sign and look at images"),
  Command.withSubcommands([build, disasm, run, push, ls, show, sign, verify, rm, imageKey])
)
