import { assert, describe, it } from "@effect/vitest"
import type { Aggregate, PatternBody, Window } from "../../../src/protocol/pattern/Pattern.ts"
import { condition, epoch, field, idOf, pattern, Rig, type Told } from "./Rig.ts"

const hot = { where: condition("temp > 90") }
const of = (type: string) => ({ from: [type] as const })
const hour = 3_600_000

/** The average temperature over ten seconds. */
const hotOnAverage: Extract<PatternBody, { readonly _tag: "When" }> = {
  _tag: "When",
  aggregate: { _tag: "Avg", of: field("temp") },
  threshold: { operator: ">=", value: 85 },
  over: { _tag: "Sliding", millis: 10_000 }
}
const temp = (id: number, at: number, value: number): Told => ({ id, at, data: { temp: value } })

describe("a single event", () => {
  it("matches at once, with its key and what the pattern emits", () => {
    const rig = new Rig(
      pattern(
        { _tag: "Where", condition: condition("temp > 90") },
        { by: [["source", "id"], ["unit"]], emit: { celsius: field("temp") } }
      )
    )
    rig.tell({ id: 1, at: 0, data: { temp: 95 } }, { id: 2, at: 10, data: { temp: 80 } })
    assert.deepStrictEqual(rig.short, [])
    assert.strictEqual(rig.machine.metrics.keyless, 1)
    const keyed = new Rig(
      pattern({ _tag: "Where", condition: condition("temp > 90") }, { emit: { celsius: field("temp") } })
    )
    keyed.tell({ id: 1, at: 0, data: { temp: 95 } }, { id: 2, at: 10, data: { temp: 80 } })
    const [match] = keyed.matches
    assert.deepStrictEqual(match, {
      id: match?.id ?? "",
      pattern: "tested",
      version: 1,
      key: "press-1",
      by: { "source.id": "press-1" },
      kind: "match",
      at: epoch,
      events: [idOf(1)],
      values: { celsius: 95 },
      isWarm: true
    })
    assert.match(match?.id ?? "", /^[0-9a-f]{64}$/)
    assert.strictEqual(keyed.matches.length, 1)
  })

  it("finds what a board reports under its own name, too", () => {
    const rig = new Rig(
      pattern(
        { _tag: "Where", condition: condition("reported.temp > 90") },
        { by: [["reported", "line"]], emit: { celsius: field("reported", "temp") } }
      )
    )
    rig.tell({ id: 1, at: 0, data: { temp: 95, line: 3 } }, { id: 2, at: 1, type: "board.booted", data: { temp: 95 } })
    assert.deepStrictEqual(
      rig.matches.map(({ by, values }) => [by, values]),
      [[{ "reported.line": 3 }, { celsius: 95 }]]
    )
  })

  it("says nothing for as long as it is suppressed, of each key by itself", () => {
    const rig = new Rig(pattern({ _tag: "Where", condition: condition("temp > 90") }, { suppressMillis: 10_000 }))
    for (const at of [0, 4000, 9999, 10_000]) rig.tell({ id: at + 1, at, data: { temp: 95 } })
    rig.tell({ id: 5, at: 10_001, who: "press-2", data: { temp: 95 } })
    assert.deepStrictEqual(rig.short, ["match at 0 of 1", "match at 10000 of 10001", "match at 10001 of 5"])
    assert.strictEqual(rig.machine.metrics.suppressed, 2)
  })
})

describe("a state that is suppressed", () => {
  it("neither begins nor ends", () => {
    const rig = new Rig(
      pattern({ ...hotOnAverage, over: { _tag: "LastEvents", count: 1 }, forMillis: 10 }, { suppressMillis: 60_000 })
    )
    // Hot three times; the second time comes too soon.
    for (const at of [0, 30_000, 80_000])
      rig.tell(
        temp(at + 1, at, 90),
        temp(at + 2, at + 20, 90),
        temp(at + 3, at + 1000, 60),
        temp(at + 4, at + 1020, 60)
      )
    assert.deepStrictEqual(
      rig.matches.map(({ kind, at }) => [kind, at - epoch]),
      [
        ["enter", 10],
        ["exit", 1010],
        ["enter", 80_010],
        ["exit", 81_010]
      ]
    )
    assert.strictEqual(rig.machine.metrics.suppressed, 2)
  })
})

