import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import {
  Condition,
  ConditionTree,
  depthMax,
  nodesMax,
  type ConditionTree as Tree
} from "../../../src/protocol/condition/Condition.ts"
import type { ConditionInvalid } from "../../../src/protocol/condition/ConditionInvalid.ts"
import { format } from "../../../src/protocol/condition/Format.ts"
import { parse } from "../../../src/protocol/condition/Parse.ts"
import { charactersMax } from "../../../src/protocol/condition/Token.ts"

const tree = (text: string): Tree => {
  const parsed = parse(text)
  if (Result.isFailure(parsed)) throw parsed.failure
  return parsed.success.tree
}
const refusal = (text: string): ConditionInvalid => {
  const parsed = parse(text)
  if (Result.isFailure(parsed)) return parsed.failure
  throw new Error(`${text} was read`)
}
const problem = (text: string) => refusal(text).problems[0]

describe("parse", () => {
  it("reads the example of the design", () => {
    assert.deepStrictEqual(tree("reported.temp > 90 and cpu > 80%"), {
      _tag: "All",
      of: [
        {
          _tag: "Compare",
          operator: ">",
          left: { _tag: "Field", path: ["reported", "temp"] },
          right: { _tag: "Number", value: 90 }
        },
        {
          _tag: "Compare",
          operator: ">",
          left: { _tag: "Field", path: ["cpu"] },
          right: { _tag: "Number", value: 80, unit: "%" }
        }
      ]
    })
  })

  const spellings: ReadonlyArray<readonly [string, string]> = [
    ["a = 1", "a == 1"],
    ["a==1or b<2and c>=3", "a == 1 or (b < 2 and c >= 3)"],
    ["not a == 1 and b == 2", "not a == 1 and b == 2"],
    ["not (a == 1 and b == 2)", "not (a == 1 and b == 2)"],
    ["((a == 1))", "a == 1"],
    ["(a == 1 and b == 2) and c == 3", "(a == 1 and b == 2) and c == 3"],
    ["a + 1 * 2 - 3 > -b", "a + 1 * 2 - 3 > 0 - b"],
    ["a - (b - c) > (a + b) * c", "a - (b - c) > (a + b) * c"],
    ["x in 1..5", "x in 1..5"],
    ["x in a.low..a.high", "x in a.low..a.high"],
    ["x in $low..$high", "x in $low..$high"],
    ["x in $list", "x in $list"],
    ["state in [\"online\", 'silent']", 'state in ["online", "silent"]'],
    ["exists reported.temp", "exists reported.temp"],
    ['name glob "press-*"', 'name glob "press-*"'],
    ['name matches "^press-[0-9]+$"', 'name matches "^press-[0-9]+$"'],
    ['name contains "ress"', 'name contains "ress"'],
    ["scope has 3", "scope has 3"],
    ["took > 500ms and temp < 60 °C and load > 80 %", "took > 500ms and temp < 60°C and load > 80%"],
    ["`fan speed`.`in`.0 > 1", "`fan speed`.in.0 > 1"],
    ["`in` > 1", "`in` > 1"],
    ["reported.list.len > 1e3", "reported.list.len > 1000"],
    ["a > .5", "a > 0.5"],
    ["a == -0", "a == 0"],
    ["true and not false", "true and not false"],
    ["on == true", "on == true"],
    ['"a" == b', '"a" == b'],
    ['a == "\\u{1f600}\\n\\"\\\\"', 'a == "😀\\n\\"\\\\"'],
    ["a\n  > 1\n\tand b > 2", "a > 1 and b > 2"]
  ]
  for (const [text, formatted] of spellings)
    it(`reads ${JSON.stringify(text)}, which is written ${JSON.stringify(formatted)}`, () => {
      assert.strictEqual(format(tree(text)), formatted)
      assert.deepStrictEqual(tree(formatted), tree(text))
    })

  it.prop(
    "reads every tree that was written as the same tree",
    { condition: ConditionTree },
    ({ condition }) => {
      assert.deepStrictEqual(tree(format(condition)), condition)
    },
    { arbitrary: { runs: 1000 } }
  )

  it("keeps the place of each node", () => {
    const parsed = parse("a > 1 and  b.c in [2, 3]")
    assert.isTrue(Result.isSuccess(parsed))
    if (Result.isFailure(parsed) || parsed.success.tree._tag !== "All") return
    const { text, spans, tree } = parsed.success
    const written = tree.of.map((node) => text.slice(spans.get(node)?.start, spans.get(node)?.end))
    assert.deepStrictEqual(written, ["a > 1", "b.c in [2, 3]"])
  })
})

