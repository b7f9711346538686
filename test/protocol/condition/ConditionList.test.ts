import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import { ConditionList, treeOfList } from "../../../src/protocol/condition/ConditionList.ts"
import { format } from "../../../src/protocol/condition/Format.ts"

const decoded = Schema.decodeUnknownSync(ConditionList)
const textOf = (list: unknown) => Result.map(treeOfList(decoded(list)), format)

describe("a list of tests", () => {
  const written: ReadonlyArray<readonly [list: unknown, text: string]> = [
    [[], "true"],
    [[{ field: "temp", operator: "gt", value: 90 }], "temp > 90"],
    [
      [
        { field: "reported.temp", operator: "gte", value: 90.5 },
        { field: "`fan speed`", operator: "neq", value: 0 },
        { field: "on", operator: "eq", value: true }
      ],
      "reported.temp >= 90.5 and `fan speed` != 0 and on == true"
    ],
    [[{ field: "led", operator: "in", value: ["on", "blink"] }], 'led in ["on", "blink"]'],
    [[{ field: "temp", operator: "range", value: [20, 30] }], "temp in 20..30"],
    [[{ field: "temp", operator: "between", value: [20, 30] }], "temp in 20..30"],
    [[{ field: "zone", operator: "inside", value: "ops.line3" }], 'zone inside "ops.line3"'],
    [[{ field: "status", operator: "bit", value: 3 }], "status bit 3"],
    [[{ field: "temp", operator: "exists" }], "exists temp"],
    [[{ field: "temp", operator: "not_exists" }], "not exists temp"],
    [[{ field: "errors", operator: "has", value: "e1" }], 'errors has "e1"'],
    [[{ field: "name", operator: "contains", value: "ess" }], 'name contains "ess"'],
    [[{ field: "name", operator: "regex", value: "^p" }], 'name matches "^p"'],
    [[{ field: "name", operator: "glob", value: "p*" }], 'name glob "p*"'],
    [[{ field: "name", operator: "prefix", value: "p*" }], 'name glob "p\\\\**"'],
    [[{ field: "name", operator: "suffix", value: "?" }], 'name glob "*\\\\?"']
  ]
  for (const [list, text] of written)
    it(`${JSON.stringify(list)} is ${text}`, () => {
      assert.deepStrictEqual(textOf(list), Result.succeed(text))
    })

  const refused: ReadonlyArray<readonly [item: unknown, sentence: RegExp]> = [
    [{ field: "temp > 1 or x", operator: "exists" }, /this is no name of a field/],
    [{ field: "", operator: "exists" }, /this is no name of a field/],
    [{ field: "a", operator: "lt" }, /the value should be a number/],
    [{ field: "a", operator: "bit", value: 53 }, /the value should be the number of a bit, from 0 to 52/],
    [{ field: "a", operator: "bit", value: "3" }, /the value should be the number of a bit/],
    [{ field: "a", operator: "inside", value: 3 }, /the value should be a text/],
    [{ field: "a", operator: "lt", value: [1] }, /the value should be a number/],
    [{ field: "a", operator: "in", value: 1 }, /the value should be a list/],
    [{ field: "a", operator: "in", value: [] }, /the value should be a list/],
    [{ field: "a", operator: "range", value: [1] }, /the two ends/],
    [{ field: "a", operator: "glob", value: 1 }, /the value should be a text/],
    [{ field: "a", operator: "eq", value: "\u0000" }, /no twin could hold/],
    [{ field: "a", operator: "exists", value: 5 }, /takes no value/]
  ]
  for (const [item, sentence] of refused)
    it(`${JSON.stringify(item)} is refused`, () => {
      const result = textOf([item])
      assert.isTrue(Result.isFailure(result))
      if (Result.isFailure(result)) assert.match(result.failure, sentence)
    })

  it("takes no operator that it does not know, and no number that is not finite", () => {
    assert.throws(() => decoded([{ field: "a", operator: "like", value: "x" }]))
    assert.throws(() => decoded([{ field: "a", operator: "lt", value: Number.NaN }]))
  })
})
