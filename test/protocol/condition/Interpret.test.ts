import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { bindText } from "../../../src/protocol/condition/Bind.ts"
import { interpret } from "../../../src/protocol/condition/Interpret.ts"
import { twins } from "../../../src/protocol/condition/Source.ts"
import { compareTexts } from "../../../src/protocol/condition/Values.ts"

const holds = (text: string, reported: unknown): boolean =>
  interpret(Result.getOrThrow(bindText(text, twins)), { id: "press-1", zone: "ops.line3", reported })

describe("what holds", () => {
  const cases: ReadonlyArray<readonly [text: string, reported: unknown, holds: boolean]> = [
    ["reported.temp > 90 and cpu > 80%", { temp: 91, cpu: 0.81 }, true],
    ["reported.temp > 90 and cpu > 80%", { temp: 91, cpu: 0.8 }, false],
    ["id == 'press-1' and zone glob 'ops.*'", {}, true],
    // What is missing makes a test false, and its denial true.
    ["temp > 90", {}, false],
    ["not temp > 90", {}, true],
    ["temp <= 90", {}, false],
    ["temp != 90", {}, false],
    ["temp != 90", { temp: "hot" }, false],
    ["temp != 90", { temp: 91 }, true],
    ["temp == 90", { temp: Number.NaN }, false],
    ["temp != 90", { temp: Number.NaN }, false],
    ["temp > 90", { temp: Number.POSITIVE_INFINITY }, false],
    ["exists temp", { temp: Number.NaN }, false],
    ["exists temp", { temp: null }, true],
    ["exists temp", { temp: {} }, true],
    ["exists temp", {}, false],
    ["temp + 1 > 0", { temp: "1" }, false],
    ["temp / load > 1", { temp: 1, load: 0 }, false],
    ["not temp / load > 1", { temp: 1, load: 0 }, true],
    ["temp * temp > 1", { temp: 1e300 }, false],
    ["1 / (temp * temp) < 1", { temp: 1e300 }, false],
    ["temp == 0", { temp: -0 }, true],
    ["1 / temp < 1", { temp: -0 }, false],
    ["a == b", { a: true, b: true }, true],
    ["a != b", { a: true, b: false }, true],
    ["a < b", { a: false, b: true }, false],
    ["a == b", { a: "1", b: 1 }, false],
    ["a == b", { a: [1], b: [1] }, false],
    ["a in 1..5", { a: 1 }, true],
    ["a in 1..5", { a: 5 }, true],
    ["a in 1..5", { a: 5.1 }, false],
    ["a in 'b'..'d'", { a: "c" }, true],
    ["a in [1, 'x', true]", { a: true }, true],
    ["a in [1, 'x', true]", { a: "y" }, false],
    ["a in low..high", { a: 2, low: 1 }, false],
    ["errors has 'e1'", { errors: ["e0", "e1"] }, true],
    ["errors has 1", { errors: ["1"] }, false],
    ["errors has 'e1'", { errors: "e1" }, false],
    ["errors.len > 1 and errors.0 == 'e0'", { errors: ["e0", "e1"] }, true],
    ["errors.len > 1", { errors: { len: 2 } }, true],
    ["errors.length > 1", { errors: ["a", "b"] }, false],
    ["exists errors.`01`", { errors: ["a", "b"] }, false],
    ["exists errors.`-1`", { errors: ["a", "b"] }, false],
    ["exists constructor", {}, false],
    ["exists name.length", { name: "abc" }, false],
    ["name contains 'b'", { name: "abc" }, true],
    ["name contains ''", { name: "abc" }, true],
    ["name glob 'p*-?'", { name: "press-1" }, true],
    ["name glob 'p*-?'", { name: "press-12" }, false],
    ["name glob '?'", { name: "😀" }, true],
    ["name glob 'a\\\\*'", { name: "a*" }, true],
    ["name glob 'a\\\\*'", { name: "ab" }, false],
    ["name matches '[0-9]{2}'", { name: "x12y" }, true],
    ["name matches '^[0-9]{2}$'", { name: "x12y" }, false],
    ["name matches '^x|y$'", { name: "ay" }, true],
    ["name matches '(ab|c)+$'", { name: "xabcab" }, true],
    ["name matches '^\\\\d+(\\\\.\\\\d+)?$'", { name: "3.14" }, true],
    ["name matches 'a.b'", { name: "a\nb" }, true],
    ["name matches ''", { name: "" }, true]
  ]
  for (const [text, reported, expected] of cases)
    it(`${text}, of ${JSON.stringify(reported)}: ${expected}`, () => {
      assert.strictEqual(holds(text, reported), expected)
    })
})

describe("the order of texts", () => {
  it("is that of their code points, not of UTF-16", () => {
    const texts = ["", "A", "a", "aa", "ä", "\ud7ff", "\ue000", "\uffff", "\u{10000}", "😀", "\u{10ffff}"]
    for (const [one, left] of texts.entries())
      for (const [other, right] of texts.entries())
        assert.strictEqual(Math.sign(compareTexts(left, right)), Math.sign(one - other), `${left} ${right}`)
  })
})
