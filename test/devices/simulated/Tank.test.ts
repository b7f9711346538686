import { assert, describe, it } from "@effect/vitest"
import { Tank, tankDefaults } from "../../../devices/simulated/Tank.ts"

describe("a tank", () => {
  it("stays empty for its dead time, then fills to where the valve stands", () => {
    const tank = new Tank(tankDefaults, 0)
    tank.turn(0.8, 1000)
    tank.advance(6000)
    assert.strictEqual(tank.level, 0)
    for (const seconds of [1, 20, 60]) {
      tank.advance(6000 + seconds * 1000)
      assert.closeTo(tank.level, 0.8 * (1 - Math.exp(-seconds / 20)), 1e-9)
    }
  })

  it("does not care how a time is cut into steps, whatever the valve does meanwhile", () => {
    const once = new Tank(tankDefaults, 0)
    const often = new Tank(tankDefaults, 0)
    for (const [at, valve] of [
      [0, 1],
      [2000, 0],
      [3500, 0.5],
      [20_000, 0.1]
    ] as const) {
      once.turn(valve, at)
      for (let step = at - 1000; step < at; step += 77) often.advance(step)
      often.turn(valve, at)
    }
    for (let at = 20_000; at <= 60_000; at += 311) often.advance(at)
    often.advance(60_000)
    once.advance(60_000)
    assert.closeTo(often.level, once.level, 1e-9)
    assert.strictEqual(often.valve, 0.1)
  })
})
