import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { ensureToken, readToken, tokenPath } from "../../src/runtime/Token.ts"
import { tempFolder } from "../support/RunningNode.ts"

describe("the token of a data folder", () => {
  it.effect("is made once, of 256 bits, for its owner only", () =>
    Effect.gen(function* () {
      const folder = join(yield* tempFolder, "data")
      const made = Redacted.value(yield* ensureToken(folder))
      assert.match(made, /^[\w-]{43}$/)
      assert.strictEqual(statSync(tokenPath(folder)).mode & 0o777, 0o600)
      assert.strictEqual(Redacted.value(yield* ensureToken(folder)), made)
      assert.strictEqual(Redacted.value(yield* readToken(folder)), made)
      assert.deepStrictEqual(readdirSync(folder), ["token"])
    })
  )

  it.effect("is taken back from whoever else could read it", () =>
    Effect.gen(function* () {
      const folder = yield* tempFolder
      writeFileSync(tokenPath(folder), `${"a".repeat(43)}\n`, { mode: 0o644 })
      yield* ensureToken(folder)
      assert.strictEqual(statSync(tokenPath(folder)).mode & 0o777, 0o600)
    })
  )

  it.effect("is missing until a node has run, which reading does not change", () =>
    Effect.gen(function* () {
      const folder = yield* tempFolder
      const error = yield* Effect.flip(readToken(folder))
      assert.include(error.message, "no node has run with this data folder")
      assert.isFalse(existsSync(tokenPath(folder)))
    })
  )

  it.effect("is never an empty or a cut one", () =>
    Effect.gen(function* () {
      const folder = yield* tempFolder
      for (const text of ["", "\n", "a".repeat(42), "a ".repeat(43)]) {
        writeFileSync(tokenPath(folder), text)
        assert.include((yield* Effect.flip(ensureToken(folder))).message, "256 bits")
        assert.strictEqual(readFileSync(tokenPath(folder), "utf8"), text)
      }
    })
  )
})
