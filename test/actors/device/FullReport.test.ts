import { assert, describe, it } from "@effect/vitest"
import { sync } from "../../../src/protocol/frame/LinkFrames.ts"
import { Bench } from "./Bench.ts"

const syncOf = (attached: unknown): unknown =>
  typeof attached === "object" && attached !== null && "sync" in attached ? attached.sync : undefined

describe("a board that has started anew", () => {
  it("is asked for all it reports until something of this boot has arrived, however often the attach is repeated", () => {
    const bench = new Bench()
    bench.attach({ boot: 1 })
    bench.report(1, { led: "on" })
    // The answer to this attach may be lost, and with it the welcome.
    assert.strictEqual(syncOf(bench.attach({ boot: 2 })), sync.fullReport)
    assert.strictEqual(syncOf(bench.attach({ boot: 2 })), sync.fullReport)
    bench.report(1, { led: "off" })
    assert.strictEqual(syncOf(bench.attach({ boot: 2 })), 0)
  })
})
