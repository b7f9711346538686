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

describe("a command that is none", () => {
  const cases: ReadonlyArray<readonly [argv: string, sentence: string]> = [
    ["provision", "<device> is missing (holon provision --help says more)"],
    ["provision heater-1", "<image> is missing (holon provision --help says more)"],
    ["provisio x", "there is no command provisio here; did you mean provision? (holon --help says more)"],
    ["program shw", "there is no command shw here; did you mean show? (holon program --help says more)"],
    ["devices ls --limt 3", "there is no flag --limt here; did you mean --limit? (holon devices ls --help says more)"],
    ["devices ls --limit 0", "--limit: 0 is not between 1 and 1000000 (holon devices ls --help says more)"],
    ["devices ls --limit many", "--limit cannot be many: "],
    ["image sign blink", "--key is missing (holon image sign --help says more)"],
    ["program send a b c two words", "words is too much; quote what belongs together"],
    ["board sim --kind toaster", "--kind cannot be toaster: "]
  ]
  it.live("is answered with one line that says what is wrong, and with nothing on standard output", () =>
    Effect.forEach(cases, ([argv, sentence]) =>
      Effect.map(run(argv.split(" ")), ({ out, err, isSuccess }) => {
        assert.deepStrictEqual([out, isSuccess], ["", false], argv)
        assert.match(err, /^holon: [^\n]+\n$/)
        assert.include(err, sentence)
      })
    )
  )
})
