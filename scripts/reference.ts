/**
 * Writes what follows from the code in `docs/reference`: configuration, messages, codes, commands, and the tables of the
 * link. With `--check` it writes nothing and fails when a page is not what the code says.
 */
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { NodeServices } from "@effect/platform-node"
import { Console, Effect } from "effect"
import { CliOutput, Command } from "effect/cli"
import { holon, version } from "../src/cli/Holon.ts"
import { note, referencePages, root } from "./reference-pages.ts"

const folder = join(root, "docs", "reference")

/** What a command says of itself, without colours. */
const helpOf = async (path: ReadonlyArray<string>): Promise<string> => {
  const lines: Array<string> = []
  const console: Console.Console = { ...globalThis.console, log: (...values) => void lines.push(values.join(" ")) }
  await Effect.runPromise(
    Command.runWith(holon, { version })([...path, "--help"]).pipe(
      Effect.provide(NodeServices.layer),
      Effect.provide(CliOutput.layer(CliOutput.defaultFormatter({ colors: false }))),
      Effect.provideService(Console.Console, console)
    )
  )
  const text = lines.join("\n")
  // The flags that every command has stand once, at the top.
  const [own = "", others = ""] = text.split(/\nGLOBAL FLAGS\n[\s\S]*?\n(?=\n|$)/)
  const kept = path.length === 0 ? [text] : [own, others]
  return kept
    .map((part) => part.trim())
    .filter((part) => part !== "")
    .join("\n\n")
}

const commandSections = async (command: Command.Command.Any, path: ReadonlyArray<string>): Promise<string> => {
  const help = await helpOf(path)
  const inner: Array<string> = []
  for (const child of command.subcommands.flatMap(({ commands }) => commands))
    inner.push(await commandSections(child, [...path, child.name]))
  const title = ["holon", ...path].join(" ")
  return [`## ${title}\n\n\`\`\`\n${help.replaceAll(/[ \t]+$/gm, "")}\n\`\`\`\n`, ...inner].join("\n")
}

const commandsPage = async (): Promise<string> => `# The \`holon\` command

${note}

In a clone it is \`npx holon\`. Every command ends with a code other than 0 when it fails, and says why in one line on
standard error; what it answers is on standard output, with \`--json\` as JSON for scripts, one line an item where it follows
something. Long work draws a bar where somebody watches, and Ctrl-C ends the waiting, not the work.

Commands that talk to a node find it by the \`cluster.config.ts\` of the working folder, else at its usual address, and read
its token from its data folder: they run in the folder of the cluster, or take \`--url\` and \`--data\`. Ids of devices, sessions and
rollouts are what \`devices ls\`, \`sessions\` and \`rollout ls\` list.

${await commandSections(holon, [])}`

const pages: ReadonlyArray<readonly [name: string, text: string]> = [
  ...referencePages(),
  ["commands.md", await commandsPage()]
]
const isCheck = process.argv.includes("--check")
const read = (path: string): string => {
  try {
    return readFileSync(path, "utf8")
  } catch {
    return ""
  }
}
const stale = pages.filter(([name, text]) => read(join(folder, name)) !== text)
if (!isCheck) for (const [name, text] of stale) writeFileSync(join(folder, name), text)
for (const [name] of stale)
  console.log(isCheck ? `docs/reference/${name} is not what the code says: node scripts/reference.ts` : `wrote ${name}`)
process.exitCode = isCheck && stale.length > 0 ? 1 : 0
