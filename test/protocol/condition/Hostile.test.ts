import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import { bindParsed } from "../../../src/protocol/condition/Bind.ts"
import { ConditionInvalid } from "../../../src/protocol/condition/ConditionInvalid.ts"
import { format } from "../../../src/protocol/condition/Format.ts"
import { interpret } from "../../../src/protocol/condition/Interpret.ts"
import { parse } from "../../../src/protocol/condition/Parse.ts"
import { twins } from "../../../src/protocol/condition/Source.ts"
import { Conditions } from "../../support/Conditions.ts"
import { randomFrom } from "../../support/Random.ts"

const pieces = [
  "a",
  "b.c",
  "reported",
  "$p",
  "1",
  "2.5",
  "1e3",
  "80%",
  "5ms",
  '"x"',
  "'y'",
  "`z`",
  "and",
  "or",
  "not",
  "in",
  "exists",
  "glob",
  "matches",
  "contains",
  "has",
  "inside",
  "bit",
  "true",
  "false",
  "(",
  ")",
  "[",
  "]",
  ",",
  "..",
  "<",
  "<=",
  "==",
  "=",
  "!=",
  ">",
  ">=",
  "+",
  "-",
  "*",
  "/",
  "null",
  ".",
  "!",
  "&&",
  '"',
  "`",
  "\\",
  "\u0000",
  "\ud800",
  "😀",
  "\n",
  "°",
  "µ"
]

describe("whatever somebody writes", () => {
  it("is read or refused with a place in the text, and never breaks the reader, the checker or the interpreter", () => {
    const random = randomFrom(42)
    const source = new Conditions(42)
    let read = 0
    for (let count = 0; count < 30_000; count++) {
      const words = Array.from(
        { length: 1 + Math.floor(random() * 12) },
        () => pieces[Math.floor(random() * pieces.length)] ?? ""
      )
      const text = words.join(random() < 0.7 ? " " : "")
      const parsed = parse(text)
      if (Result.isFailure(parsed)) {
        const [problem] = parsed.failure.problems
        assert.isTrue(problem.at >= 0 && problem.at <= text.length, text)
        assert.isTrue(problem.column >= 1 && problem.sentence.length > 10, text)
        continue
      }
      read++
      const again = parse(format(parsed.success.tree))
      assert.deepStrictEqual(Result.getOrThrow(again).tree, parsed.success.tree)
      const bound = bindParsed(parsed.success, twins, { p: 5 })
      if (Result.isSuccess(bound)) interpret(bound.success, source.document())
    }
    assert.isAbove(read, 100)
  })

  it("is refused near where a sound condition was damaged", () => {
    const random = randomFrom(43)
    const source = new Conditions(43)
    for (let count = 0; count < 3000; count++) {
      const text = format(source.tree())
      const at = Math.floor(random() * text.length)
      const damaged =
        text.slice(0, at) +
        (random() < 0.5 ? "" : (pieces[Math.floor(random() * pieces.length)] ?? "")) +
        text.slice(at + 1)
      const parsed = parse(damaged)
      if (Result.isFailure(parsed)) assert.isAtMost(parsed.failure.problems[0].at, damaged.length)
    }
  })
})

describe("random conditions", () => {
  it("that nest deeply are read as they were written", () => {
    const source = new Conditions(44)
    for (let count = 0; count < 3000; count++) {
      const tree = source.tree(8)
      assert.deepStrictEqual(Result.getOrThrow(parse(format(tree))).tree, tree)
    }
  })

  it("say what is wrong with them in errors that travel as JSON", () => {
    const parsed = parse("a >")
    assert.isTrue(Result.isFailure(parsed))
    if (Result.isSuccess(parsed)) return
    const codec = Schema.toCodecJson(ConditionInvalid)
    const json: unknown = JSON.parse(JSON.stringify(Schema.encodeSync(codec)(parsed.failure)))
    const received = Schema.decodeUnknownSync(codec)(json)
    assert.deepStrictEqual(received.problems, parsed.failure.problems)
    assert.strictEqual(received.message, parsed.failure.message)
  })
})
