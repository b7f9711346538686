import { assert, describe, it } from "@effect/vitest"
import { guardedClock } from "../../../devices/programs/GuardedClock.ts"
import { VirtualTime } from "../VirtualTime.ts"

describe("a guarded clock", () => {
  it("reports what a callback throws, and goes on with the next one", () => {
    const time = new VirtualTime()
    const faults: Array<unknown> = []
    const ran: Array<number> = []
    const clock = guardedClock(time.clock(), (_what, cause) => faults.push(cause))
    const broken = new Error("broken")
    clock.schedule(10, () => {
      throw broken
    })
    clock.schedule(20, () => ran.push(clock.board()))
    const cancel = clock.schedule(30, () => ran.push(clock.board()))
    cancel()
    time.advance(100)
    assert.deepStrictEqual([faults, ran], [[broken], [20]])
  })
})
