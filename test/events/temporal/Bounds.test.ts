import { assert, describe, it } from "@effect/vitest"
import { keysMax, partialsMax, weightMax } from "../../../src/events/temporal/Bounds.ts"
import { EventTime } from "../../../src/events/temporal/EventTime.ts"
import { makeMachine, unboundedReason } from "../../../src/events/temporal/MakeMachine.ts"
import type { Match } from "../../../src/events/temporal/Match.ts"
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

  it("is of a bounded number of beginnings of all keys together", () => {
    const rig = new Rig(
      pattern(
        { _tag: "Absence", trigger: { from: ["a"] }, absent: { from: ["b"] }, withinMillis: 80_000_000 },
        { by: [["data", "key"]] }
      )
    )
    const perKey = 900
    const keys = Math.ceil(weightMax / perKey) + 10
    let id = 0
    for (let key = 0; key < keys; key++)
      for (let count = 0; count < perKey; count++) rig.tell({ id: ++id, at: key, type: "a", data: { key } })
    assert.strictEqual(rig.machine.metrics.evicted, Math.ceil((keys * perKey - weightMax) / perKey))
    assert.strictEqual(rig.machine.metrics.dropped, rig.machine.metrics.evicted * perKey)
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
