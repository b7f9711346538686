/** Fails when an import of ours points against the arrows or a file is a barrel; prints one line for each. */
import { globSync, readFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { findViolations } from "./imports.ts"

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const files = globSync(["src/**/*.ts", "devices/**/*.ts", "test/**/*.ts", "scripts/**/*.ts", "*.config.ts"], {
  cwd: root
})
  .map((path) => path.replaceAll("\\", "/"))
  .sort()
  .map((path) => ({ path, text: readFileSync(join(root, path), "utf8") }))

const violations = findViolations(files)
for (const { line, message, path } of violations) console.error(`${path}:${line} ${message}`)
console.log(`${files.length} files, ${violations.length} wrong imports`)
process.exit(violations.length === 0 ? 0 : 1)
