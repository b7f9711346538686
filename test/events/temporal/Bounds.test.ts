import { assert, describe, it } from "@effect/vitest"
import { keysMax, partialsMax } from "../../../src/events/temporal/Bounds.ts"
import { EventTime } from "../../../src/events/temporal/EventTime.ts"
import { makeMachine, unboundedReason } from "../../../src/events/temporal/MakeMachine.ts"
import type { Match } from "../../../src/events/temporal/Match.ts"
import type { Aggregate, Pattern, Window } from "../../../src/protocol/pattern/Pattern.ts"
import { eventOf, field, pattern, Rig } from "./Rig.ts"

const steps = pattern(
  {
    _tag: "Sequence",
    first: { from: ["a"] },
    rest: [{ link: "eventually", step: { from: ["b"] } }],
    withinMillis: 3_600_000
  },
  { by: [["data", "key"]] }
)

const over = (window: Window, aggregate: Aggregate = { _tag: "Avg", of: field("n") }): Pattern["body"] => ({
  _tag: "When",
  aggregate,
  threshold: { operator: ">", value: 1e9 },
  over: window
})

describe("what a pattern keeps", () => {
  it("is of a bounded number of keys: those heard of longest ago are forgotten", () => {
    const time = new EventTime()
    const matches: Array<Match> = []
    const machine = makeMachine(steps, { version: 1, time, deliver: (match) => matches.push(match) })
    const take = (id: number, type: string, key: number) => {
      const event = eventOf({ id, at: 0, type, data: { key } })
      const source = time.admit(event)
      if (source !== undefined) machine.take(event, source, type === "a" ? 1 : 2)
    }
    for (let key = 0; key < keysMax; key++) take(key + 1, "a", key)
    assert.strictEqual(machine.metrics.evicted, 0)
    // Heard of again, so the next one is forgotten in its place.
    take(keysMax + 1, "a", 0)
    take(keysMax + 2, "a", keysMax)
    assert.strictEqual(machine.metrics.evicted, 1)
    assert.strictEqual(machine.keyCount, keysMax)
    take(keysMax + 3, "b", 0)
    take(keysMax + 4, "b", 1)
    take(keysMax + 5, "b", keysMax)
    assert.deepStrictEqual(
      matches.map(({ by }) => by),
      [{ "data.key": 0 }, { "data.key": 0 }, { "data.key": keysMax }]
    )
  })

  it("is of a bounded number of beginnings of a key: the oldest are given up and counted", () => {
    const rig = new Rig(steps)
    for (let id = 1; id <= partialsMax + 500; id++) rig.tell({ id, at: id * 10, type: "a", data: { key: 1 } })
    assert.strictEqual(rig.machine.metrics.dropped, 500)
    rig.tell({ id: 5000, at: 20_000, type: "b", data: { key: 1 } })
    assert.strictEqual(rig.matches.length, partialsMax)
    assert.strictEqual(rig.matches[0]?.events[0], eventOf({ id: 501, at: 0 }).id)
  })

  const hungry: ReadonlyArray<readonly [string, Pattern["body"]]> = [
    ["absence", { _tag: "Absence", trigger: { from: ["a"] }, absent: { from: ["b"] }, withinMillis: 80_000_000 }],
    ["sequences", steps.body],
    [
      "pairs",
      { _tag: "Join", left: { from: ["a"], as: "x" }, right: { from: ["b"], as: "y" }, withinMillis: 80_000_000 }
    ],
    ["sliding windows", over({ _tag: "Sliding", millis: 80_000_000 })],
    ["sketches", over({ _tag: "Tumbling", millis: 1000 }, { _tag: "Quantile", of: field("n"), q: 0.5 })],
    ["last values", over({ _tag: "LastEvents", count: 10_000 })],
    ["different values", over({ _tag: "Sliding", millis: 80_000_000 }, { _tag: "Distinct", of: ["n"] })]
  ]
  it.each(hungry)("of %s is no more than there is room for, and the machine goes on", (_, body) => {
    const bytesMax = 200_000
    const time = new EventTime()
    const given = pattern(body, { by: [["data", "key"]], allowLateMillis: 3_600_000 })
    const machine = makeMachine(given, { version: 1, time, deliver: () => {}, bytesMax })
    for (let id = 1; id <= 20_000; id++) {
      const event = eventOf({ id, at: id * 100, type: "a", data: { key: id % 300, n: id, text: "x".repeat(100) } })
      const source = time.admit(event)
      if (source !== undefined) machine.take(event, source, 1)
      assert.isAtMost(machine.bytes, bytesMax)
    }
    assert.isAbove(machine.metrics.evicted, 0)
    assert.isAbove(machine.keyCount, 0)
    const copy = makeMachine(given, { version: 1, time, deliver: () => {}, bytesMax })
    assert.isTrue(copy.restore(machine.snapshot()))
    assert.strictEqual(copy.bytes, machine.bytes)
    // What is told to be kept is about what is written down, in one notation or the other.
    assert.isBelow(machine.snapshot().length, 2 * bytesMax)
  })

  it("of two streams are the newest events of each", () => {
    const rig = new Rig(
      pattern({
        _tag: "Join",
        left: { from: ["a"], as: "one" },
        right: { from: ["b"], as: "other" },
        withinMillis: 80_000_000
      })
    )
    for (let id = 1; id <= partialsMax + 10; id++) rig.tell({ id, at: id, type: "a" })
    assert.strictEqual(rig.machine.metrics.dropped, 10)
    rig.tell({ id: 9000, at: 5000, type: "b" })
    assert.strictEqual(rig.matches.length, partialsMax)
  })

  it("is nothing of keys for which all is over", () => {
    const silence = new Rig(pattern({ _tag: "Silence", step: {}, forMillis: 1000 }))
    const absence = new Rig(
      pattern({ _tag: "Absence", trigger: { from: ["a"] }, absent: { from: ["b"] }, withinMillis: 1000 })
    )
    const average = new Rig(
      pattern({
        _tag: "When",
        aggregate: { _tag: "Avg", of: field("n") },
        threshold: { operator: ">", value: 1e9 },
        over: { _tag: "Sliding", millis: 10_000 }
      })
    )
    const closing = new Rig(
      pattern({
        _tag: "When",
        aggregate: { _tag: "Count" },
        threshold: { operator: ">", value: 1e9 },
        over: { _tag: "Tumbling", millis: 10_000 }
      }),
      { allowLateMillis: 60_000 }
    )
    for (const rig of [silence, absence, average, closing, new Rig(steps)]) {
      for (let id = 1; id <= 100; id++)
        rig.tell({ id, at: id, who: `press-${id}`, type: id % 2 === 0 ? "a" : "b", data: { n: id, key: id } })
      assert.isAbove(rig.machine.keyCount, 40)
      rig.pass(4_000_000)
      assert.strictEqual(rig.machine.keyCount, 0)
      assert.strictEqual(rig.machine.next, Number.POSITIVE_INFINITY)
    }
  })

  it("can be seen to grow without end beforehand, and is refused with the reason", () => {
    const distinct = pattern({
      _tag: "When",
      aggregate: { _tag: "Distinct", of: ["n"] },
      threshold: { operator: ">", value: 5 }
    })
    assert.match(unboundedReason(distinct) ?? "", /say over which window/)
    assert.throws(() => new Rig(distinct), /pattern tested: .*over sliding 1h/)
    assert.isUndefined(unboundedReason(steps))
  })
})
