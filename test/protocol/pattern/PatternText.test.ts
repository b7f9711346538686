import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import { parse } from "../../../src/protocol/condition/Parse.ts"
import { Pattern } from "../../../src/protocol/pattern/Pattern.ts"
import { formatPattern } from "../../../src/protocol/pattern/PatternFormat.ts"
import { parsePattern, readPattern } from "../../../src/protocol/pattern/PatternText.ts"

const read = (text: string): Pattern => {
  const found = readPattern(text)
  if (Result.isFailure(found)) throw found.failure
  return found.success
}
const inside = (text: string): Pattern => read(`pattern p { ${text} }`)
const condition = (text: string) => Result.getOrThrow(parse(text)).tree

describe("readPattern", () => {
  it("reads a pattern of every clause", () => {
    const pattern = read(
      'pattern "hot-line" priority critical { from board.telemetry by zone when avg(temp) >= 85 over sliding 30s where cpu > 0.8 clear < 78 for 10s emit { highest: temp } do raise("thermal"), event("line.hot") suppress 10min }'
    )
    assert.deepStrictEqual(pattern, {
      name: "hot-line",
      priority: "critical",
      from: ["board.telemetry"],
      by: [["zone"]],
      body: {
        _tag: "When",
        aggregate: { _tag: "Avg", of: { _tag: "Field", path: ["temp"] } },
        threshold: { operator: ">=", value: 85 },
        over: { _tag: "Sliding", millis: 30_000 },
        where: condition("cpu > 0.8"),
        clear: { operator: "<", value: 78 },
        forMillis: 10_000
      },
      emit: { highest: { _tag: "Field", path: ["temp"] } },
      actions: [
        { _tag: "Raise", signal: "thermal" },
        { _tag: "Event", type: "line.hot" }
      ],
      suppressMillis: 600_000
    })
  })

  const steps = {
    opened: { from: ["door.opened"] },
    hot: { where: condition("temp > 80") },
    both: { from: ["board.*", "device.offline"], where: condition("temp > 80 or not exists temp") }
  } as const
  const bodies: ReadonlyArray<readonly [string, Pattern["body"]]> = [
    [
      "where reported.temp > 90 and cpu > 80%",
      { _tag: "Where", condition: condition("reported.temp > 90 and cpu > 80%") }
    ],
    [
      "seq door.opened -> where temp > 80 ~> any event within 5min",
      {
        _tag: "Sequence",
        first: steps.opened,
        rest: [
          { link: "next", step: steps.hot },
          { link: "eventually", step: {} }
        ],
        withinMillis: 300_000
      }
    ],
    [
      "seq door.opened->temp > 80~>board.*, device.offline where temp > 80 or not exists temp within 1s",
      {
        _tag: "Sequence",
        first: steps.opened,
        rest: [
          { link: "next", step: steps.hot },
          { link: "eventually", step: steps.both }
        ],
        withinMillis: 1000
      }
    ],
    [
      "door.opened then no door.closed within 30s",
      { _tag: "Absence", trigger: steps.opened, absent: { from: ["door.closed"] }, withinMillis: 30_000 }
    ],
    [
      "temp > 80 then no any event within 30s",
      { _tag: "Absence", trigger: steps.hot, absent: {}, withinMillis: 30_000 }
    ],
    [
      "where temp > 80 then no where temp > 80 within 30s",
      { _tag: "Absence", trigger: steps.hot, absent: steps.hot, withinMillis: 30_000 }
    ],
    [
      "any event then no door.opened within 30s",
      { _tag: "Absence", trigger: {}, absent: steps.opened, withinMillis: 30_000 }
    ],
    ["silence temp > 80 for 1.5s", { _tag: "Silence", step: steps.hot, forMillis: 1500 }],
    ["silence door.opened for 500ms", { _tag: "Silence", step: steps.opened, forMillis: 500 }],
    ["silence any event for 2h", { _tag: "Silence", step: {}, forMillis: 7_200_000 }],
    ['all(a, "b-2") within 10s', { _tag: "Combined", patterns: ["a", "b-2"], atLeast: 2, withinMillis: 10_000 }],
    ["any (a, b) within 10s", { _tag: "Combined", patterns: ["a", "b"], atLeast: 1, withinMillis: 10_000 }],
    ["2 of (a, b, c) within 10s", { _tag: "Combined", patterns: ["a", "b", "c"], atLeast: 2, withinMillis: 10_000 }],
    [
      "join job.started as s with job.ended, job.failed as e on job within 1h where e.data.took > s.data.limit",
      {
        _tag: "Join",
        left: { from: ["job.started"], as: "s" },
        right: { from: ["job.ended", "job.failed"], as: "e" },
        on: ["job"],
        withinMillis: 3_600_000,
        where: condition("e.data.took > s.data.limit")
      }
    ],
    [
      "when count > 5 over tumbling 1min",
      {
        _tag: "When",
        aggregate: { _tag: "Count" },
        threshold: { operator: ">", value: 5 },
        over: { _tag: "Tumbling", millis: 60_000 }
      }
    ],
    [
      "when p(95%, temp - 2) = -80% over last 10 events",
      {
        _tag: "When",
        aggregate: {
          _tag: "Quantile",
          q: 0.95,
          of: {
            _tag: "Arithmetic",
            operator: "-",
            left: { _tag: "Field", path: ["temp"] },
            right: { _tag: "Number", value: 2 }
          }
        },
        threshold: { operator: "==", value: -0.8 },
        over: { _tag: "LastEvents", count: 10 }
      }
    ],
    [
      "when ewma(temp, 0.2) < 5s over session 5min clear >= 6 for 1s",
      {
        _tag: "When",
        aggregate: { _tag: "Ewma", alpha: 0.2, of: { _tag: "Field", path: ["temp"] } },
        threshold: { operator: "<", value: 5000 },
        over: { _tag: "Session", gapMillis: 300_000 },
        clear: { operator: ">=", value: 6 },
        forMillis: 1000
      }
    ]
  ]
  for (const [text, body] of bodies)
    it(`reads ${text}`, () => {
      assert.deepStrictEqual(inside(text).body, body)
      assert.deepStrictEqual(inside(`${text} do raise("x")`).body, body)
    })

  it("takes the words of patterns for names of fields where fields stand", () => {
    const { body, by } = inside(
      "by by, for when avg(over) > 1 over sliding 1s where where > 1 and clear == 2 clear <= 1 for 1s"
    )
    assert.deepStrictEqual(by, [["by"], ["for"]])
    assert.deepStrictEqual(body._tag === "When" && body.where, condition("where > 1 and clear == 2"))
    assert.deepStrictEqual(inside("any > 1 then no seq within 1s").body, {
      _tag: "Absence",
      trigger: { where: condition("any > 1") },
      absent: { from: ["seq"] },
      withinMillis: 1000
    })
  })

  it("reads what is told to an actor as JSON with names that need no quotes", () => {
    const { actions } = inside(
      `where a > 1 do tell(device, "$source.id", SetDesired, { patch: { led: 'on', "odd name": [1, -2.5, null, true], deep: {} } }), tell("device", "d", GetState)`
    )
    assert.deepStrictEqual(actions, [
      {
        _tag: "Tell",
        kind: "device",
        id: "$source.id",
        message: "SetDesired",
        payload: { patch: { led: "on", "odd name": [1, -2.5, null, true], deep: {} } }
      },
      { _tag: "Tell", kind: "device", id: "d", message: "GetState", payload: {} }
    ])
  })

  it("keeps the place of each part", () => {
    const text = "pattern p { by zone when avg(temp) > 5 over sliding 10s where cpu > 1 clear < 4 for 2s do raise(x) }"
    const parsed = Result.getOrThrow(parsePattern(text))
    const shown = (span: { readonly start: number; readonly end: number } | undefined) =>
      text.slice(span?.start, span?.end)
    const { body, actions } = parsed.pattern
    assert.deepStrictEqual(
      ["name", "by.0", "aggregate", "over", "clear", "for"].map((name) => shown(parsed.places.get(name))),
      ["p", "zone", "avg(temp)", "sliding 10s", "< 4", "2s"]
    )
    assert.strictEqual(body._tag === "When" && body.where && shown(parsed.spans.get(body.where)), "cpu > 1")
    assert.strictEqual(actions[0] && shown(parsed.spans.get(actions[0])), "raise(x)")
  })
})

