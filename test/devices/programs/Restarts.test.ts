import { assert, describe, it } from "@effect/vitest"
import { Restarts } from "../../../devices/programs/Restarts.ts"

describe("a program that ended", () => {
  it("stays as it is where its manifest has no rule, or the rule is never", () => {
    assert.isUndefined(new Restarts().ended(0, "failed"))
    assert.isUndefined(new Restarts({ policy: "never" }).ended(0, "failed"))
  })

  it("starts again on failure after a doubling delay, three times within ten minutes", () => {
    const restarts = new Restarts({ policy: "on-failure" })
    assert.deepStrictEqual(
      [0, 2000, 5000, 10_000].map((now) => restarts.ended(now, "failed")),
      [1000, 2000, 4000, undefined]
    )
    assert.strictEqual(restarts.total, 3)
  })

  it("may fail again once its failures are older than the window", () => {
    const restarts = new Restarts({ policy: "on-failure", max: 2, window: 10_000, backoff: 100 })
    assert.deepStrictEqual(
      [0, 5000, 9999, 10_001, 10_002].map((now) => restarts.ended(now, "failed")),
      [100, 200, undefined, 200, undefined]
    )
  })

  it("is done where it completed and only failures start it again", () => {
    assert.isUndefined(new Restarts({ policy: "on-failure" }).ended(0, "completed"))
  })

  it("completes and starts again without end where it is always to run", () => {
    for (const policy of ["always", "unless-stopped"] as const) {
      const restarts = new Restarts({ policy })
      for (let now = 0; now < 10; now++) assert.strictEqual(restarts.ended(now, "completed"), 1000)
    }
  })

  it("waits a minute at most", () => {
    const restarts = new Restarts({ policy: "always", max: 100, window: 1_000_000 })
    const delays = Array.from({ length: 50 }, (_, now) => restarts.ended(now, "failed"))
    assert.strictEqual(Math.max(...delays.map((delay) => delay ?? 0)), 60_000)
  })

  it("has all its chances again when somebody starts it", () => {
    const restarts = new Restarts({ policy: "on-failure", max: 1 })
    restarts.ended(0, "failed")
    assert.isUndefined(restarts.ended(1, "failed"))
    restarts.reset()
    assert.strictEqual(restarts.total, 0)
    assert.strictEqual(restarts.ended(2, "failed"), 1000)
  })
})