describe("an aggregate over a window", () => {
  it("enters when the average is too high, stays through what swings between the limits, and exits once", () => {
    const rig = new Rig(
      pattern({ ...hotOnAverage, clear: { operator: "<", value: 78 } }, { emit: { last: field("temp") } })
    )
    rig.tell(temp(1, 0, 84), temp(2, 1000, 88), temp(3, 2000, 70), temp(4, 3000, 98), temp(5, 4000, 40))
    assert.deepStrictEqual(rig.short, ["enter at 1000 of 2", "exit at 4000 of 5"])
    assert.deepStrictEqual(rig.matches[0]?.values, { value: 86, last: 88 })
  })

  it("waits until it has lasted, both ways, and forgets what did not last", () => {
    const rig = new Rig(pattern({ ...hotOnAverage, over: { _tag: "LastEvents", count: 1 }, forMillis: 5000 }))
    rig.tell(temp(1, 0, 90), temp(2, 3000, 60), temp(3, 4000, 90), temp(4, 8000, 91))
    assert.deepStrictEqual(rig.short, [])
    rig.tell(temp(5, 11_500, 60), temp(6, 12_000, 99), temp(7, 13_000, 60), temp(8, 20_000, 60))
    assert.deepStrictEqual(rig.short, ["enter at 9000 of 4", "exit at 18000 of 7"])
  })

  it("lasts on when nothing comes any more, because time passes all the same", () => {
    const rig = new Rig(pattern({ ...hotOnAverage, over: { _tag: "LastEvents", count: 3 }, forMillis: 20_000 }))
    rig.tell(temp(1, 0, 90)).pass(21_999)
    assert.deepStrictEqual(rig.short, [])
    // Two seconds behind, for what may come out of order.
    rig.pass(22_000)
    assert.deepStrictEqual(rig.short, ["enter at 20000 of 1"])
    assert.strictEqual(rig.matches[0]?.windowEnd, epoch + 20_000)
  })

  it("changes when something drops out of a sliding window", () => {
    const rig = new Rig(pattern(hotOnAverage))
    rig.tell(temp(1, 0, 10), temp(2, 6000, 90)).pass(20_000)
    assert.deepStrictEqual(rig.short, ["match at 10000 of 2"])
  })

  it("looks once at each window that ends, and counts an event in the one it happened in", () => {
    const rig = new Rig(
      pattern({
        _tag: "When",
        aggregate: { _tag: "Count" },
        threshold: { operator: ">=", value: 2 },
        over: { _tag: "Tumbling", millis: 10_000 }
      })
    )
    rig.tell({ id: 1, at: 1000 }, { id: 2, at: 10_500 }, { id: 3, at: 9500, comes: 10_600 })
    assert.deepStrictEqual(rig.short, [])
    rig.tell({ id: 4, at: 12_000 })
    assert.deepStrictEqual(rig.short, ["match at 10000 of 3"])
    rig.tell({ id: 5, at: 40_000 })
    assert.deepStrictEqual(rig.short, ["match at 10000 of 3", "match at 20000 of 4"])
    assert.strictEqual(rig.matches[1]?.windowEnd, epoch + 20_000)
  })

  it("leaves out what is late, and counts it; where that is allowed the window opens again, once", () => {
    const body: PatternBody = {
      _tag: "When",
      aggregate: { _tag: "Count" },
      threshold: { operator: ">=", value: 2 },
      over: { _tag: "Tumbling", millis: 10_000 }
    }
    const told = [
      { id: 1, at: 5000 },
      { id: 2, at: 15_000 },
      { id: 3, at: 8000, comes: 15_100 },
      { id: 4, at: 9000, comes: 15_200 }
    ]
    const strict = new Rig(pattern(body)).tell(...told)
    assert.deepStrictEqual(strict.short, [])
    assert.strictEqual(strict.machine.metrics.late, 2)
    const lenient = new Rig(pattern(body), { allowLateMillis: hour }).tell(...told)
    assert.deepStrictEqual(lenient.short, ["match at 10000 of 3"])
    assert.strictEqual(lenient.machine.metrics.late, 2)
  })

  it("tells a window once, with the value that it had then, whatever late events make of it", () => {
    const rig = new Rig(
      pattern({
        _tag: "When",
        aggregate: { _tag: "Sum", of: field("n") },
        threshold: { operator: ">", value: 5 },
        over: { _tag: "Tumbling", millis: 10_000 }
      }),
      { allowLateMillis: 60_000 }
    )
    const n = (id: number, at: number, value: number, comes = at): Told => ({ id, at, comes, data: { n: value } })
    rig.tell(n(1, 1000, 7), n(2, 15_000, 1), n(3, 2000, 4, 15_100)).cut()
    rig.tell(n(4, 3000, -9, 15_200), n(5, 4000, 50, 15_300)).pass(200_000)
    assert.deepStrictEqual(rig.short, ["match at 10000 of 1"])
    assert.deepStrictEqual(rig.matches[0]?.values, { value: 7 })
    assert.strictEqual(rig.machine.keyCount, 0)
  })

  it("ends a session when nothing comes for the gap, and joins two that turn out to be one", () => {
    const rig = new Rig(
      pattern({
        _tag: "When",
        aggregate: { _tag: "Sum", of: field("n") },
        threshold: { operator: ">", value: 5 },
        over: { _tag: "Session", gapMillis: 1500 }
      })
    )
    const n = (id: number, at: number, value: number, comes = at): Told => ({ id, at, comes, data: { n: value } })
    rig.tell(n(1, 0, 2), n(2, 2000, 3), n(3, 1000, 1, 2100), n(4, 10_000, 6)).pass(30_000)
    assert.deepStrictEqual(rig.short, ["match at 3500 of 3", "match at 11500 of 4"])
    assert.deepStrictEqual(rig.matches[0]?.values, { value: 6 })
  })

  it("does not look at each of millions of windows in which nothing happened", () => {
    const rig = new Rig(
      pattern({
        _tag: "When",
        aggregate: { _tag: "Count" },
        threshold: { operator: "<", value: 3 },
        over: { _tag: "Tumbling", millis: 1 },
        forMillis: hour
      })
    )
    const before = process.cpuUsage().user
    rig.tell({ id: 1, at: 0 }).pass(1000 * 24 * hour)
    assert.deepStrictEqual(
      rig.matches.map(({ kind, at }) => [kind, at - epoch]),
      [["enter", hour + 1]]
    )
    assert.isBelow(process.cpuUsage().user - before, 1_000_000)
  })

  it("tells of a session once, though late events join it with others that were told of", () => {
    const given = pattern({
      _tag: "When",
      aggregate: { _tag: "Sum", of: field("n") },
      threshold: { operator: ">", value: 5 },
      over: { _tag: "Session", gapMillis: 1500 }
    })
    const n = (id: number, at: number, value: number, comes = at): Told => ({ id, at, comes, data: { n: value } })
    const rig = new Rig(given, { allowLateMillis: hour })
    rig.tell(n(1, 0, 1), n(2, 2500, 6), n(3, 9000, 1))
    assert.deepStrictEqual(rig.short, ["match at 4000 of 2"])
    // Between the first, of which nothing was told, and the second.
    rig.tell(n(4, 1200, 7, 9100)).pass(60_000)
    assert.deepStrictEqual(rig.short, ["match at 4000 of 2"])
    const other = new Rig(given, { allowLateMillis: hour })
    other.tell(n(1, 0, 1), n(2, 9000, 1), n(3, 1200, 7, 9100)).pass(60_000)
    assert.deepStrictEqual(other.short, ["match at 2700 of 3"])
  })

  const last: Window = { _tag: "LastEvents", count: 4 }
  const aggregates: ReadonlyArray<readonly [Aggregate, Window | undefined, number]> = [
    [{ _tag: "Count" }, last, 4],
    [{ _tag: "Rate" }, { _tag: "Sliding", millis: 10_000 }, 0.7],
    [{ _tag: "Rate" }, last, 2],
    [{ _tag: "Distinct", of: ["n"] }, last, 3],
    [{ _tag: "Distinct", of: ["n"] }, { _tag: "Sliding", millis: 10_000 }, 5],
    [{ _tag: "Sum", of: field("n") }, undefined, 27],
    [{ _tag: "Avg", of: field("n") }, last, 6],
    [{ _tag: "Min", of: field("n") }, last, 4],
    [{ _tag: "Max", of: field("n") }, { _tag: "Sliding", millis: 10_000 }, 8],
    [{ _tag: "Stddev", of: field("n") }, last, Math.sqrt(8 / 3)],
    [{ _tag: "Quantile", of: field("n"), q: 0.5 }, last, 6],
    [{ _tag: "Quantile", of: field("n"), q: 0 }, { _tag: "Sliding", millis: 10_000 }, 1],
    [{ _tag: "Ewma", of: field("n"), alpha: 0.5 }, last, 5.25],
    [{ _tag: "Slope", of: field("n") }, last, -1.2],
    [{ _tag: "Delta", of: field("n") }, { _tag: "Sliding", millis: 10_000 }, 3],
    [{ _tag: "Delta", of: field("n") }, last, -4]
  ]
  it.each(aggregates)("computes %o over %o", (aggregate, over, expected) => {
    const rig = new Rig(
      pattern({
        _tag: "When",
        aggregate,
        threshold: { operator: "!=", value: -1 },
        clear: { operator: "!=", value: -1 },
        ...(over === undefined ? {} : { over })
      })
    )
    // With both thresholds true each event tells the value of the moment.
    ;[1, 2, 8, 6, 6, 4].forEach((n, index) => {
      rig.tell({ id: index + 1, at: index * 1000, data: { n } })
    })
    // One without the field counts where events are counted, and nowhere else.
    rig.tell({ id: 9, at: 5000, data: { other: 7 } })
    const value = rig.matches.at(-1)?.values["value"]
    assert.approximately(typeof value === "number" ? value : Number.NaN, expected, 1e-9)
  })
})

