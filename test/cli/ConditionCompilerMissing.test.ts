import { existsSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { vi } from "vitest"
import { run } from "../support/Cli.ts"
import { tempFolder } from "../support/RunningNode.ts"

vi.mock("binaryen", () => {
  throw new Error("Cannot find package 'binaryen'")
})

describe("holon condition where binaryen is not installed", () => {
  it.live("says in one sentence how to get it, and still checks", () =>
    Effect.gen(function* () {
      const file = join(yield* tempFolder, "hot.wasm")
      const { err, isSuccess } = yield* run(["condition", "compile", "temp > 90", "--out", file])
      assert.isFalse(isSuccess)
      assert.match(err, /^holon: [^\n]+binaryen[^\n]+npm install --include=optional`\n$/)
      assert.isFalse(existsSync(file))
      assert.isTrue((yield* run(["condition", "check", "temp > 90"])).isSuccess)
    }).pipe(Effect.scoped)
  )
})
