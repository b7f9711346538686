import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import type { Problem } from "../../../src/protocol/condition/ConditionInvalid.ts"
import { events, withFields } from "../../../src/protocol/condition/Source.ts"
import type { Pattern } from "../../../src/protocol/pattern/Pattern.ts"
import { checkPattern, checkText, type PatternSurroundings } from "../../../src/protocol/pattern/PatternCheck.ts"
import { readPattern } from "../../../src/protocol/pattern/PatternText.ts"

const closed = withFields(events, {
  "data.temp": { type: "number", unit: "°C" },
  "data.job": { type: "text" },
  "data.parts": { type: "list" },
  "data.state": { type: "text", values: ["open", "closed"] }
})
const others = new Map<string, Pattern>()
const known: PatternSurroundings = {
  pattern: (name) => others.get(name),
  patternNames: ["hot", "off", "whole", "keyed"],
  kinds: ["device", "session"],
  speakerOf: (type) => (type === "device.offline" ? "device" : undefined),
  messagesOf: (kind) => (kind === "device" ? ["SetDesired", "SendCommand"] : kind === "session" ? ["Abort"] : undefined)
}
const problemsOf = (text: string, around: PatternSurroundings = known): ReadonlyArray<Problem> => {
  const checked = checkText(text, around)
  return Result.isFailure(checked) ? checked.failure.problems : []
}
const inside = (text: string) => `pattern "it" { ${text} }`
for (const [name, text] of [
  ["hot", "where reported.temp > 90"],
  ["off", "where reported.fan == false"],
  ["keyed", "by zone where reported.temp > 90"],
  ["whole", "all(hot, it) within 10s"]
] as const)
  others.set(name, Result.getOrThrow(readPattern(`pattern ${name} { ${text} }`)))

/** What is wrong, as the reason and the text from the place on. */
const told = (text: string, around?: PatternSurroundings) =>
  problemsOf(text, around).map(({ reason, at }) => `${reason} ${text.slice(at, at + 12)}`)

describe("a pattern that is sound", () => {
  for (const text of [
    "from board.telemetry by zone when avg(temp) >= 85 over sliding 30s where cpu > 0.8 clear < 78 for 10s",
    "from board.telemetry by source.id seq temp > 80 ~> temp < 40 within 10s",
    'by source.id device.offline then no device.online within 5min do tell(device, "$source.id", SetDesired, { patch: { led: "on" } })',
    "from board.telemetry by source.id silence any event for 30s",
    'all(hot, off) within 10s do raise("x")',
    "by zone any(keyed) within 10s",
    'join job.started as s with job.ended as e on job within 1h where e.took > s.limit and e.severity == "error" emit { took: e.took }',
    "from board.telemetry when ewma(temp, 0.2) > 80 clear < 70",
    "from board.telemetry when count > 10 over tumbling 1min for 2min",
    `where reported.temp > 90 do event("line.hot"), tell(device, "x-\${pattern}", SendCommand, { text: "$match of \${kind}." })`,
    'where not reported.temp > 90 and type != "pattern.matched"',
    'where source.id == "press-1" and severity == "error"',
    'when count > 3 over sliding 1min where severity == "error"',
    'from a.* where type in ["a.b", "c.d"] and not (x > 1 and x < 0)',
    'from a.b when stddev(x) > 0 over last 2 events clear <= 0 emit { value: x } do tell(device, "$value", SetDesired)'
  ])
    it(`passes: ${text}`, () => {
      assert.deepStrictEqual(problemsOf(inside(text)), [])
    })
})