describe("a condition that cannot be read", () => {
  const refusals: ReadonlyArray<readonly [text: string, column: number, sentence: RegExp]> = [
    ["", 1, /^there is no condition; write one such as/],
    ["a >", 4, /^a value should follow/],
    ["a > > 1", 5, /^a value should stand here, not `>`/],
    ["a > 1 adn b > 2", 7, /an operator should stand here, not `adn`; did you mean and\?/],
    ["a > 1 AND b > 2", 7, /did you mean and/],
    ['a gloob "x"', 3, /did you mean glob\?/],
    ["a > 1 && b > 2", 7, /^there is no operator &&; did you mean and\?/],
    ["a <> 1", 3, /did you mean !=\?/],
    ["a ≥ 1", 3, /did you mean >=\?/],
    ["!a", 1, /did you mean not\?/],
    ["a === 1", 3, /there is no operator ===; did you mean ==\?/],
    ["1 < a < 3", 7, /^comparisons do not chain/],
    ["(a > 1", 7, /^`\)` is missing; it was opened at line 1, column 1/],
    ["a > 1)", 6, /^nothing was opened that this `\)` could close/],
    ["a in [1, 2", 11, /^`\]` is missing/],
    ["a in 5", 6, /^a list like \[1, 2\], a range like 1\.\.5 or a parameter should follow `in`/],
    ["a in []", 7, /^a value should stand here, not `\]`/],
    ["a", 1, /^a condition should stand here, not a value; compare it, as in `a == true`/],
    ["a + 1", 1, /compare it/],
    ["a > 1 and b", 11, /as in `b == true`/],
    ["(a > 1) > 2", 1, /^a value should stand here, not a condition/],
    ["(a > 1) + 2 > 3", 1, /^a value should stand here, not a condition/],
    ["a > (b > 1)", 5, /^a value should stand here, not a condition/],
    ["a not in [1]", 3, /^`not` stands before what it denies/],
    ["a == null", 6, /^there is no null here/],
    ["a == NaN", 6, /a number that is none is missing/],
    ["a > 1e999", 5, /^no number may be as large/],
    ['a == "x', 6, /is never closed/],
    ['a == "\\q"', 7, /^there is no escape \\q/],
    ['a == "\\u0000"', 6, /no NUL/],
    ['a == "\\ud800"', 6, /half of a surrogate pair/],
    ["a == $", 6, /the name of a parameter should follow the \$/],
    ["a. > 1", 3, /the name of a field should follow the dot/],
    ["a.`` > 1", 1, /^no field can be named ""/],
    ["__proto__.x > 1", 1, /^no field can be named/],
    ["in > 1", 1, /`in` is a word of the language.*written `\\`in\\``|`in` is a word of the language/],
    ["name glob other", 11, /^a pattern in quotes, or a parameter, should follow `glob`/],
    ["exists 5", 8, /^the name of a field should follow `exists`/],
    ["a # b", 3, /^"#" has no meaning here/],
    ["a > 1 b", 7, /^an operator should stand here, not `b`/],
    ["a > 5 6", 7, /^an operator should stand here, not `6`/]
  ]
  for (const [text, column, sentence] of refusals)
    it(`${JSON.stringify(text)}: at column ${column}`, () => {
      const found = problem(text)
      assert.strictEqual(found.column, column)
      assert.match(found.sentence, sentence)
    })

  it("shows the line with a caret under the character", () => {
    const { line, column, excerpt } = problem("temp > 1 and\n  fan > > 3\nor x")
    assert.deepStrictEqual([line, column], [2, 9])
    assert.strictEqual(excerpt, "    fan > > 3\n          ^")
  })

  it("puts the caret under the character behind wide ones and in a long line", () => {
    const text = `${'"😀" == a and '.repeat(20)}b > > 1`
    const [shown = "", caret = ""] = problem(text).excerpt.split("\n")
    assert.strictEqual([...shown][caret.indexOf("^")], ">")
    assert.isBelow([...shown].length, 140)
  })

  it("says line, column, sentence and excerpt in its message", () => {
    assert.strictEqual(
      refusal("a >").message,
      "line 1, column 4: a value should follow: a field, a number, a text, true or false\n  a >\n     ^"
    )
  })
})

