import { assert, describe, it } from "@effect/vitest"
import { ValueWatches } from "../../../devices/programs/ValueWatches.ts"
import type { ValueId } from "../../../src/protocol/frame/ProgramFrames.ts"
import { VirtualTime } from "../VirtualTime.ts"

const bench = () => {
  const time = new VirtualTime()
  const said: Array<readonly [program: string, id: ValueId, value: number | string, at: number]> = []
  const watches = new ValueWatches({
    clock: time.clock(),
    say: (program, { id, value, at }) => said.push([program, id, value, at])
  })
  return { time, said, watches }
}

describe("a watched value", () => {
  it("is said when the watch begins and at each change after, under the id that was asked for", () => {
    const { said, time, watches } = bench()
    watches.on("motor", "rpm", { oid: 257, now: 10 }, {})
    time.advance(5)
    watches.changed("motor", 257, 11)
    watches.changed("motor", 257, 11)
    watches.changed("motor", 258, 1)
    watches.changed("pump", 257, 1)
    assert.deepStrictEqual(said, [
      ["motor", "rpm", 10, 0],
      ["motor", "rpm", 11, 5]
    ])
  })

  it("is not said for less than epsilon, counted from what was said", () => {
    const { said, watches } = bench()
    watches.on("motor", 257, { oid: 257, now: 10 }, { epsilon: 1 })
    for (const value of [10.5, 10.9, 11, 10.5, 9.9]) watches.changed("motor", 257, value)
    assert.deepStrictEqual(
      said.map(([, , value]) => value),
      [10, 11, 9.9]
    )
  })

  it("is said no more often than its rate, and then as it is", () => {
    const { said, time, watches } = bench()
    watches.on("motor", 257, { oid: 257, now: 0 }, { rateMillis: 100 })
    for (let value = 1; value <= 25; value++) {
      time.advance(10)
      watches.changed("motor", 257, value)
    }
    time.advance(1000)
    assert.deepStrictEqual(
      said.map(([, , value, at]) => [value, at]),
      [
        [0, 0],
        [9, 100],
        [19, 200],
        [25, 300]
      ]
    )
    assert.strictEqual(time.pending, 0)
  })

  it("is not said when it is back at what was said before its time comes", () => {
    const { said, time, watches } = bench()
    watches.on("motor", 257, { oid: 257, now: 0 }, { rateMillis: 100 })
    watches.changed("motor", 257, 1)
    watches.changed("motor", 257, 0)
    time.advance(1000)
    assert.lengthOf(said, 1)
  })

  it("is watched no more after the watch ends, its program is gone, or the board stops", () => {
    for (const end of [
      (watches: ValueWatches) => watches.off("motor", 257),
      (watches: ValueWatches) => watches.forget("motor"),
      (watches: ValueWatches) => watches.stop()
    ]) {
      const { said, time, watches } = bench()
      watches.on("motor", 257, { oid: 257, now: 0 }, { rateMillis: 100 })
      watches.changed("motor", 257, 1)
      end(watches)
      watches.changed("motor", 257, 2)
      time.advance(1000)
      assert.lengthOf(said, 1)
      assert.strictEqual(time.pending, 0)
    }
  })

  it("is not said while it is no number", () => {
    const { said, watches } = bench()
    watches.on("motor", 257, { oid: 257, now: Number.NaN }, {})
    watches.changed("motor", 257, Number.POSITIVE_INFINITY)
    watches.changed("motor", 257, 3)
    assert.deepStrictEqual(
      said.map(([, , value]) => value),
      [3]
    )
  })

  it("has room for 256 of its kind", () => {
    const { watches } = bench()
    for (let oid = 0; oid < 256; oid++) assert.isTrue(watches.on("motor", oid, { oid, now: 0 }, {}))
    assert.isFalse(watches.on("motor", 256, { oid: 256, now: 0 }, {}))
    assert.isTrue(watches.on("motor", 7, { oid: 7, now: 0 }, { rateMillis: 10 }))
  })
})
