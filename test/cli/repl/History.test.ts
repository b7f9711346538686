import { mkdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { keepHistory, readHistory } from "../../../src/cli/repl/History.ts"
import { tempFolder } from "../../support/RunningNode.ts"

describe("history of the REPL", () => {
  it.effect("is read as it was kept, newest first", () =>
    Effect.gen(function* () {
      const path = join(yield* tempFolder, "history")
      keepHistory(path, assert.fail)(["third", "second", "first"])
      assert.strictEqual(readFileSync(path, "utf8"), "first\nsecond\nthird\n")
      assert.deepStrictEqual(readHistory(path), ["third", "second", "first"])
    })
  )

  it.effect("says once that it cannot be kept, and stops nobody from typing", () =>
    Effect.gen(function* () {
      const path = join(yield* tempFolder, "history")
      mkdirSync(path)
      assert.deepStrictEqual(readHistory(path), [])
      const told: Array<string> = []
      const keep = keepHistory(path, (sentence) => told.push(sentence))
      keep(["one"])
      keep(["two", "one"])
      assert.lengthOf(told, 1)
      assert.match(told[0] ?? "", /^what you type is not kept: /)
    })
  )
})
