/** Installs the Debian packages that some test suites need. Works as root, or with `sudo`. */
import { spawnSync } from "node:child_process"
import { existsSync } from "node:fs"
import { debianSuites, isAvailable } from "./suites.ts"

const missing = debianSuites.filter((suite) => !isAvailable(suite))
const packages = [...new Set(missing.flatMap((suite) => suite.packages))]

const run = (command: string, args: ReadonlyArray<string>) => {
  const isRoot = process.getuid?.() === 0
  const [program, argv] = isRoot ? [command, args] : ["sudo", ["DEBIAN_FRONTEND=noninteractive", command, ...args]]
  console.log(`setup:debian: ${[program, ...argv].join(" ")}`)
  const done = spawnSync(program, argv, {
    stdio: "inherit",
    env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" }
  })
  if (done.status === 0) return
  const cause = done.error ? done.error.message : `exit code ${done.status ?? done.signal}`
  console.error(`setup:debian: ${command} failed (${cause}). Run it as root, or install by hand: ${packages.join(" ")}`)
  process.exit(1)
}

if (packages.length === 0) {
  console.log("setup:debian: everything the test suites need is installed")
} else if (!existsSync("/usr/bin/apt-get")) {
  console.error(`setup:debian: there is no apt-get here. Install what these give: ${packages.join(" ")}`)
  process.exit(1)
} else {
  console.log(`setup:debian: installs ${packages.join(", ")} for: ${missing.map((suite) => suite.name).join(", ")}`)
  run("apt-get", ["update", "-qq"])
  run("apt-get", ["install", "-y", "-qq", "--no-install-recommends", ...packages])
}