describe("a sequence", () => {
  const steps = (link: "next" | "eventually") =>
    pattern({
      _tag: "Sequence",
      first: of("door.opened"),
      rest: [{ link, step: hot }],
      withinMillis: 10_000
    })
  const opened = (id: number, at: number, comes = at): Told => ({ id, at, comes, type: "door.opened" })

  it("matches when its last step comes, whatever is between", () => {
    const rig = new Rig(steps("eventually"))
    rig.tell(opened(1, 0), temp(2, 1000, 50), opened(3, 2000), temp(4, 3000, 95), temp(5, 4000, 96))
    assert.deepStrictEqual(rig.short, ["match at 3000 of 1, 4", "match at 3000 of 3, 4"])
  })

  it("ends where the very next event of the key is another, though not of another key", () => {
    const rig = new Rig(steps("next"))
    rig.tell(opened(1, 0), temp(2, 1000, 50), temp(3, 2000, 95))
    rig.tell(opened(4, 3000), { ...temp(5, 3500, 50), who: "press-2" }, temp(6, 4000, 95))
    assert.deepStrictEqual(rig.short, ["match at 4000 of 4, 6"])
  })

  it("takes no longer than it may", () => {
    const rig = new Rig(steps("eventually"))
    rig.tell(opened(1, 0), opened(2, 1), temp(3, 10_001, 95))
    assert.deepStrictEqual(rig.short, ["match at 10001 of 2, 3"])
  })

  it("puts an event that comes out of order in its place, also between two that matched", () => {
    const rig = new Rig(steps("eventually"))
    rig.tell(temp(1, 1000, 95), opened(2, 500, 1100))
    assert.deepStrictEqual(rig.short, ["match at 1000 of 2, 1"])
    rig.tell(opened(3, 700, 1200))
    assert.deepStrictEqual(rig.short, ["match at 1000 of 2, 1", "match at 1000 of 3, 1"])
  })
})

