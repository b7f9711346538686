/** Fails when a page says something that is not so; prints one line for each. */
import { existsSync, globSync, readFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { brokenLinks, commandsOf, faultsInStatus, unknownCommands } from "./docs.ts"

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const read = (path: string) => ({ path, text: readFileSync(join(root, path), "utf8") })
const isThere = (path: string): boolean => existsSync(join(root, path))

const pages = globSync(["*.md", "docs/**/*.md"], { cwd: root })
  .map((path) => path.replaceAll("\\", "/"))
  .sort()
  .map(read)
const commands = commandsOf(read("docs/reference/commands.md").text)
const typed = pages.filter(({ path }) => path === "README.md" || path.startsWith("docs/guide/"))

const faults = [
  ...brokenLinks(pages, isThere),
  ...faultsInStatus(read("docs/status.md"), isThere),
  ...typed.flatMap((page) => unknownCommands(page, commands))
]
for (const { line, message, path } of faults) console.error(`${path}:${line} ${message}`)
console.log(`${pages.length} pages, ${faults.length} faults`)
process.exit(faults.length === 0 ? 0 : 1)
