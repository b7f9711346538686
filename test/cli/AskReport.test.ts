import { assert, describe, it } from "@effect/vitest"
import { type Acts, answerOf, type Came, chunkLine, planOf, questionOf, summaryOf } from "../../src/cli/AskReport.ts"

const step = (unit: string) => ({ unit, kind: "device", id: unit, message: "M", payload: {}, end: "reply" as const })
const acts: Acts = {
  _tag: "Acts",
  title: "turn off 3 heaters",
  noun: "3 heaters",
  done: "off",
  steps: ["heater-1", "heater-2", "heater-3"].map(step),
  spared: [],
  excepted: ["press-3"]
}
const came = (unit: string, more: Partial<Came> = {}): Came => ({ unit, outcome: "done", ...more })
const notFound = { _tag: "NotFound", what: "device heater-3" } as const

describe("the report of an order", () => {
  it("says what would be done to whom, what is left alone, and what was concluded", () => {
    assert.strictEqual(
      planOf(acts, ["it is about on"]),
      "turn off 3 heaters: heater-1, heater-2, heater-3; press-3 left alone\nunderstood: it is about on"
    )
    const one = { ...acts, title: "turn off heater-1", steps: [step("heater-1")], excepted: [] }
    assert.strictEqual(planOf(one, []), "turn off heater-1")
    const many = { ...acts, steps: Array.from({ length: 40 }, (_, at) => step(`h-${at}`)), excepted: [] }
    assert.match(planOf(many, []), /h-11 and 28 more$/)
  })

  it("counts those that have done it, and names the others by what became of them", () => {
    const ends = [
      came("heater-1"),
      came("heater-2", { outcome: "later", note: "it is silent" }),
      came("heater-3", { outcome: "failed", refusal: notFound })
    ]
    assert.strictEqual(
      summaryOf(acts, ends),
      "1 of 3 heaters off; 1 when its board comes back; 1 failed; press-3 left alone"
    )
    assert.deepStrictEqual(
      ends.map((end) => chunkLine(end, acts.done)),
      ["heater-1  off", "heater-2  later: it is silent", "heater-3  failed: there is no device heater-3"]
    )
  })

  it("says of one unit all in one line, with what it answered or why it failed", () => {
    const one = { ...acts, noun: "1 heater", done: "answered ping", steps: [step("heater-1")], excepted: [] }
    assert.strictEqual(summaryOf(one, [came("heater-1", { value: "pong" })]), "heater-1 answered ping: pong")
    const failed = came("heater-1", { outcome: "failed", refusal: notFound })
    assert.strictEqual(summaryOf(one, [failed]), "heater-1 failed: there is no device heater-3")
  })

  it("gives each reason of what is spared once", () => {
    const spared = ["heater-8", "heater-9"].map((unit) => ({ unit, refusal: notFound }))
    const other = { unit: "heater-7", refusal: { _tag: "Malformed", path: "", reason: "it is too hot" } as const }
    assert.strictEqual(
      planOf({ ...acts, excepted: [], spared: [...spared, other] }, []),
      "turn off 3 heaters: heater-1, heater-2, heater-3; not heater-8, heater-9: there is no device heater-3; not heater-7: it is too hot"
    )
  })
})

describe("a question back", () => {
  const unclear = { _tag: "Unclear", reason: "unknown", missing: [], readings: [], choices: [] } as const
  it("names what may have been meant where it does not say so itself", () => {
    const suggestions = ["1.0", "1.1"]
    assert.strictEqual(questionOf({ ...unclear, question: "Which one?", suggestions }), "Which one? (1.0, 1.1)")
    assert.strictEqual(questionOf({ ...unclear, question: "1.0 or 1.1?", suggestions }), "1.0 or 1.1?")
  })
})

describe("an answer", () => {
  it("is a sentence, and a table of all there is where that is more than one thing", () => {
    const rows = [
      { device: "a", temp: 20 },
      { device: "b", temp: 3.5, state: "silent" }
    ]
    const sentence = "temp of 2 heaters: 3.5 to 20 °C"
    const alone = { rows: rows.slice(0, 1) }
    const named = "temp of a is 20 °C"
    assert.strictEqual(answerOf({ _tag: "Answer", sentence: named, data: alone }), named)
    assert.strictEqual(answerOf({ _tag: "Answer", sentence: named, data: { rows: [] } }), named)
    assert.strictEqual(
      answerOf({ _tag: "Answer", sentence: "1 device: 1 offline", data: alone }),
      "1 device: 1 offline\nDEVICE  TEMP\na         20"
    )
    assert.strictEqual(
      answerOf({ _tag: "Answer", sentence, data: { rows, left: 7 } }),
      `${sentence}\nDEVICE  TEMP  STATE\na         20\nb        3.5  silent\nand 7 more`
    )
  })
})
