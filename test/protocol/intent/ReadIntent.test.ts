import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { chosen, intentLine } from "../../../src/protocol/intent/Choose.ts"
import { Intent, Unclear } from "../../../src/protocol/intent/Intent.ts"
import { readIntent } from "../../../src/protocol/intent/ReadIntent.ts"
import { vocabularyOf } from "../../../src/protocol/intent/Vocabulary.ts"
import { corpusLines, expectedIn, fleet, vocabulary } from "./Corpora.ts"

const intent = (text: string): Intent => {
  const result = readIntent(text, vocabulary)
  if (result._tag === "Unclear") throw new Error(`${text}: ${result.reason}: ${result.question}`)
  return result
}
const asked = (text: string): Unclear => {
  const result = readIntent(text, vocabulary)
  if (result._tag === "Intent") throw new Error(`${text}: ${intentLine(result)}`)
  return result
}

describe("readIntent", () => {
  it("leaves out what is excepted, and says when that would not have been among them", () => {
    const found = intent("turn off the heaters of line 2 except press-3")
    const ids = found.targets === undefined ? [] : chosen(found.targets, vocabulary).map(({ id }) => id)
    assert.deepStrictEqual(ids, ["heater-3", "heater-4", "heater-5"])
    assert.deepStrictEqual(found.unclear, ["press-3 would not have been among them"])
    assert.strictEqual(found.confidence, 0.9)
  })

  it("takes an exception behind a comma for one, and not for all devices", () => {
    const found = intent("turn off the heaters in line 2, all but heater 5")
    assert.strictEqual(intentLine(found).includes("kind:sim-heater&zone:hall.line-2 - heater-5"), true)
  })

  it("reads one utterance however it is written", () => {
    const lines = [
      "turn off heater-2",
      "TURN OFF HEATER-2!",
      "  turn  off heater 2. ",
      "please turn off heater two",
      "turn heater-2 off"
    ]
    assert.deepStrictEqual(
      [...new Set(lines.map((text) => intentLine(intent(text))))],
      ["device.output.switch@1 heater-2 on=false output=on"]
    )
  })

  it("converts to the unit of the field", () => {
    assert.strictEqual(intent("set the target of oven-1 to 131 fahrenheit").args["value"], 55)
    assert.strictEqual(intent("raise the target of oven-1 by 9 °F").args["by"], 5)
    assert.strictEqual(intent("set the interval of sensor-1 to half a minute").args["value"], 30_000)
  })

  for (const [text, reason] of [
    ["set the target of oven-1 to 650 degrees", "range"],
    ["set the target of oven-1 to 5 minutes", "unit"],
    ["set the mode of press-1 to fast", "value"],
    ["set the target of press-1 to 65 degrees", "inapplicable"],
    ["turn off the ovens of line 2", "nothing"],
    ["turn off the heater", "ambiguous"],
    ["turn off", "missing"],
    ["turn off hetaer-1", "unknown"],
    ["roll out blink 9.9 to line 3", "unknown"],
    ["roll out blink to line 3", "missing"],
    ["spawn a vsm line-1 under root", "taken"],
    ["do not turn off heater-1", "negated"],
    ["what happens if I turn off heater-1", "hypothetical"],
    ["turn off heater-1?", "hypothetical"],
    ["turn off heater-1 if it is hot", "conditional"],
    ["turn off heater-1 tomorrow", "timed"],
    ["turn off heater-1 and reboot press-1", "several"],
    ['the log says "turn off all"', "quoted"],
    ["who turned off heater-1", "reported"],
    ["", "empty"],
    ["x".repeat(501), "long"],
    ["colourless green ideas", "strange"]
  ] as const)
    it(`asks back with ${reason}: ${text.slice(0, 60)}`, () => assert.strictEqual(asked(text).reason, reason))

  it("names what may have been meant", () => {
    assert.deepStrictEqual(asked("turn off hetaer-1").suggestions.slice(0, 1), ["heater-1"])
    assert.deepStrictEqual(asked("turn off the oven").suggestions, ["oven-1", "oven-2"])
    assert.deepStrictEqual(asked("install blink on board-1").suggestions, ["1.1.0", "1.2.0", "1.3.0"])
  })

  it("asks what of a device is meant where only a part of it can follow", () => {
    assert.strictEqual(asked("stop heater-1").question, "What of it, or on it, is meant?")
    assert.strictEqual(asked("stop heater-1").reason, "missing")
  })

  it("offers both readings of what can be meant in two ways", () => {
    const { readings } = asked("move oven-2 to line 1")
    assert.sameMembers(
      readings.map(({ capability }) => capability),
      ["vsm.unit.adopt@1", "device.zone.set@1"]
    )
  })

  it("turns no board away for ever that was not named", () => {
    for (const text of ["retire everything", "retire all presses", "decommission the devices of line 2"])
      assert.deepStrictEqual(asked(text).missing, ["targets"])
    assert.strictEqual(intentLine(intent("retire press-4 and press-5")), "device.board.retire@1 press-4 + press-5")
  })

  it("names nothing twice", () => {
    const { suggestions } = asked("what is the weather")
    assert.strictEqual(new Set(suggestions).size, suggestions.length)
  })

  it("knows only what the fleet tells it of", () => {
    const other = vocabularyOf({ ...fleet, devices: fleet.devices.filter(({ id }) => id !== "heater-2") })
    assert.strictEqual(readIntent("turn off heater-2", other)._tag, "Unclear")
  })

  it("says one device for a singular where there is only one", () => {
    const one = vocabularyOf({ ...fleet, devices: fleet.devices.filter(({ id }) => id === "heater-1") })
    assert.strictEqual(readIntent("turn off the heater", one)._tag, "Intent")
  })

  it("answers what its schemas describe", () => {
    const is = Schema.is(Schema.Union([Intent, Unclear]))
    for (const text of [...expectedIn("fleet.txt").map(({ say }) => say), ...corpusLines("traps.txt")])
      assert.isTrue(is(readIntent(text, vocabulary)), text)
  })
})
