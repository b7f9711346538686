import { assert, describe, it } from "@effect/vitest"
import { decodeSampleMinute, SampleMinute, SampleMinuteMalformed } from "../../src/protocol/SampleMinute.ts"
import { encodeStored } from "../../src/protocol/Stored.ts"

const sumOf = (...samples: ReadonlyArray<unknown>) => {
  const minute = new SampleMinute()
  for (const sample of samples) minute.add("board.telemetry", sample)
  return decodeSampleMinute(minute.encode())
}

describe("a minute of samples", () => {
  it("sums up each number by itself, at any depth", () => {
    assert.deepStrictEqual(sumOf({ temp: 20, arm: { angle: -1 } }, { temp: 10 }, { temp: 15, led: "on", ok: true }), [
      { type: "board.telemetry", path: ["temp"], count: 3, low: 10, high: 20, total: 45, last: 15 },
      { type: "board.telemetry", path: ["arm", "angle"], count: 1, low: -1, high: -1, total: -1, last: -1 }
    ])
  })

  it("keeps names apart that look alike", () => {
    const paths = sumOf({ "a.b": 1 }, { a: { b: 2 } }).map(({ path }) => path)
    assert.deepStrictEqual(paths, [["a.b"], ["a", "b"]])
  })

  it("leaves out what has no sum", () => {
    assert.deepStrictEqual(
      sumOf({ a: Number.NaN, b: Number.POSITIVE_INFINITY, c: [1, 2], d: null }, "x", undefined),
      []
    )
  })

  it("goes on from what is stored", () => {
    const first = new SampleMinute()
    first.add("t", { a: 1 })
    const second = new SampleMinute(first.encode())
    second.add("t", { a: 3 })
    assert.deepStrictEqual(decodeSampleMinute(second.encode()), [
      { type: "t", path: ["a"], count: 2, low: 1, high: 3, total: 4, last: 3 }
    ])
  })

  it("is bounded, however many names a board makes up", () => {
    const names = Array.from({ length: 1000 }, (_, index) => ({ [`name-${index}`]: index }))
    assert.strictEqual(sumOf(...names).length, 256)
  })

  it("is refused in a form that this node does not know", () => {
    for (const body of [[2], {}, [1, ["t", ["a"], 1]], [1, ["t", "a", 1, 1, 1, 1, 1]], [1, 7]])
      assert.throws(() => decodeSampleMinute(encodeStored(body)), SampleMinuteMalformed)
  })
})
