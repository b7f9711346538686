import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { bindText, bindTree } from "../../../src/protocol/condition/Bind.ts"
import { bindWithoutUnits, plainText } from "../../../src/protocol/condition/PlainNumbers.ts"
import { events, twins, withUnits } from "../../../src/protocol/condition/Source.ts"
import { checkParsed, inPlainNumbers } from "../../../src/protocol/pattern/PatternCheck.ts"
import { formatPattern } from "../../../src/protocol/pattern/PatternFormat.ts"
import { parsePattern } from "../../../src/protocol/pattern/PatternText.ts"

const units = [
  { path: ["temp"], unit: "°C" },
  { path: ["motor", "speed"], unit: "rpm" },
  { path: ["fan speed"], unit: "%" },
  { path: ["gap"], unit: "s" }
]
const [someTwins, someEvents] = [withUnits(twins, units), withUnits(events, units)]

const plain = (text: string) => Result.getOrThrow(plainText(text, someTwins))

describe("plainText", () => {
  it("writes numbers in what their fields count in, and leaves every other text as it is", () => {
    for (const [text, expected] of [
      ["temp > 300K", "temp > 26.85"],
      ["desired.temp > 300K and temp in 10°C..50°F", "desired.temp > 26.85 and temp in 10..10"],
      ["motor.speed > 5rpm", "motor.speed > 5"],
      ["`fan speed` > 80%", "`fan speed` > 80"],
      ["gap > 2min", "gap > 120"],
      ["not temp in [0°C, 273.15K]", "not temp in [0, 0]"],
      ["other > 80%  and  later > 2min", "other > 80%  and  later > 2min"],
      ["temp  >  -5", "temp  >  -5"]
    ] as const)
      assert.strictEqual(plain(text), expected)
  })

  it("means without any unit what it meant with them", () => {
    for (const text of ["temp > 300K", "`fan speed` > 80%", "gap > 2min or other > 80%", "temp - 5°C > 3"])
      assert.deepStrictEqual(bindText(plain(text), twins), bindText(text, someTwins), text)
  })

  it("fails where a field counts in something else", () => {
    const refused = Result.getOrThrow(Result.flip(plainText("motor.speed > 5V", someTwins)))
    assert.match(refused.problems[0].sentence, /^5V cannot be brought into rpm/)
  })
})

describe("inPlainNumbers", () => {
  const read = (inside: string) => Result.getOrThrow(parsePattern(`pattern it { ${inside} }`))
  const sourceOf = () => someEvents

  it("reaches every condition and value of a pattern", () => {
    for (const [text, expected] of [
      ["seq where temp > 300K -> where temp < 280K within 1min", ["26.85", "6.85"]],
      ["when avg(temp + 10°C) > 5 over sliding 10s where temp > 300K", ["temp + 10)", "26.85"]],
      ["join a as one with b as other within 1min where one.temp > 300K and other.motor.speed > 5rpm", ["26.85", "5"]],
      ["where gap > 1s emit { more: gap + 1min }", ["> 1", "+ 60"]]
    ] as const) {
      const [draft] = inPlainNumbers([read(text)], sourceOf)
      assert.isDefined(draft)
      assert.isTrue(Result.isSuccess(checkParsed([draft], { sourceOf })), text)
      const written = formatPattern(draft.pattern)
      for (const part of expected) assert.include(written, part)
      assert.notMatch(written, /K|rpm|°C/)
      // Whoever knows of no unit reads the same of it.
      assert.isTrue(Result.isSuccess(checkParsed([draft])), text)
    }
  })

  it("leaves what cannot be to the check, which shows its place", () => {
    const drafts = inPlainNumbers([read("where temp > 300K and temp > 5V")], sourceOf)
    const refused = Result.getOrThrow(Result.flip(checkParsed(drafts, { sourceOf })))
    assert.deepStrictEqual(
      refused.problems.map(({ reason, column }) => [reason, column]),
      [["WrongUnit", 43]]
    )
  })

  it("is the same pattern where no field declares a unit", () => {
    const draft = read("where cpu > 80% and temp > 5")
    assert.strictEqual(inPlainNumbers([draft], sourceOf)[0], draft)
  })
})

describe("bindWithoutUnits", () => {
  it("knows the names in a condition whatever its units are", () => {
    const field = { _tag: "Field", path: ["temp"] } as const
    const wanted = bindTree({ _tag: "Compare", operator: ">", left: field, right: { _tag: "Number", value: 5 } }, twins)
    assert.deepStrictEqual(bindWithoutUnits("temp > 5furlong", twins), wanted)
  })
})
