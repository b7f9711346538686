/** Reading has bounds: no text makes it fail or take long. */
import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { readIntent } from "../../../src/protocol/intent/ReadIntent.ts"
import { normalised, tokensOf, utteranceMax } from "../../../src/protocol/intent/Token.ts"
import { vocabularyOf } from "../../../src/protocol/intent/Vocabulary.ts"
import { corpusLines, expectedIn, fleet, vocabulary } from "./Corpora.ts"

const words = [
  ...new Set(
    [...expectedIn("fleet.txt").map(({ say }) => say), ...corpusLines("traps.txt")].flatMap((say) => say.split(" "))
  )
]
const Words = Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: words.length - 1 }))).check(
  Schema.isMaxLength(80)
)

/** The best of a few runs, ms: what else the machine does only adds. */
const best = (run: () => void): number => {
  let least = Number.POSITIVE_INFINITY
  for (let round = 0; round < 5; round++) {
    const start = performance.now()
    run()
    least = Math.min(least, performance.now() - start)
  }
  return least
}
const filled = (piece: string, length: number): string =>
  piece.repeat(Math.ceil(length / piece.length)).slice(0, length)

const hostile = [
  ...[
    "turn off heater-1 and ",
    "please ",
    "heater-1, ",
    "in line 2 ",
    "line 2 of ",
    "the ",
    "all ",
    "a-",
    "one hundred and "
  ],
  ...[
    "' ",
    '" ',
    "\u{1f525}",
    "**",
    "1.",
    "-",
    "all but ",
    "heaters 1 to 4 and ",
    "set the target of oven-1 to 65 degrees "
  ],
  ...[
    "spawn vsm a with budget spawn=1 and ",
    "roll out blink 1.2 to line 3 in waves of 2 ",
    "turn off the heaters of hall and "
  ]
]

describe("reading", () => {
  it.prop("ends with an answer for any words in any order", { picked: Words }, ({ picked }) => {
    const text = picked
      .map((index) => words[index] ?? "")
      .join(" ")
      .slice(0, utteranceMax)
    const result = readIntent(text, vocabulary)
    assert.isTrue(result._tag === "Intent" || result.question.length > 0)
  })

  it.prop("ends with an answer for any text", { text: Schema.String }, ({ text }) => {
    const result = readIntent(text, vocabulary)
    assert.isTrue(result._tag === "Unclear" || result.confidence >= 0.6)
  })

  it("takes some milliseconds for the worst texts of 500 characters", () => {
    const slowest = hostile
      .map((piece) => ({ piece, millis: best(() => readIntent(filled(piece, utteranceMax), vocabulary)) }))
      .reduce((worst, each) => (each.millis > worst.millis ? each : worst))
    console.log(`slowest: ${slowest.millis.toFixed(1)} ms for ${JSON.stringify(slowest.piece)}`)
    assert.isBelow(slowest.millis, 100)
  })

  it("does not take four times as long for a text that is twice as long", () => {
    for (const piece of ["heater-1, ", "the ", "line 2 of ", "turn off heater-1 and "]) {
      // A machine that others use slows either of the two: what counts is the pair that was disturbed least.
      const growth = Array.from({ length: 7 }, () => {
        const half = best(() => readIntent(filled(piece, 250), vocabulary))
        const whole = best(() => readIntent(filled(piece, 500), vocabulary))
        return (whole - 2) / half
      })
      assert.isBelow(Math.min(...growth), 4, `${piece}: ${growth.join(", ")}`)
    }
  })

  it("is as fast in a fleet of 50,000 devices, but for choosing among them", () => {
    const many = vocabularyOf({
      ...fleet,
      devices: Array.from({ length: 50_000 }, (_, index) => ({
        id: `heater-${index}`,
        profile: "sim-heater",
        zone: `hall.line-${index % 10}`,
        state: "online" as const
      }))
    })
    const millis = best(() => readIntent("turn off the heaters of line 2 except heater-12", many))
    const missed = best(() => readIntent("turn off hetaer-77777", many))
    console.log(`50,000 devices: ${millis.toFixed(1)} ms, a name that is not known ${missed.toFixed(1)} ms`)
    assert.isBelow(millis, 250)
    assert.isBelow(missed, 250)
  })

  it("refuses a text that is too long without reading it", () => {
    const result = readIntent("x".repeat(10_000_000), vocabulary)
    assert.isTrue(result._tag === "Unclear" && result.reason === "long")
  })
})

describe("normalised", () => {
  it("keeps the case of units, which decides what they are", () =>
    assert.notStrictEqual(normalised(tokensOf("set x to 5 mW")), normalised(tokensOf("set x to 5 MW"))))
  it("does not mind blanks and case", () =>
    assert.strictEqual(normalised(tokensOf("Turn off  Heater-1")), normalised(tokensOf("turn OFF heater-1"))))
})
