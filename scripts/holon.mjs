#!/usr/bin/env node
/** The `holon` command. */
import { run } from "./bootstrap.mjs"

run("src/cli/main.ts", process.argv.slice(2))
