import { spawn } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { root } from "../../scripts/reference-pages.ts"
import { plot, reversalsOf } from "../../scripts/valve-plot.ts"

const decodeSummary = Schema.decodeUnknownSync(
  Schema.fromJsonString(Schema.Struct({ alone: Schema.Int, coordinated: Schema.Int }))
)

const outputOf = (argv: ReadonlyArray<string>): Promise<string> =>
  new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", ...argv], {
      stdio: ["ignore", "pipe", "inherit"]
    })
    let text = ""
    child.stdout.setEncoding("utf8").on("data", (part: string) => {
      text += part
    })
    child.once("error", reject)
    child.once("exit", () => resolve(text))
  })

describe("two controllers and one valve", () => {
  it("fight on a real node each alone, hardly through the coordinator, and are drawn", {
    timeout: 180_000
  }, async () => {
    const folder = mkdtempSync(join(tmpdir(), "holon-plot-"))
    try {
      const out = join(folder, "valve.svg")
      // Too short to settle: the coordinator has to have held them back by then.
      const argv = [join(root, "scripts", "two-controllers.ts"), "--seconds", "40", "--save", "0.1", "--out", out]
      const { alone, coordinated } = decodeSummary(await outputOf(argv))
      assert.isAbove(alone, 10)
      assert.isAtMost(coordinated, 0.5 * alone)
      const svg = readFileSync(out, "utf8")
      assert.include(svg, `each alone: ${alone} reversals`)
      assert.include(svg, `through the coordinator: ${coordinated} reversals`)
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })
})

describe("the plot of a valve", () => {
  const moments = [0, 1, 1, 0, 0.005, 1, 0.995].map((valve, at) => ({ at, valve, level: 0.5 }))

  it("counts where it turned back, and no noise", () => {
    assert.strictEqual(reversalsOf(moments), 2)
    assert.strictEqual(reversalsOf([]), 0)
  })

  it("draws each run with its count", () => {
    const svg = plot([{ title: "one", moments }], [0.5], 6, "caption")
    assert.include(svg, "one: 2 reversals in 6 s")
    assert.include(svg, "<title>caption</title>")
  })
})