describe("what is too large", () => {
  const reasonOf = (text: string) => problem(text).reason

  it("refuses ten thousand parentheses", () => {
    assert.strictEqual(reasonOf(`${"(".repeat(10_000)}a > 1${")".repeat(10_000)}`), "TooLarge")
    assert.strictEqual(reasonOf("(".repeat(10_000)), "TooLarge")
  })
  it("refuses a chain of ten thousand nots, minuses or sums", () => {
    assert.strictEqual(reasonOf(`${"not ".repeat(10_000)}a > 1`), "TooLarge")
    assert.strictEqual(reasonOf(`a > ${"-".repeat(10_000)}1`), "TooLarge")
    assert.strictEqual(reasonOf(`a > 1${" + a".repeat(10_000)}`), "TooLarge")
  })
  it("refuses a megabyte, whatever it says", () => {
    assert.strictEqual(reasonOf("a".repeat(1_000_000)), "TooLarge")
    assert.strictEqual(reasonOf(`a > 1${" or a > 1".repeat(120_000)}`), "TooLarge")
    assert.strictEqual(reasonOf(`a == "${"x".repeat(1_000_000)}"`), "TooLarge")
  })
  it("refuses more operators and terms than a condition may have", () => {
    assert.strictEqual(reasonOf(`a > 1${" or a > 1".repeat(nodesMax / 3)}`), "TooLarge")
    assert.strictEqual(reasonOf(`a in [${"1,".repeat(1024)}1]`), "TooLarge")
  })
  it("takes what is just within the bounds", () => {
    assert.strictEqual(tree(`${"(".repeat(depthMax)}a > 1${")".repeat(depthMax)}`)._tag, "Compare")
    assert.strictEqual(tree(`a == 1${" ".repeat(charactersMax - 6)}`)._tag, "Compare")
  })
})

describe("a condition as JSON", () => {
  const decode = Schema.decodeUnknownResult(Condition)

  it("comes back as the same tree", () => {
    const condition = tree('not (a.b + 1 > $x or name in ["p", "q"]) and exists `odd name` and t in 1..2')
    const json: unknown = JSON.parse(JSON.stringify(condition))
    assert.deepStrictEqual(Result.getOrThrow(decode(json)), condition)
  })
  it("is refused when it is nested deeper than the stack", () => {
    let nested: object = { _tag: "Always", value: true }
    for (let level = 0; level < 100_000; level++) nested = { _tag: "Not", of: nested }
    assert.isTrue(Result.isFailure(decode(nested)))
    let list: Array<unknown> = []
    for (let level = 0; level < 100_000; level++) list = [list]
    assert.isTrue(Result.isFailure(decode({ _tag: "All", of: list })))
  })
  it("is refused when it has too many nodes", () => {
    const of = Array.from({ length: nodesMax }, () => ({ _tag: "Always", value: true }))
    assert.isTrue(Result.isFailure(decode({ _tag: "All", of })))
  })
  it("is refused with a number that is not finite, an unknown operator, a path of none or a text that no twin could hold", () => {
    const field = { _tag: "Field", path: ["a"] }
    const compare = (right: unknown, operator = "==", left: unknown = field) => ({
      _tag: "Compare",
      operator,
      left,
      right
    })
    assert.isTrue(Result.isSuccess(decode(compare({ _tag: "Number", value: 1 }))))
    for (const wrong of [
      compare({ _tag: "Number", value: Number.NaN }),
      compare({ _tag: "Number", value: Number.POSITIVE_INFINITY }),
      compare({ _tag: "Number", value: 1 }, "; drop table"),
      compare({ _tag: "Number", value: 1 }, "==", { _tag: "Field", path: [] }),
      compare({ _tag: "Number", value: 1 }, "==", { _tag: "Field", path: ["__proto__"] }),
      compare({ _tag: "Text", value: "\u0000" }),
      compare({ _tag: "Text", value: "\ud800" }),
      compare({ _tag: "Code", value: "1" }),
      { _tag: "All", of: [{ _tag: "Always", value: true }] }
    ])
      assert.isTrue(Result.isFailure(decode(wrong)), JSON.stringify(wrong))
  })
})

describe("words that are operators only where one can stand", () => {
  it("are names of fields everywhere else", () => {
    const tree = Result.getOrThrow(parse("bit bit 3 and inside inside 'a' and bit.inside > 1")).tree
    assert.strictEqual(format(tree), 'bit bit 3 and inside inside "a" and bit.inside > 1')
    assert.deepStrictEqual(Result.getOrThrow(parse(format(tree))).tree, tree)
  })

  it("need what belongs behind them", () => {
    for (const text of ["a bit", "a bit b", "a bit 1.5", "a bit 53", "a bit -1", "a bit 5ms", "a inside", "a inside 5"])
      assert.strictEqual(problem(text).reason, "Syntax", text)
  })
})