describe("formatPattern", () => {
  it("writes a clause a line", () => {
    const text = [
      'pattern "hot-line" priority critical {',
      "  from board.telemetry, board.*",
      "  by zone, source.id",
      "  when avg(temp) >= 85 over sliding 30s where cpu > 0.8 clear < 78 for 10s",
      "  emit { highest: temp, twice: temp * 2 }",
      '  do raise("thermal"), tell(device, "$source.id", SetDesired, { patch: { led: "on" } })',
      "  suppress 10min",
      "}"
    ].join("\n")
    assert.strictEqual(formatPattern(read(text)), text)
  })

  it.prop(
    "writes every pattern so that it is read as the same one",
    { pattern: Pattern },
    ({ pattern }) => {
      assert.deepStrictEqual(read(formatPattern(pattern)), pattern)
    },
    { arbitrary: { runs: 2000 } }
  )

  it("writes types that look like words or numbers in quotes", () => {
    const pattern: Pattern = {
      name: "p",
      priority: "normal",
      from: ["where", "5s.x", "*", "-", "a-.-b", "any"],
      by: [],
      body: { _tag: "Silence", step: { from: ["for"] }, forMillis: 1 },
      actions: []
    }
    assert.deepStrictEqual(read(formatPattern(pattern)), pattern)
    assert.isTrue(Schema.is(Pattern)(pattern))
  })
})
