import { assert, describe, it } from "@effect/vitest"
import { matches } from "../../../src/protocol/Capability.ts"
import { isProtected, protectedGlobs } from "../../../src/protocol/policy/Request.ts"

describe("isProtected", () => {
  const pieces = ["stop", "drain", "safe-state", "audit", "algedonic", "motor", "set", "", "stops", "xstop"]
  it("is true of what one of the globs matches, and of nothing else", () => {
    const seen = { protected: 0, open: 0 }
    for (const first of pieces)
      for (const second of pieces)
        for (const name of [first, `${first}.${second}`, `${first}.motor.${second}`, `${first}${second}`]) {
          const expected = protectedGlobs.some((glob) => matches(glob, name))
          assert.strictEqual(isProtected(name), expected, name)
          seen[expected ? "protected" : "open"]++
        }
    assert.isAbove(seen.protected, 50)
    assert.isAbove(seen.open, 50)
  })
})