describe("checkPattern", () => {
  const refusals: ReadonlyArray<readonly [text: string, told: ReadonlyArray<string>, sentence?: RegExp]> = [
    // Never.
    ["from a.b where temp > 90 and temp < 80", ["NeverMatches temp > 90 an"], /contradicts itself/],
    ["from a.b where temp > 90 and (temp == 80 or temp in [1, 2])", ["NeverMatches temp > 90 an"]],
    ['from a.b where x == 1 and x == "a"', ["NeverMatches x == 1 and x"]],
    ["from a.b where x in 5..1", ["NeverMatches x in 5..1 }"]],
    ["from a.b where not exists x and x > 1", ["NeverMatches not exists x"]],
    ['from a.b, c.* where type == "b.a"', ['NeverMatches type == "b.a']],
    ["from a.b where false", ["NeverMatches false }"]],
    ["from a.b where 90 < temp and 80 > temp", ["NeverMatches 90 < temp an"]],
    ["seq a.b where x > 1 and x < 1 -> c.d within 1s", ["NeverMatches x > 1 and x "]],
    ["a.b then no c.d where false within 1s", ["NeverMatches false within"]],
    ["from a.b when count < 0 over sliding 1s", ["NeverMatches < 0 over sli"], /count here is never < 0/],
    ["from a.b when count == 1.5 over sliding 1s", ["NeverMatches == 1.5 over "]],
    ["from a.b when count > 10 over last 10 events", ["NeverMatches > 10 over la"]],
    ["from a.b when delta(x) > 1 over last 1 events", ["NeverMatches last 1 event"]],
    ["from a.b when count > 1 over sliding 1s clear < 0", ["NeverMatches < 0 }"], /never end/],
    ["3 of (hot, off) within 1s", ["NeverMatches 3 of (hot, o"]],
    // Without end.
    ["from a.b when avg(x) > 1", ["Unbounded avg(x) > 1 }"], /over sliding 10min/],
    ["from a.b when distinct(x) > 1", ["Unbounded distinct(x) "]],
    // The other side.
    ["from a.b when avg(x) > 85 over sliding 1s clear < 90", ["Contradiction < 90 }"], /`clear < 85`/],
    ["from a.b when avg(x) > 85 over sliding 1s clear > 78", ["Contradiction > 78 }"]],
    ["from a.b when avg(x) >= 85 over sliding 1s clear <= 85", ["Contradiction <= 85 }"]],
    ["from a.b when avg(x) < 5 over sliding 1s clear > 4", ["Contradiction > 4 }"], /`clear > 5`/],
    ["from a.b when avg(x) == 5 over sliding 1s clear < 6", ["Contradiction < 6 }"]],
    ["from a.b when avg(x) > 5 over session 1s clear < 4 for 1s", ["Contradiction 1s }"], /looked at once/],
    ["from a.b when avg(x) > 5 over tumbling 1min for 90s", ["Contradiction 90s }"], /`for 2min`/],
    ["from a.b where x > 5 allow late 1s", ["Contradiction 1s }"], /takes every event/],
    ["seq a.b ~> c.d within 1s allow late 1s", ["Contradiction 1s }"], /only windows and joins/],
    ["from a.b when avg(x) > 5 over last 9 events allow late 1s", ["Contradiction 1s }"], /in which they come/],
    [
      "from a.b when avg(x) > 5 over tumbling 1s clear < 4 allow late 1s",
      ["Contradiction 1s }"],
      /not looked at again/
    ],
    // Others.
    ["all(hot, gone) within 1s", ["UnknownPattern gone) within"]],
    ["all(hot, of) within 1s", ["UnknownPattern of) within 1"], /did you mean off/],
    ["all(hot, it) within 1s", ["Loop it) within 1"], /wait for itself/],
    ["all(hot, hot) within 1s", ["Contradiction hot) within "]],
    ["all(hot, whole) within 1s", ["Loop whole) withi"], /it → whole → it/],
    ["all(hot, keyed) within 1s", ["Contradiction keyed) withi"], /`by zone`/],
    ["from a.b all(hot, off) within 1s", ["Contradiction a.b all(hot,"]],
    // Actions.
    ['from a.b where x > 1 do tell(devise, "x", SetDesired)', ["UnknownActor tell(devise,"], /did you mean device/],
    ['from a.b where x > 1 do tell(device, "x", SetDesire)', ["UnknownActor tell(device,"], /did you mean SetDesired/],
    [
      'from a.b where x > 1 do tell(device, "$source.id", SetDesired)',
      ["UnknownField tell(device,"],
      /name it under `by`/
    ],
    [
      'from a.b by zone where x > 1 do tell(device, "a", SetDesired, { a: ["in $zone."] })',
      ["UnknownField tell(device,"],
      /\$\{zone\}/
    ],
    ['from a.b where x > 1 do event("pattern.matched")', ['Loop event("patte']],
    [
      'from a.b where x > 1 do event("device.offline")',
      ['Contradiction event("devic'],
      /what actors of the kind device say/
    ],
    // Its own matches.
    ['where severity == "info"', ["Loop where severi"], /its own pattern\.matched again without end/],
    ["where not reported.temp > 90", ["Loop where not re"]],
    ["when count > 5 over sliding 1s", ["Loop when count >"]],
    ['from line.* where exists pattern do event("line.hot")', ["Loop line.* where"], /its own line\.hot/],
    ['from line.* where values.temp > 90 emit { temp: values.temp } do event("line.hot")', ["Loop line.* where"]],
    ['from algedonic.* silence any event for 1s do raise("x")', ["Loop algedonic.* "]],
    ["any event then no a.b within 1s", ["Loop any event th"]],
    ['seq any event -> severity == "info" within 1s', ["Loop seq any even"]],
    ["join a.b as a with * as b within 1s", ["Loop join a.b as "]],
    // Names.
    ["from a.b by zone, zone where x > 1", ["Contradiction zone where x"]],
    ["join a.b as a with c.d as a within 1s", ["Contradiction a within 1s "]],
    ["from a.b join a.b as a with c.d as b within 1s", ["Contradiction a.b join a.b"]],
    [
      "join a.b as a with c.d as b within 1s where temp > 1",
      ["UnknownField temp > 1 }"],
      /a pair of events has no field temp/
    ],
    ["from a.b where x > $limit", ["UnknownParameter $limit }"]],
    ['from a.b when avg("x") > 1 over sliding 1s', ['WrongType "x") > 1 ove'], /`avg` is computed of numbers/],
    ["from a.b when avg(x / 0) > 1 over sliding 1s", ["DivisionByZero 0) > 1 over "]]
  ]
  for (const [text, expected, sentence] of refusals)
    it(`refuses ${text}`, () => {
      assert.deepStrictEqual(told(inside(text)), expected)
      if (sentence !== undefined) assert.match(problemsOf(inside(text))[0]?.sentence ?? "", sentence)
    })

  const around: PatternSurroundings = { sourceOf: () => closed }
  const strict: ReadonlyArray<readonly [string, ReadonlyArray<string>]> = [
    ["from a.b where tmep > 1", ["UnknownField tmep > 1 }"]],
    ["from a.b by jbo where temp > 1", ["UnknownField jbo where te"]],
    ["from a.b by parts where temp > 1", ["WrongType parts where "]],
    ["from a.b when distinct(parts) > 1 over sliding 1s", ["WrongType parts) > 1 o"]],
    ["from a.b when avg(job) > 1 over sliding 1s", ["WrongType job) > 1 ove"]],
    ['from a.b where state == "opne" and temp > "x"', ['UnknownValue "opne" and t', 'WrongType "x" }']],
    ["from a.b where temp > 1 emit { a: tmep, b: parts }", ["UnknownField tmep, b: par", "WrongType parts } }"]],
    [
      'join a.b as x with a.b as y on jbo within 1s where x.state == "opn"',
      ["UnknownField jbo within 1", 'UnknownValue "opn" }']
    ],
    ["join a.b as x with a.b as y within 1s where x.tmep > y.data.temp", ["UnknownField x.tmep > y.d"]]
  ]
  for (const [text, expected] of strict)
    it(`refuses ${text} where fields are known`, () => {
      assert.deepStrictEqual(told(inside(text), around), expected)
    })

  it("tells of several problems at once, in the order of the text", () => {
    assert.deepStrictEqual(told(inside('from a.b by zone, zone when avg(x) > 5 clear > 4 do tell(nobody, "$x", Do)')), [
      "Contradiction zone when av",
      "Unbounded avg(x) > 5 c",
      "Contradiction > 4 do tell(",
      "UnknownActor tell(nobody,"
    ])
  })

  it("checks a tree, with places in the text it would be written as", () => {
    const pattern = Result.getOrThrow(readPattern(inside("from a.b where x > 2 and x < 1")))
    const checked = checkPattern(pattern)
    assert.isTrue(Result.isFailure(checked))
    if (Result.isFailure(checked)) {
      assert.strictEqual(checked.failure.problems[0].line, 3)
      assert.strictEqual(checked.failure.problems[0].excerpt, "    where x > 2 and x < 1\n          ^")
    }
  })
})
