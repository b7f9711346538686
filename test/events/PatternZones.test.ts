import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { switched, within, zonesMax } from "../../src/events/PatternZones.ts"
import { interpret } from "../../src/protocol/condition/Interpret.ts"
import type { Pattern } from "../../src/protocol/pattern/Pattern.ts"

const single: Pick<Pattern, "name" | "body"> = {
  name: "hot",
  body: { _tag: "Where", condition: { _tag: "Always", value: true } }
}
const combined: Pick<Pattern, "name" | "body"> = {
  name: "burning",
  body: { _tag: "Combined", patterns: ["hot", "off"], atLeast: 2, withinMillis: 1000 }
}

const made = (listed: ReadonlyArray<string>, isOn: boolean, zones?: ReadonlyArray<string>, pattern = single) =>
  Result.match(switched(pattern, { isOn: true, zones: listed }, isOn, zones), {
    onSuccess: (found) => found,
    onFailure: ({ reason }) => reason
  })

describe("the zones a pattern is enabled in", () => {
  it("stay as they are when it is switched on or off as a whole", () => {
    assert.deepStrictEqual(made(["hall"], false), { isOn: false, zones: ["hall"] })
    assert.deepStrictEqual(made(["hall"], true), { isOn: true, zones: ["hall"] })
    assert.deepStrictEqual(made([], true), { isOn: true, zones: [] })
  })

  it("become more as it is switched on in some, each once", () => {
    assert.deepStrictEqual(made([], true, ["yard"]), { isOn: true, zones: ["yard"] })
    assert.deepStrictEqual(made(["yard"], true, ["hall", "yard"]), { isOn: true, zones: ["hall", "yard"] })
  })

  it("are everywhere when it is switched on in a list of none", () => {
    assert.deepStrictEqual(made(["hall", "yard"], true, []), { isOn: true, zones: [] })
    assert.deepStrictEqual(made([], true, [], combined), { isOn: true, zones: [] })
  })

  it("become fewer as it is switched off in some, and with the last one it is off, not everywhere", () => {
    assert.deepStrictEqual(made(["hall", "yard"], false, ["hall"]), { isOn: true, zones: ["yard"] })
    assert.deepStrictEqual(made(["hall", "yard"], false, ["hall", "yard"]), { isOn: false, zones: [] })
  })

  it("cannot be taken from a pattern that is not on in them", () => {
    assert.strictEqual(made(["hall"], false, ["hall.line-3"]), "hot is not on in hall.line-3, but in hall")
    assert.match(String(made([], false, ["hall"])), /not on in single zones/)
    assert.match(String(made(["hall"], false, [])), /leave the field out/)
  })

  it("are refused for a pattern that stands on others, and when there are too many", () => {
    assert.match(String(made([], true, ["hall"], combined)), /burning looks at matches of other patterns/)
    const many = Array.from({ length: zonesMax + 1 }, (_, index) => `hall-${index}`)
    assert.match(String(made([], true, many)), /17 zones, 16 at most/)
  })
})

describe("an event in zones", () => {
  const isIn = (zones: ReadonlyArray<string>, zone: string | undefined, value = true): boolean =>
    interpret(within(zones, { _tag: "Always", value }), zone === undefined ? {} : { zone })

  it("is in one of them or below one of them", () => {
    const zones = ["hall.line-3", "yard"]
    assert.deepStrictEqual(
      ["hall.line-3", "hall.line-3.cell-1", "yard", "yard.a.b"].map((zone) => isIn(zones, zone)),
      [true, true, true, true]
    )
    assert.deepStrictEqual(
      ["hall", "hall.line-30", "hall.line-4", "yards", "in.yard", undefined].map((zone) => isIn(zones, zone)),
      [false, false, false, false, false, false]
    )
  })

  it("may be anywhere where none is listed", () => {
    assert.deepStrictEqual([isIn([], "hall"), isIn([], undefined)], [true, true])
  })

  it("must be all else, too", () => {
    assert.deepStrictEqual([isIn(["hall"], "hall", false), isIn([], "hall", false)], [false, false])
  })
})
