import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { boundsDefault, type Pace } from "../../../../src/protocol/vsm/Recursion.ts"
import {
  breakerWait,
  failed,
  freshPace,
  isRunaway,
  succeeded,
  taken
} from "../../../../src/systems/policy/recursion/Breaker.ts"

const start = 1_800_000_000_000
const fresh = freshPace(boundsDefault, start)
const failing = (times: number, pace: Pace, now: number): Pace =>
  Array.from({ length: times }).reduce<Pace>((before) => failed(before, now), pace)
const probing = (pace: Pace, now: number): Pace => {
  const next = taken(pace, boundsDefault, now)
  assert.isObject(next)
  return typeof next === "number" ? pace : next
}

describe("the breaker of a parent", () => {
  it("opens for half a minute at the fifth failure within a minute, and not for four of them or slower ones", () => {
    assert.strictEqual(breakerWait(failing(4, fresh, start), start), 0)
    assert.strictEqual(breakerWait(failing(5, fresh, start), start), 30_000)
    const slow = [0, 20, 40, 60, 80, 100].reduce<Pace>((pace, second) => failed(pace, start + second * 1000), fresh)
    assert.strictEqual(breakerWait(slow, start + 100_000), 0)
  })

  it("lets one probe through behind its time, closes after three that went well, and opens for twice as long after one that did not", () => {
    const open = failing(5, fresh, start)
    const later = start + 30_000
    assert.strictEqual(breakerWait(open, later), 0)
    const probe = probing(open, later)
    assert.strictEqual(breakerWait(probe, later), 1000)
    assert.strictEqual(breakerWait(failed(probe, later), later), 60_000)
    let well = probe
    for (let count = 0; count < 3; count++) well = succeeded(probing({ ...well, isProbing: false }, later), later)
    assert.isUndefined(well.openUntil)
    assert.strictEqual(breakerWait(failing(5, well, later), later), 30_000)
  })

  it("never stays open for longer than ten minutes, however often it opens", () => {
    let pace = failing(5, fresh, start)
    let now = start
    for (let count = 0; count < 12; count++) {
      now += breakerWait(pace, now)
      pace = failed(probing(pace, now), now)
    }
    assert.strictEqual(breakerWait(pace, now), 600_000)
  })

  it("is that of a runaway when it opens twice within ten minutes", () => {
    const once = failing(5, fresh, start)
    assert.isFalse(isRunaway(once))
    assert.isTrue(isRunaway(failed(once, start + 30_000)))
    assert.isFalse(isRunaway(failed(once, start + 700_000)))
  })
})

describe("the bucket of a parent", () => {
  it("gives a burst and then one for each twelfth of a minute, and nothing for a clock that went back", () => {
    let pace = fresh
    for (let count = 0; count < 5; count++) pace = probing(pace, start)
    assert.strictEqual(taken(pace, boundsDefault, start), 12_000)
    assert.strictEqual(taken(pace, boundsDefault, start - 60_000), 12_000)
    assert.strictEqual(taken(pace, boundsDefault, start + 6000), 6000)
    assert.isObject(taken(pace, boundsDefault, start + 12_000))
  })

  it.prop(
    "never gives more than a burst and what flowed in meanwhile",
    { gaps: Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: -5000, maximum: 20_000 }))) },
    ({ gaps }) => {
      let now = start
      let highest = start
      let pace = fresh
      let given = 0
      for (const gap of gaps) {
        now += gap
        highest = Math.max(highest, now)
        const next = taken(pace, boundsDefault, now)
        if (typeof next === "number") continue
        pace = next
        given++
      }
      const flowed = ((highest - start) * boundsDefault.perMinute) / 60_000
      assert.isAtMost(given, boundsDefault.burst + flowed + 1e-6)
    }
  )
})
