/**
 * `npm test`: every suite that can run here, then one line `N passed, N failed`.
 *
 * A suite whose Debian packages are missing is named and left out; with HOLON_CI=1 that is a failure. Arguments go to
 * Vitest: `npm test -- test/protocol`.
 */
import { spawnSync } from "node:child_process"
import { globSync, mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { Schema } from "effect"
import { debianSuites, isAvailable } from "./suites.ts"

/** What Vitest's JSON reporter counts. A file that cannot be loaded is a failed suite without a test. */
const Counts = Schema.fromJsonString(
  Schema.Struct({
    numPassedTests: Schema.Int,
    numFailedTests: Schema.Int,
    testResults: Schema.Array(
      Schema.Struct({ status: Schema.String, assertionResults: Schema.Array(Schema.Struct({ status: Schema.String })) })
    )
  })
)

const root = dirname(dirname(fileURLToPath(import.meta.url)))
process.chdir(root)

const skipped = debianSuites.filter((suite) => globSync(suite.files).length > 0 && !isAvailable(suite))
const folder = mkdtempSync(join(tmpdir(), "holon-test-"))
const report = join(folder, "report.json")
const vitest = spawnSync(
  process.execPath,
  [
    join(root, "node_modules", "vitest", "vitest.mjs"),
    "run",
    "--reporter=default",
    "--reporter=json",
    `--outputFile.json=${report}`,
    ...skipped.flatMap((suite) => ["--exclude", suite.files]),
    ...process.argv.slice(2)
  ],
  { stdio: "inherit" }
)

const count = () => {
  try {
    const counts = Schema.decodeUnknownSync(Counts)(readFileSync(report, "utf8"))
    const broken = counts.testResults.filter(
      (file) => file.status === "failed" && !file.assertionResults.some((test) => test.status === "failed")
    ).length
    return { passed: counts.numPassedTests, failed: counts.numFailedTests + broken }
  } catch (cause) {
    console.error(`npm test: Vitest left no report that can be read (${cause})`)
    return { passed: 0, failed: 1 }
  }
}
const { failed, passed } = count()
rmSync(folder, { recursive: true, force: true })

// A leaked error outside of any test makes Vitest fail although every test passed.
let failures = vitest.status === 0 ? failed : Math.max(failed, 1)
const isCi = process.env.HOLON_CI === "1"
for (const suite of skipped) {
  console.log(`skipped: ${suite.name} (needs ${suite.packages.join(", ")}; get them with: npm run setup:debian)`)
  if (isCi) failures++
}
console.log(`${passed} passed, ${failures} failed`)
process.exit(failures === 0 ? 0 : 1)
