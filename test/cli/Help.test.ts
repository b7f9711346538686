import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import type { Command } from "effect/cli"
import { holon } from "../../src/cli/Holon.ts"
import { run } from "../support/Cli.ts"

/** Every command that does something, by what is typed for it. */
const leaves = (command: Command.Command.Any, path: ReadonlyArray<string>): ReadonlyArray<ReadonlyArray<string>> => {
  const below = command.subcommands.flatMap(({ commands }) => commands)
  return below.length === 0 ? [path] : below.flatMap((child) => leaves(child, [...path, child.name]))
}

/** A section of a help page: the lines under its title. */
const section = (page: string, title: string): ReadonlyArray<string> => {
  const lines = page.split("\n")
  const from = lines.indexOf(title)
  if (from < 0) return []
  const rest = lines.slice(from + 1)
  const end = rest.findIndex((line) => /^[A-Z][A-Z ]+$/.test(line))
  return rest.slice(0, end < 0 ? rest.length : end).filter((line) => line.trim() !== "")
}

/** `  --url string     Address`: a name, and two or more spaces before what is said of it. */
const isDescribed = (line: string): boolean => /^ {2}\S.*? {2,}\S/.test(line)

describe("the help of a command", () => {
  it.live("says what it does, what each argument and flag is, and gives an example that begins with the command", () =>
    Effect.gen(function* () {
      const commands = leaves(holon, [])
      assert.isAbove(commands.length, 40)
      for (const path of commands) {
        const { out, isSuccess } = yield* run([...path, "--help"])
        const name = path.join(" ")
        assert.isTrue(isSuccess, name)
        assert.isNotEmpty(section(out, "DESCRIPTION"), name)
        for (const line of [...section(out, "ARGUMENTS"), ...section(out, "FLAGS")])
          assert.isTrue(isDescribed(line), `${name}: ${line}`)
        const shown = section(out, "EXAMPLES").map((line) => line.trim())
        assert.isTrue(
          shown.some((line) => line.startsWith(`npx holon ${name}`)),
          `${name} has no example: ${shown.join("; ")}`
        )
      }
    })
  )
})
