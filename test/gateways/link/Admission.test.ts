import { assert, describe, it } from "@effect/vitest"
import { Admission } from "../../../src/gateways/link/Admission.ts"
import { randomOf } from "../../../src/simulation/Random.ts"
import { VirtualHost, VirtualTime } from "../../../src/simulation/VirtualTime.ts"

const make = (perSecond: number) => {
  const time = new VirtualTime()
  const host = new VirtualHost(time, randomOf(1, "admission"), {
    clockSkewMillis: 0,
    report: (what, cause) => {
      throw new Error(what, { cause })
    }
  })
  const admission = new Admission(host, { perSecond, loopDelayMillisMax: 100, waitMillisMax: 10_000 })
  const seen = { entered: 0, gaveUp: 0 }
  const arrive = (count: number) => {
    for (let index = 0; index < count; index++)
      admission.arrive({ enter: () => seen.entered++, giveUp: () => seen.gaveUp++ })
  }
  return { time, host, admission, seen, arrive }
}

describe("new connections", () => {
  it("enter at once while few come, and at the rate when many do", () => {
    const { time, seen, arrive } = make(300)
    arrive(1)
    assert.strictEqual(seen.entered, 1)
    arrive(2_000)
    time.runUntil(1_000)
    assert.isAtLeast(seen.entered, 290)
    assert.isAtMost(seen.entered, 331)
    time.runUntil(3_000)
    assert.isAtLeast(seen.entered, 890)
    assert.isAtMost(seen.entered, 931)
    assert.strictEqual(seen.gaveUp, 0)
  })

  it("wait while the event loop is late", () => {
    const { time, host, seen, arrive } = make(300)
    arrive(500)
    const before = seen.entered
    host.freeze()
    time.runUntil(400)
    host.thaw()
    time.runUntil(401)
    assert.strictEqual(seen.entered, before)
    time.runUntil(500)
    assert.isAbove(seen.entered, before)
  })

  it("are given up after ten seconds, and when the node leaves", () => {
    const { time, admission, seen, arrive } = make(10)
    arrive(150)
    time.runUntil(10_040)
    assert.strictEqual(admission.waiting, 0)
    assert.strictEqual(seen.entered + seen.gaveUp, 150)
    assert.isAbove(seen.gaveUp, 30)
    arrive(20)
    admission.close()
    arrive(1)
    assert.strictEqual(seen.entered + seen.gaveUp, 171)
  })
})
