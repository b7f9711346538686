import { assert, describe, it } from "@effect/vitest"
import { ValuePace } from "../../../../devices/hxe/executive/ValuePace.ts"

describe("the pace of a value", () => {
  it("makes news of the first value, and then of any other one", () => {
    const pace = new ValuePace({})
    assert.isTrue(pace.isNews(0))
    pace.say(0, 5)
    assert.deepStrictEqual(
      [0, -0, 1, Number.NaN].map((value) => pace.isNews(value)),
      [false, true, true, true]
    )
    pace.say(Number.NaN, 6)
    assert.deepStrictEqual(
      [Number.NaN, 1].map((value) => pace.isNews(value)),
      [false, true]
    )
  })

  it("makes none of what is less than epsilon away from what was said", () => {
    const pace = new ValuePace({ epsilon: -2 }, 10)
    assert.deepStrictEqual(
      [8, 8.5, 10, 11.9, 12].map((value) => pace.isNews(value)),
      [true, false, false, false, true]
    )
  })

  it("is due at once for the first, and after its time for the next", () => {
    const pace = new ValuePace({ rateMillis: 100 }, 1)
    assert.strictEqual(pace.due, Number.NEGATIVE_INFINITY)
    pace.say(2, 50)
    assert.strictEqual(pace.due, 150)
  })
})
