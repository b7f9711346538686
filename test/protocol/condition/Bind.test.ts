import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { bindText, bindTree } from "../../../src/protocol/condition/Bind.ts"
import type { BoundCondition } from "../../../src/protocol/condition/Bound.ts"
import { pathsOf } from "../../../src/protocol/condition/Bound.ts"
import type { Parameters } from "../../../src/protocol/condition/Checks.ts"
import { interpret } from "../../../src/protocol/condition/Interpret.ts"
import { events, requests, type Source, twins, withFields } from "../../../src/protocol/condition/Source.ts"

const press: Source = withFields(twins, {
  "reported.temp": { type: "number", unit: "°C" },
  "reported.cpu": { type: "number" },
  "reported.humidity": { type: "number", unit: "%" },
  "reported.uptime": { type: "number", unit: "s" },
  "reported.supply": { type: "number", unit: "mV" },
  "reported.speed": { type: "number", unit: "rpm" },
  "reported.limit": { type: "number", unit: "°C" },
  "reported.reserve": { type: "number", unit: "V" },
  "reported.led": { type: "text", values: ["on", "off", "blink"] },
  "reported.name": { type: "text" },
  "reported.fan": { type: "boolean" },
  "reported.errors": { type: "list" },
  "reported.motor.on": { type: "boolean" }
})

const bound = (text: string, source: Source = press, parameters: Parameters = {}): BoundCondition => {
  const result = bindText(text, source, parameters)
  if (Result.isFailure(result)) throw result.failure
  return result.success
}
const problems = (text: string, source: Source = press, parameters: Parameters = {}) => {
  const result = bindText(text, source, parameters)
  if (Result.isSuccess(result)) throw new Error(`${text} was bound`)
  return result.failure.problems
}
const numbers = (condition: BoundCondition): ReadonlyArray<number> => {
  const found: Array<number> = []
  JSON.stringify(condition, (_, value) => {
    if (value?._tag === "Number") found.push(value.value)
    return value
  })
  return found
}

describe("names", () => {
  const paths = (text: string, source: Source) => pathsOf(bound(text, source)).map((path) => path.join("."))

  it("that are bare are looked up where their source keeps its own", () => {
    assert.deepStrictEqual(paths("temp > 1 and desired.led == 'on' and zone == 'a' and reported.x.y == 2", twins), [
      "reported.temp",
      "desired.led",
      "zone",
      "reported.x.y"
    ])
    assert.deepStrictEqual(
      paths(
        "took > 1 and type == 'x' and source.id == 'a' and source.name == 'b' and reported.t > 1",
        withFields(events, { "source.name": { type: "text" } })
      ),
      ["data.took", "type", "source.id", "source.name", "reported.t"]
    )
    assert.deepStrictEqual(
      paths("temp_c >= 85 and arg.duty > 0.6 and scope has 'x' and capability glob 'motor.*'", requests),
      ["fact.temp_c", "arg.duty", "scope", "capability"]
    )
  })

  it("that nobody knows are refused with the nearest known one", () => {
    const [problem] = problems("tmep > 90")
    assert.deepStrictEqual([problem.reason, problem.column, problem.suggestions[0]], ["UnknownField", 1, "temp"])
    assert.match(problem.sentence, /^a twin has no field tmep; did you mean temp/)
    assert.strictEqual(problems("fan == true and reported.motro.on == true")[0].suggestions[0], "reported.motor.on")
    assert.strictEqual(problems("exists desierd.led", twins.fields.size > 0 ? press : twins)[0].reason, "UnknownField")
  })

  it("of elements and lengths of lists, and of maps on the way to a field, are known", () => {
    assert.deepStrictEqual(paths("errors.len > 3 and errors.0 == 'a' and exists motor", press), [
      "reported.errors.len",
      "reported.errors.0",
      "reported.motor"
    ])
    assert.strictEqual(problems("errors.first == 1")[0].reason, "UnknownField")
  })

  it("below an open map need not be known", () => {
    const open = withFields(twins, { "reported.temp": { type: "number", unit: "°C" } }, { staysOpen: true })
    assert.deepStrictEqual(numbers(bound("temp > 300K and other > 1", open)), [26.85, 1])
  })
})