describe("absence and silence", () => {
  const answered = pattern(
    { _tag: "Absence", trigger: of("command.sent"), absent: of("command.done"), withinMillis: 10_000 },
    { emit: { command: field("name") } }
  )

  it("tells of a command that nobody answers, when the time is over", () => {
    const rig = new Rig(answered)
    rig.tell({ id: 1, at: 0, type: "command.sent", data: { name: "beep" } })
    rig.tell({ id: 2, at: 1000, type: "command.sent", data: { name: "stop" } })
    rig.tell({ id: 3, at: 10_500, type: "command.done", comes: 10_500 })
    assert.deepStrictEqual(rig.short, [])
    rig.pass(30_000)
    assert.deepStrictEqual(rig.short, ["match at 10000 of 1"])
    assert.deepStrictEqual(rig.matches[0]?.values, { command: "beep" })
  })

  it("knows an answer that comes before its question, out of order", () => {
    const rig = new Rig(answered)
    rig
      .tell({ id: 1, at: 500, type: "command.done" }, { id: 2, at: 400, comes: 600, type: "command.sent" })
      .pass(30_000)
    assert.deepStrictEqual(rig.short, [])
  })

  it("notices that a heartbeat stops, once, and again when it stops again", () => {
    const rig = new Rig(pattern({ _tag: "Silence", step: of("board.telemetry"), forMillis: 3000 }))
    rig.tell({ id: 1, at: 0 }, { id: 2, at: 2000 }, { id: 3, at: 5000 })
    assert.deepStrictEqual(rig.short, [])
    rig.pass(60_000)
    assert.deepStrictEqual(rig.short, ["match at 8000 of 3"])
    rig.tell({ id: 4, at: 60_000 }).pass(70_000)
    assert.deepStrictEqual(rig.short, ["match at 8000 of 3", "match at 63000 of 4"])
  })

  it("is no silence when the gap is filled out of order", () => {
    const rig = new Rig(pattern({ _tag: "Silence", step: of("board.telemetry"), forMillis: 1500 }))
    rig.tell({ id: 1, at: 0 }, { id: 2, at: 2500 }, { id: 3, at: 1200, comes: 2600 })
    assert.deepStrictEqual(rig.short, [])
    rig.tell({ id: 4, at: 4500 }, { id: 5, at: 6100 })
    assert.deepStrictEqual(rig.short, ["match at 4000 of 2"])
  })
})

