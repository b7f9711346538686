/** Runs a TypeScript file of the repository: `node scripts/run.mjs FILE [ARGUMENT …]`. */
import { run } from "./bootstrap.mjs"

const [entry = "src/cli/main.ts", ...args] = process.argv.slice(2)
run(entry, args)