describe("types", () => {
  const wrong: ReadonlyArray<readonly [text: string, column: number, sentence: RegExp]> = [
    ["temp > 'hot'", 8, /^a number cannot be compared with a text; that would never hold/],
    ["'a' == 5", 8, /^a text cannot be compared with a number/],
    ["fan == 1", 8, /^true or false cannot be compared with a number/],
    ["fan > true", 1, /have no order/],
    ["led > 'a'", 1, /the order of these names says nothing/],
    ["errors == 5", 1, /a list cannot be compared; ask for an element with `has`/],
    ["motor == 5", 1, /a map of fields cannot be compared; compare one of its fields/],
    ["temp glob 'a*'", 1, /`glob` looks at texts; this is a number/],
    ["errors contains 'a'", 1, /`contains` looks into texts; for an element of a list write `has`/],
    ["name contains 5", 15, /only a text can be part of a text; this is a number/],
    ["name has 5", 1, /only a list can have elements, and name is a text/],
    ["temp + 'a' > 5", 8, /`\+` calculates with numbers; this is a text/],
    ["name * 2 > 5", 1, /`\*` calculates with numbers/],
    ["temp in ['a', 2]", 10, /^a number cannot be compared with a text/],
    ["temp in 'a'..'b'", 9, /^a number cannot be compared with a text/]
  ]
  for (const [text, column, sentence] of wrong)
    it(`${text}: refused at column ${column}`, () => {
      const [problem] = problems(text)
      assert.strictEqual(problem.reason, "WrongType")
      assert.strictEqual(problem.column, column)
      assert.match(problem.sentence, sentence)
    })

  it("of a field that is not known yet may be any", () => {
    assert.strictEqual(bound("a > 5 and a == 'x' and a has 1 and a glob 'x*' and a.b == true", twins)._tag, "All")
  })

  it("a text that a field can never be is refused with the nearest one that it can", () => {
    const [problem] = problems("led == 'onn'")
    assert.deepStrictEqual([problem.reason, problem.column], ["UnknownValue", 8])
    assert.match(problem.sentence, /one of on, off, blink; did you mean "on"/)
    assert.strictEqual(problems("severity in ['warning', 'error']", events)[0].suggestions[0], '"warn"')
    assert.strictEqual(problems("state == $s", twins, { s: "onlin" })[0].reason, "UnknownValue")
  })
})

describe("calculations that have no result", () => {
  it("are refused: division by zero, however it is written", () => {
    for (const text of ["temp / 0 > 1", "temp / (1 - 1) > 1", "temp / $zero > 1", "1 / 0 > cpu"])
      assert.strictEqual(problems(text, press, { zero: 0 })[0].reason, "DivisionByZero", text)
    assert.strictEqual(problems("temp / 0 > 1")[0].column, 8)
  })
  it("are refused: more than a number can be", () => {
    assert.strictEqual(problems("cpu > 1e308 * 10")[0].reason, "NotFinite")
    assert.strictEqual(problems("cpu > $limit", press, { limit: Number.NaN })[0].reason, "NotFinite")
    assert.strictEqual(problems("cpu > $limit", press, { limit: Number.POSITIVE_INFINITY })[0].reason, "NotFinite")
  })
  it("and those that have one are done once", () => {
    assert.deepStrictEqual(numbers(bound("cpu > 2 * (3 + 4)")), [14])
  })
})

describe("units", () => {
  const converted: ReadonlyArray<readonly [text: string, numbers: ReadonlyArray<number>, source?: Source]> = [
    ["cpu > 80%", [0.8]],
    ["cpu > 7%", [0.07]],
    ["humidity > 80%", [80]],
    ["temp > 60°C", [60]],
    ["temp > 333.15K", [60]],
    ["temp > 212°F", [100]],
    ["temp in 300K..310K", [26.85, 36.85]],
    ["supply > 3.3V", [3300]],
    ["supply > 1.1V", [1100]],
    ["supply in [3.3V, 5V]", [3300, 5000]],
    ["uptime > 5min", [300]],
    ["uptime > 500ms", [0.5]],
    ["uptime + 10s > 2h", [10, 7200]],
    ["speed > 300rpm", [300]],
    ["took > 500ms and waited > 2h", [500, 7_200_000], events],
    ["supply * 2 > 5V", [2, 5000]],
    ["supply * 80% > 5V", [0.8, 5000]],
    ["temp > limit + 5°C", [5]]
  ]
  for (const [text, expected, source] of converted)
    it(`${text}: compares ${expected.join(" and ")}`, () => {
      assert.deepStrictEqual(numbers(bound(text, source)), expected)
    })

  const refused: ReadonlyArray<readonly [text: string, column: number, sentence: RegExp, source?: Source]> = [
    ["temp > 5V", 8, /5V cannot be brought into °C/],
    ["cpu > 5V", 7, /no field here declares what it counts in; write 5 without V/],
    ["speed > 5Hz", 9, /cannot be brought into rpm/],
    ["cpu > 5vlt", 7, /nothing here counts in vlt/],
    ["temp > limit + 5K", 16, /cannot be brought into °C/],
    ["supply > reserve", 10, /reserve counts in V and is compared with mV/],
    ["temp in 20..300K", 9, /this end of the range has no unit, and the other counts in K/]
  ]
  for (const [text, column, sentence, source] of refused)
    it(`${text}: refused at column ${column}`, () => {
      const [problem] = problems(text, source)
      assert.strictEqual(problem.reason, "WrongUnit")
      assert.strictEqual(problem.column, column)
      assert.match(problem.sentence, sentence)
    })
})

