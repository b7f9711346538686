/** Examples in the help of a command. */
import { Command } from "effect/cli"

/** What stands behind the command in each of its examples, and what that does. */
export const examples = (...lines: ReadonlyArray<readonly [rest: string, does?: string]>) =>
  Command.withExamples(({ commandPath }) =>
    lines.map(([rest, description]) => ({
      command: ["npx", ...commandPath, rest].join(" ").trimEnd(),
      ...(description !== undefined && { description })
    }))
  )
