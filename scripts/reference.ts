/**
 * Writes what follows from the code in `docs/reference`: configuration, messages, codes, commands, and the tables of the
 * link. With `--check` it writes nothing and fails when a page is not what the code says.
 */
import { execFile } from "node:child_process"
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { promisify } from "node:util"
import { note, referencePages, root } from "./reference-pages.ts"

const folder = join(root, "docs", "reference")

const run = promisify(execFile)

const helpOf = async (path: ReadonlyArray<string>): Promise<string> => {
  const main = join(root, "src", "cli", "main.ts")
  const { stdout } = await run(process.execPath, [main, ...path, "--help"], { env: { ...process.env, NO_COLOR: "1" } })
  // The flags that every command has stand once, at the top.
  const [own = "", others] = stdout.split(/\nGLOBAL FLAGS\n[\s\S]*?\n(?=\n|$)/)
  return path.length === 0 ? stdout.trim() : `${own.trim()}\n${others?.trim() ?? ""}`.trim()
}

const subcommandsOf = (help: string): ReadonlyArray<string> => {
  const [, listed = ""] = help.split("SUBCOMMANDS\n")
  return [...listed.matchAll(/^ {2}([a-z-]+)/gm)].map(([, name = ""]) => name)
}

const commandSections = async (path: ReadonlyArray<string>): Promise<string> => {
  const help = await helpOf(path)
  const inner: Array<string> = []
  for (const name of subcommandsOf(help)) inner.push(await commandSections([...path, name]))
  const title = ["holon", ...path].join(" ")
  return [`## ${title}\n\n\`\`\`\n${help.replaceAll(/[ \t]+$/gm, "")}\n\`\`\`\n`, ...inner].join("\n")
}

const commandsPage = async (): Promise<string> => `# The \`holon\` command

${note}

In a clone it is \`npx holon\`. Every command ends with a code other than 0 when it fails, and says why in one line on
standard error. Commands that talk to a node read its token from the data folder, so they run in the folder of the cluster
or take \`--data\`.

${await commandSections([])}`

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