describe("parameters", () => {
  it("become plain values", () => {
    const text = "temp > $limit and led in $leds and fan == $fan and name glob $shape"
    const condition = bound(text, press, { limit: 5, leds: ["on", "off"], fan: true, shape: "p*" })
    assert.deepStrictEqual(condition, bound("temp > 5 and led in ['on', 'off'] and fan == true and name glob 'p*'"))
  })
  it("that were not given are refused with the nearest that was", () => {
    const [problem] = problems("temp > $limt", press, { limit: 5 })
    assert.deepStrictEqual([problem.reason, problem.column, problem.suggestions[0]], ["UnknownParameter", 8, "$limit"])
    assert.strictEqual(problems("temp > $toString")[0].reason, "UnknownParameter")
  })
  it("of the wrong kind are refused", () => {
    assert.strictEqual(problems("temp > $x", press, { x: "hot" })[0].reason, "WrongType")
    assert.strictEqual(problems("temp > $x", press, { x: [1, 2] })[0].reason, "WrongType")
    assert.strictEqual(problems("name glob $x", press, { x: 5 })[0].reason, "WrongType")
    assert.strictEqual(problems("temp in $x", press, { x: [1, "a"] })[0].reason, "WrongType")
    assert.strictEqual(problems("name == $x", press, { x: "\u0000" })[0].reason, "WrongType")
    assert.strictEqual(
      problems("temp in $x", press, { x: Array.from({ length: 2000 }, () => 1) })[0].reason,
      "TooLarge"
    )
  })
})

describe("patterns that cannot be decided in one pass", () => {
  for (const pattern of [
    "(a)\\\\1",
    "(?=a)",
    "(?<n>a)",
    "a{300}",
    "(a{20}){20}",
    "[z-a]",
    "[",
    "(",
    "a)",
    "*",
    "a**",
    "a*?",
    "\\\\b",
    "a^",
    "(^a)",
    "[]",
    "a{2,1}"
  ])
    it(`${pattern} is refused`, () => {
      const [problem] = problems(`name matches "${pattern}"`)
      assert.deepStrictEqual([problem.reason, problem.column], ["BadPattern", 14])
    })
  it("and a glob that ends in the middle, or is too long", () => {
    assert.strictEqual(problems('name glob "a\\\\"')[0].reason, "BadPattern")
    assert.strictEqual(problems(`name glob "${"a".repeat(300)}"`)[0].reason, "BadPattern")
  })
})

describe("bind", () => {
  it("tells of all problems, in order, each place once, eight at most", () => {
    const found = problems("tmep > 1 and led == 'onn' and fan > true and cpu / 0 > 1")
    assert.deepStrictEqual(
      found.map(({ reason }) => reason),
      ["UnknownField", "UnknownValue", "WrongType", "DivisionByZero"]
    )
    assert.strictEqual(problems(Array.from({ length: 20 }, (_, at) => `no${at} > 1`).join(" or ")).length, 8)
  })
  it("places the problems of a tree in its text", () => {
    const result = bindTree(
      {
        _tag: "Compare",
        operator: ">",
        left: { _tag: "Field", path: ["temp"] },
        right: { _tag: "Text", value: "hot" }
      },
      press
    )
    assert.isTrue(Result.isFailure(result))
    if (Result.isFailure(result)) assert.strictEqual(result.failure.problems[0].excerpt, '  temp > "hot"\n         ^')
  })
})

describe("zones and bits", () => {
  it("are asked of what can have them", () => {
    for (const text of ["temp inside 'ops'", "fan bit 1", "name bit 1", "'ops' bit 1"])
      assert.strictEqual(problems(text)[0].reason, "WrongType", text)
  })

  it("refuse what is no zone", () => {
    for (const text of ["''", "'ops.'", "'.ops'", "'a..b'", "'.'"])
      assert.strictEqual(problems(`zone inside ${text}`)[0].reason, "UnknownValue", text)
    assert.strictEqual(problems("zone inside $mine", press, { mine: 5 })[0].reason, "WrongType")
    assert.strictEqual(problems("zone inside $mine", press, { mine: "" })[0].reason, "UnknownValue")
    assert.strictEqual(problems("zone inside $mine")[0].reason, "UnknownParameter")
  })

  it("take a zone from a parameter, with all its signs plain", () => {
    const inside = (zone: string, name: string) =>
      interpret(bound("zone inside $mine", press, { mine: zone }), { zone: name })
    assert.isTrue(inside("a*", "a*"))
    assert.isTrue(inside("a*", "a*.b"))
    assert.isFalse(inside("a*", "ab.c"))
  })
})
