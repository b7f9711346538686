import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { chaos } from "../../src/chaos/Chaos.ts"

const folder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "holon-chaos-"))),
  (made) => Effect.sync(() => rmSync(made, { recursive: true, force: true }))
)

describe("chaos", () => {
  it.live(
    "loses nothing and does nothing twice while real nodes, links and PostgreSQL fail",
    () =>
      Effect.gen(function* () {
        const lines: Array<string> = []
        const report = yield* chaos({
          folder: yield* folder,
          seed: 11,
          faultMillis: 30_000,
          boards: 8,
          say: (line) => lines.push(line)
        })
        assert.deepStrictEqual(
          report.checks.filter(({ broken }) => broken.length > 0),
          [],
          lines.join("\n")
        )
        // A check that looked at nothing shows nothing.
        for (const { name, looked } of report.checks) assert.isAbove(looked, 0, name)
        assert.strictEqual(report.unansweredAsks, 0)
      }).pipe(Effect.scoped),
    240_000
  )
})
