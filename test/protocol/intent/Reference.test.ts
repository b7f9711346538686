/** The page on intents says nothing that is not so. */
import { readFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import { capabilities } from "../../../src/protocol/intent/Capabilities.ts"
import { intentLine } from "../../../src/protocol/intent/Choose.ts"
import { unclearReasons } from "../../../src/protocol/intent/Intent.ts"
import { readIntent } from "../../../src/protocol/intent/ReadIntent.ts"
import { utteranceMax } from "../../../src/protocol/intent/Token.ts"
import { vocabulary } from "./Corpora.ts"

const page = readFileSync(new URL("../../../docs/reference/intents.md", import.meta.url), "utf8")
const rows = page
  .split("\n")
  .filter((line) => line.startsWith("| "))
  .map((line) => line.slice(2, -2).split(" | "))
const plain = (cell: string): string => cell.replaceAll("`", "")

describe("the page on intents", () => {
  const examples = rows.flatMap(([say = "", line = "", ...more]) =>
    more.length === 0 && /^`[a-z.]+@1/.test(line) ? [[say, plain(line)] as const] : []
  )
  it("has an example of each capability", () => {
    const shown = new Set(examples.map(([, line]) => line.split(" ")[0]))
    assert.deepStrictEqual(
      Object.keys(capabilities).filter((name) => !shown.has(name)),
      []
    )
  })
  for (const [say, line] of examples)
    it(say, () => {
      const result = readIntent(say, vocabulary)
      assert.strictEqual(result._tag === "Intent" ? intentLine(result) : result.question, line)
    })

  const questions = rows.filter(([reason = "", , when]) => /^`[a-z]+`$/.test(reason) && when !== undefined)
  it("has an example of each reason but those of the text itself", () => {
    assert.deepStrictEqual(
      questions.map(([reason = ""]) => plain(reason)).toSorted(),
      unclearReasons.filter((reason) => reason !== "empty" && reason !== "long").toSorted()
    )
    assert.isTrue(page.includes(`\`long\` for more than ${utteranceMax} characters`))
  })
  for (const [reason = "", say = ""] of questions)
    it(`${say}: ${plain(reason)}`, () => {
      const result = readIntent(say, vocabulary)
      assert.strictEqual(result._tag === "Unclear" ? result.reason : intentLine(result), plain(reason))
    })

  it("lists all capabilities with their rights", () => {
    const listed = rows.flatMap(([name = "", right = "", effect = ""]) =>
      /^`[a-z.]+@1`$/.test(name) ? [[plain(name), plain(right), effect]] : []
    )
    assert.deepStrictEqual(
      listed,
      Object.entries(capabilities).map(([name, { effect, right }]) => [name, right, effect])
    )
  })
})
