import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { Pattern } from "../../../src/protocol/pattern/Pattern.ts"
import { formatPattern } from "../../../src/protocol/pattern/PatternFormat.ts"
import { patternOfJson } from "../../../src/protocol/pattern/PatternJson.ts"

const written = (json: unknown): string => formatPattern(Result.getOrThrow(patternOfJson(json)))
const refusal = (json: unknown): string => {
  const read = patternOfJson(json)
  return Result.isFailure(read) ? read.failure.message : "read"
}
const silence = { _tag: "Silence", step: {}, forMillis: 1000 }
const nested = (wrap: (inner: unknown) => unknown): unknown => {
  let value: unknown = { _tag: "Always", value: true }
  for (let level = 0; level < 100_000; level++) value = wrap(value)
  return value
}

describe("patternOfJson", () => {
  it.prop(
    "reads the tree of every pattern",
    { pattern: Pattern },
    ({ pattern }) => {
      const json: unknown = JSON.parse(JSON.stringify(pattern))
      assert.deepStrictEqual<unknown>(Result.getOrThrow(patternOfJson(json)), json)
    },
    { arbitrary: { runs: 500 } }
  )

  it("takes priority, keys and actions as left out", () => {
    assert.strictEqual(written({ name: "p", body: silence }), 'pattern "p" {\n  silence any event for 1s\n}')
  })

  it("reads the short form: how often the same happens within a time", () => {
    const json = {
      name: "guessed-password",
      priority: "high",
      conditions: [
        { field: "event_type", operator: "eq", value: "login.failed" },
        { field: "address", operator: "eq", value: "same" },
        { field: "count", operator: "gt", value: 3 },
        { field: "time_window", operator: "lt", value: 60 },
        { field: "role", operator: "neq", value: "guest" }
      ],
      actions: [{ _tag: "Raise", signal: "intruder" }]
    }
    assert.strictEqual(
      written(json),
      [
        'pattern "guessed-password" priority high {',
        "  from login.failed",
        "  by address",
        '  when count > 3 over sliding 1min where role != "guest"',
        '  do raise("intruder")',
        "}"
      ].join("\n")
    )
  })

  it("reads the short form: what must all hold", () => {
    const json = {
      name: "p",
      by: [["zone"]],
      conditions: [
        { field: "event_type", operator: "in", value: ["a.b", "c.*"] },
        { field: "count", operator: "gte", value: 3 },
        { field: "reported.temp", operator: "range", value: [20, 30] },
        { field: "source.id", operator: "eq", value: "same" },
        { field: "name", operator: "neq", value: "same" }
      ]
    }
    assert.strictEqual(
      written(json),
      'pattern "p" {\n  from a.b, c.*\n  by zone, source.id\n  where count >= 3 and reported.temp in 20..30 and name != "same"\n}'
    )
  })

  it("counts all events when the window is all there is", () => {
    const conditions = [
      { field: "time_window", operator: "lte", value: 0.5 },
      { field: "count", operator: "lt", value: 2 }
    ]
    assert.strictEqual(written({ name: "p", conditions }), 'pattern "p" {\n  when count < 2 over sliding 500ms\n}')
  })

  const refusals: ReadonlyArray<readonly [string, unknown, RegExp]> = [
    ["no object", [1], /^a pattern is an object/],
    ["no question", { name: "p" }, /^body\._tag: a pattern asks one of Where, When/],
    ["an unknown question", { name: "p", body: { _tag: "Wen" } }, /did you mean When/],
    ["a name with blanks", { name: "p q", body: silence }, /^name: /],
    ["an unknown field", { name: "p", body: silence, wehn: 1 }, /^wehn: there is no such field/],
    ["a time of none", { name: "p", body: { ...silence, forMillis: 0 } }, /^body\.forMillis: .*between 1 and 86400000/],
    ["a time beyond a day", { name: "p", body: { ...silence, forMillis: 86_400_001 } }, /^body\.forMillis/],
    [
      "half a test",
      { name: "p", body: { _tag: "Where", condition: { _tag: "Compare", operator: "<" } } },
      /^body\.condition\.left/
    ],
    [
      "an address that is none",
      { name: "p", body: silence, actions: [{ _tag: "Webhook", url: "ftp://x" }] },
      /^actions\.0\.url/
    ],
    ["both forms", { name: "p", body: silence, conditions: [] }, /not both/],
    [
      "an unknown operator",
      { name: "p", conditions: [{ field: "x", operator: "gtt", value: 1 }] },
      /^conditions\.0\.operator/
    ],
    ["no list", { name: "p", conditions: { x: 1 } }, /^conditions: /],
    [
      "a field that is none",
      { name: "p", conditions: [{ field: "x y", operator: "gt", value: 1 }] },
      /no name of a field/
    ],
    [
      "a key that is none",
      { name: "p", conditions: [{ field: "x y", operator: "eq", value: "same" }] },
      /^conditions\.0: .*no name of a field/
    ],
    [
      "a window without a count",
      { name: "p", conditions: [{ field: "time_window", operator: "lt", value: 1 }] },
      /nothing says how often/
    ],
    ["a window of none", { name: "p", conditions: [{ field: "time_window", operator: "lt", value: 0 }] }, /above 0/],
    [
      "a window of a thousand years",
      { name: "p", conditions: [{ field: "time_window", operator: "lt", value: 3e10 }] },
      /at most 86400 seconds/
    ],
    [
      "a window that is longer than so much",
      { name: "p", conditions: [{ field: "time_window", operator: "gt", value: 5 }] },
      /`lt` a number of seconds/
    ],
    [
      "a count of a text",
      {
        name: "p",
        conditions: [
          { field: "time_window", operator: "lt", value: 1 },
          { field: "count", operator: "gt", value: "3" }
        ]
      },
      /count is compared with a number/
    ],
    [
      "two windows",
      {
        name: "p",
        conditions: [
          { field: "time_window", operator: "lt", value: 1 },
          { field: "time_window", operator: "lt", value: 2 }
        ]
      },
      /stands here twice/
    ],
    [
      "types that are none",
      { name: "p", conditions: [{ field: "event_type", operator: "eq", value: "A b" }] },
      /^conditions\.0: no types of events/
    ],
    [
      "types in two places",
      { name: "p", from: ["a"], conditions: [{ field: "event_type", operator: "eq", value: "b" }] },
      /^from: .*not both/
    ],
    ["five keys", { name: "p", by: [["a"], ["b"], ["c"], ["d"], ["e"]], body: silence }, /^by/],
    [
      "a condition nested deeper than the stack",
      { name: "p", body: { _tag: "Where", condition: nested((of) => ({ _tag: "Not", of })) } },
      /^body\.condition: more than 64/
    ],
    [
      "a value nested deeper than the stack",
      {
        name: "p",
        body: silence,
        emit: { a: nested((left) => ({ _tag: "Arithmetic", operator: "+", left, right: left })) }
      },
      /^emit\.a: more than 64/
    ],
    [
      "a payload nested deeper than the stack",
      {
        name: "p",
        body: silence,
        actions: [{ _tag: "Tell", kind: "device", id: "d", message: "M", payload: nested((inner) => [inner]) }]
      },
      /^actions\.0\.payload: more than 16/
    ]
  ]
  for (const [what, json, sentence] of refusals) it(`refuses ${what}`, () => assert.match(refusal(json), sentence))
})
