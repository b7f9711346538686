import { assert, describe, it } from "@effect/vitest"
import { randomOf } from "../../src/simulation/Random.ts"
import { VirtualHost, VirtualTime } from "../../src/simulation/VirtualTime.ts"

const hostOf = (time: VirtualTime): VirtualHost =>
  new VirtualHost(time, randomOf(1, "host"), {
    clockSkewMillis: 0,
    report: (what, cause) => {
      throw new Error(what, { cause })
    }
  })

describe("virtual time", () => {
  it("runs events by their instant, and those of one instant in the order they were scheduled", () => {
    const time = new VirtualTime()
    const ran: Array<string> = []
    for (const [delay, name] of [
      [5, "e"],
      [1, "a"],
      [3, "c"],
      [1, "b"],
      [3, "d"]
    ] as const)
      time.at(delay, () => ran.push(`${name}${time.now}`))
    time.runUntil(4)
    assert.deepStrictEqual(ran, ["a1", "b1", "c3", "d3"])
    assert.strictEqual(time.now, 4)
    time.runUntil(10)
    assert.deepStrictEqual(ran.at(-1), "e5")
  })

  it("refuses to stand still", () => {
    const time = new VirtualTime()
    const again = (): void => void time.at(0, again)
    again()
    assert.throws(() => time.runUntil(1), /stands still/)
  })
})

describe("a process in virtual time", () => {
  it("does not run what was cancelled, and runs what was deferred at the end of the turn", () => {
    const time = new VirtualTime()
    const host = hostOf(time)
    const ran: Array<string> = []
    host.schedule(1, () => {
      host.defer(() => ran.push("deferred"))
      host.schedule(0, () => ran.push("next turn"))
      ran.push("turn")
    })
    host.schedule(2, () => ran.push("cancelled"))()
    time.runUntil(5)
    assert.deepStrictEqual(ran, ["turn", "deferred", "next turn"])
  })

  it("keeps what happens while it is frozen, in order, and what comes behind it waits its turn", () => {
    const time = new VirtualTime()
    const host = hostOf(time)
    const ran: Array<string> = []
    for (let index = 0; index < 12; index++) host.schedule(1 + index * 0.125, () => ran.push(`${index}`))
    host.schedule(10.125, () => ran.push("later"))
    time.at(0.5, () => host.freeze())
    time.runUntil(5)
    assert.deepStrictEqual(ran, [])
    assert.strictEqual(host.monotonic(), 5)
    time.at(5, () => host.thaw())
    time.runUntil(20)
    assert.deepStrictEqual(ran, ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "later"])
  })

  it("runs nothing any more when it is dead", () => {
    const time = new VirtualTime()
    const host = hostOf(time)
    const ran: Array<string> = []
    host.schedule(2, () => ran.push("timer"))
    time.at(1, () => {
      host.freeze()
      host.kill()
      host.thaw()
    })
    time.runUntil(5)
    assert.deepStrictEqual(ran, [])
  })
})
