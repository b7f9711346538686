import { assert, describe, it } from "@effect/vitest"
import { tracedBy } from "../../src/gateways/Traceparent.ts"
import type { Asker } from "../../src/protocol/Asker.ts"

const ada: Asker = { kind: "user", id: "ada", role: "operator" }
const good = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

describe("the trace of a request", () => {
  it("travels with who asks", () => {
    assert.deepStrictEqual(tracedBy(ada, good), { ...ada, traceparent: good })
  })

  it("is none where the header is absent or no trace", () => {
    for (const header of [
      undefined,
      "",
      `${good}-x`,
      good.toUpperCase(),
      `00-${"0".repeat(32)}-b7ad6b7169203331-01`,
      `00-0af7651916cd43dd8448eb211c80319c-${"0".repeat(16)}-01`,
      good.replace("00-", "ff-"),
      `${good}\u0000`
    ])
      assert.strictEqual(tracedBy(ada, header), ada)
  })
})
