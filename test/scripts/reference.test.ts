import { readFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { referencePages, root } from "../../scripts/reference-pages.ts"

describe("the reference", () => {
  for (const [name, text] of referencePages())
    it(`says in ${name} what the code says (node scripts/reference.ts writes it anew)`, () => {
      assert.strictEqual(readFileSync(join(root, "docs", "reference", name), "utf8"), text)
    })
})
