/** The page on conditions says nothing that is not so. */
import { readFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Result, Schema } from "effect"
import { documentPredicate } from "../../../src/events/condition/Closure.ts"
import { compileWasm } from "../../../src/events/condition/Wasm.ts"
import { bindText } from "../../../src/protocol/condition/Bind.ts"
import { Condition, depthMax, itemsMax, nodesMax, textBytesMax } from "../../../src/protocol/condition/Condition.ts"
import { ConditionInvalid, ProblemReason } from "../../../src/protocol/condition/ConditionInvalid.ts"
import { ConditionItem, ConditionList, treeOfList } from "../../../src/protocol/condition/ConditionList.ts"
import { format } from "../../../src/protocol/condition/Format.ts"
import { encodeInput } from "../../../src/protocol/condition/InputTable.ts"
import { interpret } from "../../../src/protocol/condition/Interpret.ts"
import { parse } from "../../../src/protocol/condition/Parse.ts"
import { events, requests, twins, withFields } from "../../../src/protocol/condition/Source.ts"
import { charactersMax } from "../../../src/protocol/condition/Token.ts"
import { unitNames } from "../../../src/protocol/condition/Units.ts"

const page = readFileSync(new URL("../../../docs/reference/conditions.md", import.meta.url), "utf8")

/** The blocks of a kind: what follows the kind in the first line, and the text. */
const blocks = (kind: string): ReadonlyArray<readonly [label: string, text: string]> =>
  [...page.matchAll(new RegExp(`^\`\`\`${kind}(?: (.*))?\\n([\\s\\S]*?)^\`\`\`$`, "gm"))].map(
    ([, label = "", text = ""]) => [label, text]
  )
const block = (kind: string, label: string): string => {
  const found = blocks(kind).find(([name]) => name === label)?.[1]
  if (found === undefined) throw new Error(`the page has no block ${kind} ${label}`)
  return found
}

const rows = [...page.matchAll(/^\| (`{1,2}) ?(.+?) ?\1 \| `(\{.*\})` \| (yes|no) \|$/gm)]

describe("the examples of the page", () => {
  it("are as many as it shows", () => {
    assert.strictEqual(rows.length, page.split("\n").filter((line) => /\| (?:yes|no) \|$/.test(line)).length)
    assert.isAbove(rows.length, 20)
  })
  for (const [, , text = "", json = "", answer] of rows)
    it(`${text}, of ${json}: ${answer}`, () => {
      const document = { id: "press-1", reported: JSON.parse(json) }
      const bound = Result.getOrThrow(bindText(text, twins))
      assert.strictEqual(interpret(bound, document), answer === "yes")
      assert.strictEqual(documentPredicate(bound)(document), answer === "yes")
    })
})

describe("the errors of the page", () => {
  const Fields = Schema.fromJsonString(
    Schema.Record(
      Schema.String,
      Schema.Struct({
        type: Schema.Literals(["number", "text", "boolean", "list"]),
        unit: Schema.optionalKey(Schema.String),
        values: Schema.optionalKey(Schema.Array(Schema.String))
      })
    )
  )
  const source = withFields(twins, Schema.decodeSync(Fields)(block("json", "fields")))
  const errors = blocks("error")
  it("are there", () => assert.isAbove(errors.length, 7))
  for (const [reason, text] of errors) {
    const [condition = "", ...message] = text.trimEnd().split("\n")
    it(`${condition}: ${reason}`, () => {
      const result = bindText(condition, source)
      assert.isTrue(Result.isFailure(result))
      if (Result.isSuccess(result)) return
      assert.instanceOf(result.failure, ConditionInvalid)
      assert.strictEqual(result.failure.problems[0].reason, reason)
      assert.strictEqual(result.failure.message, message.join("\n"))
    })
  }
  it("have reasons that the page explains", () => {
    for (const reason of ProblemReason.literals) assert.include(page, `\`${reason}\``)
  })
})

describe("the page", () => {
  it("shows the tree of its example", () => {
    const tree = Schema.decodeUnknownSync(Schema.fromJsonString(Condition))(block("json", "tree"))
    assert.deepStrictEqual(tree, Result.getOrThrow(parse("reported.temp > 90 and cpu > 80%")).tree)
  })

  it("shows a list that means what it says", () => {
    const list = Schema.decodeUnknownSync(Schema.fromJsonString(ConditionList))(block("json", "list"))
    const text = format(Result.getOrThrow(treeOfList(list)))
    assert.include(page, `It is \`${text}\`.`)
    for (const operator of ConditionItem.fields.operator.literals) assert.include(page, `\`${operator}\``)
  })

  it("names every unit, and the limits as they are", () => {
    for (const unit of unitNames) assert.include(page, `\`${unit}\``)
    for (const limit of [charactersMax, nodesMax, depthMax, itemsMax, textBytesMax])
      assert.include(page, limit.toLocaleString("en"))
  })

  it("names what stands beside the bare names of each source", () => {
    for (const { root, fields } of [twins, events, requests]) {
      const line = page.split("\n").find((each) => each.includes(`| \`${root}\` |`)) ?? ""
      for (const [path, { values = [] }] of fields)
        for (const name of [path, ...values])
          if (name !== root) assert.isTrue(line.includes(`\`${name}\``) || line.includes(`\`${name}.…\``), name)
    }
  })

  it.effect("shows the table and the module that are made of its example", () =>
    Effect.gen(function* () {
      const bound = Result.getOrThrow(bindText("reported.temp > 90 and cpu > 0.8", twins))
      const { module, fields } = yield* compileWasm(bound)
      const table = encodeInput(fields, { reported: { temp: 91.5, cpu: 0.9 } }).bytes
      const shown = (label: string) => block("hex", label).replace(/\s/g, "")
      assert.strictEqual(Buffer.from(table).toString("hex"), shown("table"))
      assert.strictEqual(Buffer.from(module).toString("hex"), shown("module"))
      assert.include(page, `takes ${module.length} bytes`)
    })
  )
})
