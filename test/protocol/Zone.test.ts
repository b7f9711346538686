import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { contains, Zone, zoneIn, zoneSourceOf } from "../../src/protocol/Zone.ts"

const isZone = Schema.is(Zone)

describe("a zone", () => {
  it("is one to six names with dots between them", () => {
    const longest = Array.from({ length: 6 }, () => "a".repeat(24)).join(".")
    assert.strictEqual(longest.length, 149)
    for (const zone of ["hall", "hall.line-3", "a.b.c.d.e.f", "0", "-", longest]) assert.isTrue(isZone(zone), zone)
  })

  it("is nothing else", () => {
    const wrong = [
      "",
      ".",
      "hall.",
      ".hall",
      "hall..a",
      "Hall",
      "hall line",
      "a.b.c.d.e.f.g",
      "a".repeat(25),
      "hall\n",
      3
    ]
    for (const zone of wrong) assert.isFalse(isZone(zone), String(zone))
  })

  it("contains itself and what is below it, and no zone whose name only begins alike", () => {
    assert.isTrue(contains("hall", "hall"))
    assert.isTrue(contains("hall", "hall.line-3"))
    assert.isTrue(contains("hall.line-3", "hall.line-3.cell-1"))
    assert.isFalse(contains("hall", "hallway"))
    assert.isFalse(contains("hall.line-3", "hall.line-30"))
    assert.isFalse(contains("hall.line-3", "hall"))
  })
})

describe("who says a zone", () => {
  it("is people before the rules before the board", () => {
    const all = { people: "a", rule: "b", board: "c" }
    assert.deepStrictEqual([zoneIn(all), zoneSourceOf(all)], ["a", "people"])
    assert.deepStrictEqual([zoneIn({ rule: "b", board: "c" }), zoneSourceOf({ rule: "b", board: "c" })], ["b", "rule"])
    assert.deepStrictEqual([zoneIn({ board: "c" }), zoneSourceOf({ board: "c" })], ["c", "board"])
    assert.deepStrictEqual([zoneIn(undefined), zoneSourceOf(undefined)], [undefined, undefined])
  })
})
