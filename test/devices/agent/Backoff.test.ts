import { assert, describe, it } from "@effect/vitest"
import { Backoff } from "../../../devices/agent/Backoff.ts"

const ceilings = (backoff: Backoff, count: number): Array<number> => Array.from({ length: count }, () => backoff.next())

describe("Backoff", () => {
  it("doubles its ceiling from half a second to a minute and stays there", () => {
    assert.deepStrictEqual(
      ceilings(new Backoff(() => 1), 9),
      [500, 1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000]
    )
  })

  it("spreads each delay over the whole interval down to zero", () => {
    assert.deepStrictEqual(ceilings(new Backoff(() => 0), 3), [0, 0, 0])
  })

  it("starts over after a link that held", () => {
    const backoff = new Backoff(() => 1)
    ceilings(backoff, 5)
    backoff.reset()
    assert.strictEqual(backoff.next(), 500)
  })

  it("goes to its cap after a refusal and stays there until a link holds", () => {
    const backoff = new Backoff(() => 1)
    assert.strictEqual(backoff.atCap(), 60_000)
    assert.strictEqual(backoff.next(), 60_000)
  })
})