describe("two streams", () => {
  it("meet where they are near in time, share a value, and fulfil the condition", () => {
    const rig = new Rig(
      pattern(
        {
          _tag: "Join",
          left: { from: ["fan.stopped"], as: "fan" },
          right: { from: ["board.telemetry"], as: "sample" },
          on: ["line"],
          withinMillis: 5000,
          where: condition('sample.temp > fan.limit and fan.type == "fan.stopped"')
        },
        {
          by: [],
          emit: {
            excess: { _tag: "Arithmetic", operator: "-", left: field("sample", "temp"), right: field("fan", "limit") }
          }
        }
      )
    )
    rig.tell({ id: 1, at: 0, who: "fan-1", type: "fan.stopped", data: { line: 3, limit: 60 } })
    rig.tell(
      { id: 2, at: 1000, data: { line: 3, temp: 50 } },
      { id: 3, at: 2000, data: { line: 4, temp: 90 } },
      { id: 4, at: 3000, data: { line: 3, temp: 90 } },
      { id: 5, at: 5001, data: { line: 3, temp: 90 } }
    )
    rig.tell({ id: 6, at: 4000, comes: 5100, who: "fan-1", type: "fan.stopped", data: { line: 3, limit: 80 } })
    assert.deepStrictEqual(rig.short, ["match at 3000 of 1, 4", "match at 4000 of 6, 4", "match at 5001 of 6, 5"])
    assert.deepStrictEqual(rig.matches[0]?.values, { excess: 30 })
  })
})

describe("patterns over patterns", () => {
  it("match when enough of them match for one key, near enough in time, and begin anew", () => {
    const two = new Rig(
      pattern({ _tag: "Combined", patterns: ["hot", "shaking", "loud"], atLeast: 2, withinMillis: 10_000 })
    )
    const match = (name: string, at: number, kind: "enter" | "exit" = "enter", key = "press-1") => {
      two.machine.follow({
        id: `${name}-${at}`,
        pattern: name,
        version: 1,
        key,
        by: {},
        kind,
        at: epoch + at,
        events: [],
        values: {},
        isWarm: true
      })
      return two.matches.map(({ events, at: time }) => `${time - epoch}: ${events.join(" ")}`)
    }
    match("hot", 0)
    match("loud", 1000, "exit")
    match("shaking", 2000, "enter", "press-2")
    assert.deepStrictEqual(match("shaking", 10_001), [])
    assert.deepStrictEqual(match("hot", 11_000), ["11000: hot-11000 shaking-10001"])
    assert.strictEqual(match("hot", 12_000).length, 1)
    assert.strictEqual(match("loud", 13_000).length, 2)
    // Of several matches of one pattern the newest counts, in whatever order they come.
    match("hot", 40_000)
    match("hot", 25_000)
    assert.strictEqual(match("loud", 45_000).length, 3)
  })
})
