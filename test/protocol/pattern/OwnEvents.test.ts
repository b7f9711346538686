import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { MatchView } from "../../../src/protocol/PatternPartition.ts"
import { feedingType } from "../../../src/protocol/pattern/OwnEvents.ts"
import { readPattern } from "../../../src/protocol/pattern/PatternText.ts"

const fed = (text: string) => feedingType(Result.getOrThrow(readPattern(`pattern "it" priority high { ${text} }`)))

describe("feedingType", () => {
  for (const field of Object.keys(MatchView.fields))
    it(`knows that matches have ${field}`, () => {
      assert.strictEqual(fed(`where exists ${field}`), "pattern.matched")
    })

  it("knows the severity and the speaker of a match, and what it lacks", () => {
    assert.strictEqual(fed('where severity == "warn"'), "pattern.matched")
    assert.strictEqual(fed('where source.actor == "pattern-partition" and source.id == "3"'), "pattern.matched")
    for (const other of [
      'severity == "info"',
      'source.actor == "device"',
      'source.id == "press-1"',
      "exists zone",
      "exists reported",
      "exists temp"
    ])
      assert.isUndefined(fed(`where ${other}`), other)
  })

  it("looks at what the match carries", () => {
    assert.isUndefined(fed("where values.temp > 1"))
    assert.strictEqual(fed("where values.temp > 1 emit { temp: values.temp }"), "pattern.matched")
    assert.strictEqual(fed("by data.version where by.`data.version` > 1"), "pattern.matched")
    assert.strictEqual(fed("when max(values.value) > 1 over sliding 1s"), "pattern.matched")
    assert.isUndefined(fed("by zone where exists id"))
    assert.isUndefined(fed("when max(temp) > 1 over sliding 1s"))
    assert.isUndefined(fed("when distinct(temp) > 1 over sliding 1s"))
    assert.isUndefined(fed("when avg(at - temp) > 1 over sliding 1s"))
  })

  it("takes a step from any of its events, and knows the values that are written into it", () => {
    const twice = 'do event("line.hot"), raise("x")'
    assert.strictEqual(fed(`seq line.hot -> algedonic.raised within 1s ${twice}`), "line.hot")
    assert.isUndefined(fed(`seq line.hot -> line.cold within 1s ${twice}`))
    assert.isUndefined(fed(`from line.* where values.stage == 2 emit { stage: 1 } ${twice}`))
    assert.strictEqual(fed(`from line.* where values.stage == 1 emit { stage: 1 } ${twice}`), "line.hot")
  })

  it("goes by the types first", () => {
    assert.isUndefined(fed('from device.* where exists id do event("line.hot"), raise("x")'))
    assert.strictEqual(fed('from line.* where exists id do event("line.hot"), raise("x")'), "line.hot")
    assert.strictEqual(fed('from *.raised where signal == "x" do event("line.hot"), raise("x")'), "algedonic.raised")
    assert.strictEqual(fed("from *e*.*a*t*h*d where exists id"), "pattern.matched")
  })
})
