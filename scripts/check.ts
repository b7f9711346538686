/** `npm run check`: types, format and lint, direction of imports, what pages say; then one line `N passed, N failed`. */
import { spawnSync } from "node:child_process"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const tool = (name: string) => join(root, "node_modules", ".bin", name)

const checks = [
  { name: "types", command: tool("tsc"), args: [] },
  {
    name: "format and lint",
    command: tool("biome"),
    args: ["ci", "--max-diagnostics=50", `--colors=${process.stdout.isTTY ? "force" : "off"}`]
  },
  { name: "imports", command: process.execPath, args: [join(root, "scripts", "check-imports.ts")] },
  { name: "pages", command: process.execPath, args: [join(root, "scripts", "check-docs.ts")] }
]

const failed = checks.filter(({ args, command, name }) => {
  const { error, status } = spawnSync(command, args, { cwd: root, stdio: "inherit" })
  console.log(`${status === 0 ? "ok" : "FAILED"}: ${name}${error ? ` (${error.message})` : ""}`)
  return status !== 0
}).length
console.log(`${checks.length - failed} passed, ${failed} failed`)
process.exit(failed === 0 ? 0 : 1)
