import { readFileSync } from "node:fs"
import { stripTypeScriptTypes } from "node:module"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { compileWasm } from "../../../src/events/condition/Wasm.ts"
import { interpret } from "../../../src/protocol/condition/Interpret.ts"
import { posted } from "../../support/Chromium.ts"
import { conditionSeed, drawnConditions } from "../../support/DrawnConditions.ts"

/** Compiling takes most of the time. */
const conditionCount = 400
const documentCount = 100

const Answers = Schema.fromJsonString(
  Schema.Struct({ agent: Schema.String, failure: Schema.String, answers: Schema.Array(Schema.String) })
)

/** Stands before the name of a number that JSON does not know; no text of a twin begins with it. */
const mark = "\u0000"
const asJson = (value: unknown): string =>
  JSON.stringify(value, (_, each: unknown) =>
    typeof each === "number" && !Number.isFinite(each) ? `${mark}${each}` : each
  )

/** A host of the modules by the page on conditions alone; what fills the table is ours, without its types. */
const page = `<!doctype html>
<title>conditions</title>
<script type="module">
  const tell = (body) => fetch("/", { method: "POST", body: JSON.stringify({ agent: navigator.userAgent, ...body }) })
  try {
    const { encodeInput } = await import("/InputTable.ts")
    const revived = (_, value) =>
      typeof value === "string" && value.startsWith("\\u0000") ? Number(value.slice(1)) : value
    const { conditions, documents } = JSON.parse(await (await fetch("/conditions.json")).text(), revived)
    const answers = []
    for (const { module, fields, inputAt } of conditions) {
      const bytes = Uint8Array.from(atob(module), (character) => character.charCodeAt(0))
      const { instance } = await WebAssembly.instantiate(bytes)
      const { memory, eval: evaluate } = instance.exports
      let answer = ""
      for (const document of documents) {
        const { bytes, tableBytes } = encodeInput(fields, document)
        const missing = inputAt + bytes.length - memory.buffer.byteLength
        if (missing > 0) memory.grow(Math.ceil(missing / 65536))
        new Uint8Array(memory.buffer).set(bytes, inputAt)
        answer += evaluate(inputAt, tableBytes)
      }
      answers.push(answer)
    }
    await tell({ failure: "", answers })
  } catch (cause) {
    await tell({ failure: String(cause), answers: [] })
  }
</script>`

const script = (name: string) => {
  const path = new URL(`../../../src/protocol/condition/${name}`, import.meta.url)
  return { type: "text/javascript", text: stripTypeScriptTypes(readFileSync(path, "utf8")) }
}

describe("in a browser", () => {
  it.effect(
    "the modules of random conditions say what the interpreter says",
    () =>
      Effect.gen(function* () {
        const { cases, documents } = drawnConditions(conditionSeed, conditionCount, documentCount)
        const conditions = yield* Effect.forEach(cases, ({ bound }) =>
          Effect.map(compileWasm(bound), ({ module, fields, inputAt }) => {
            return { module: Buffer.from(module).toString("base64"), fields, inputAt }
          })
        )
        const body = yield* posted({
          "/": { type: "text/html; charset=utf-8", text: page },
          "/InputTable.ts": script("InputTable.ts"),
          "/Values.ts": script("Values.ts"),
          "/conditions.json": { type: "application/json", text: asJson({ conditions, documents }) }
        })
        const { agent, failure, answers } = yield* Schema.decodeUnknownEffect(Answers)(body)
        assert.strictEqual(failure, "")
        assert.include(agent, "Chrome/")
        assert.strictEqual(answers.length, conditionCount)
        for (const [at, { text, bound }] of cases.entries()) {
          const expected = documents.map((document) => (interpret(bound, document) ? "1" : "0")).join("")
          assert.strictEqual(answers[at], expected, `seed ${conditionSeed}: ${text}`)
        }
      }),
    120_000
  )
})
