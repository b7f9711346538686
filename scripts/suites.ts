/** The test suites that need programs of Debian, and how to tell whether they are there. */
import { spawnSync } from "node:child_process"

/** Test files that run only where the programs they drive are installed. */
export interface DebianSuite {
  /** What the suite tests against, as it is printed. */
  readonly name: string
  /** Glob of its files, from the repository's root. */
  readonly files: string
  /** Debian packages it needs; `npm run setup:debian` installs them. */
  readonly packages: ReadonlyArray<string>
  /** Exits with 0 where the packages are installed. */
  readonly probe: readonly [command: string, ...args: ReadonlyArray<string>]
}

/** Every suite that is left out of `npm test` where its packages are missing. */
export const debianSuites: ReadonlyArray<DebianSuite> = [
  {
    name: "mosquitto clients",
    files: "test/conformance/mosquitto*.test.ts",
    packages: ["mosquitto-clients"],
    probe: ["mosquitto_pub", "--version"]
  },
  {
    name: "serial lines",
    files: "test/**/*.pty.test.ts",
    packages: ["socat"],
    probe: ["socat", "-V"]
  },
  {
    name: "conditions in a browser",
    files: "test/**/*.chromium.test.ts",
    packages: ["chromium"],
    probe: ["chromium", "--version"]
  }
]

/** Whether the programs of the suite can be run. `mosquitto_pub --version` exits with 1, so only being there counts. */
export const isAvailable = (suite: DebianSuite): boolean => {
  const [command, ...args] = suite.probe
  const probe = spawnSync(command, args, { stdio: "ignore" })
  return probe.error === undefined && (args[0] === "--version" || probe.status === 0)
}
