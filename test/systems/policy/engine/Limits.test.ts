import { assert, describe, it } from "@effect/vitest"
import { LimitCount, Limits } from "../../../../src/systems/policy/engine/Limits.ts"
import { randomFrom } from "../../../support/Random.ts"

describe("LimitCount", () => {
  it("lets through no more than its count in any span, and tells after how long the next one may come", () => {
    const random = randomFrom(7)
    const count = new LimitCount(5, 1000)
    const through: Array<number> = []
    let now = 0
    for (let time = 0; time < 5000; time++) {
      now += Math.floor(random() * 150)
      const wait = count.waitFor("a", now)
      if (wait > 0) {
        assert.strictEqual(count.waitFor("a", now + wait), 0)
        assert.isAbove(count.waitFor("a", now + wait - 1), 0)
        continue
      }
      count.take("a", now)
      through.push(now)
    }
    for (const [index, at] of through.entries()) {
      const fifth = through[index + 5]
      if (fifth !== undefined) assert.isAtLeast(fifth - at, 1000)
    }
    // As many as there is room for: five in a little more than a second.
    assert.isAbove(through.length, (now / 1000) * 4.4)
  })

  it("counts each key apart", () => {
    const count = new LimitCount(1, 1000)
    count.take("a", 0)
    assert.deepStrictEqual([count.waitFor("a", 400), count.waitFor("b", 400)], [600, 0])
  })

  it("gives nothing back when the clock goes back", () => {
    const count = new LimitCount(1, 1000)
    count.take("a", 5000)
    assert.strictEqual(count.waitFor("a", 1000), 5000)
  })

  it("refuses a key that is one too many until another is no longer counted", () => {
    const count = new LimitCount(1, 1000)
    for (let key = 0; key < 10_000; key++) count.take(String(key), key < 5000 ? 0 : 500)
    assert.isAbove(count.waitFor("new", 600), 0)
    assert.strictEqual(count.waitFor("7000", 1500), 0)
    assert.strictEqual(count.waitFor("new", 1600), 0)
  })
})

describe("Limits", () => {
  it("goes on counting under a name that is kept, and forgets others", () => {
    const limits = new Limits()
    limits.of("kept", 1, 1000).take("a", 0)
    limits.of("gone", 1, 1000).take("a", 0)
    limits.keep(new Set(["kept"]))
    assert.isAbove(limits.of("kept", 1, 1000).waitFor("a", 1), 0)
    assert.strictEqual(limits.of("gone", 1, 1000).waitFor("a", 1), 0)
  })
})
