import { assert, describe, it } from "@effect/vitest"
import { zoneByRules } from "../../src/runtime/ZoneRules.ts"

describe("rules of zones", () => {
  const rules = [
    { match: "press-1", zone: "office" },
    { match: "press-*", zone: "hall.line-3" },
    { match: "*-cold", zone: "yard" },
    { match: "press-*-cold", zone: "never" }
  ]

  it("say what the first one says whose shape an id has", () => {
    assert.deepStrictEqual(
      ["press-1", "press-10", "press-2-cold", "tank-cold", "tank"].map((id) => zoneByRules(rules, id)),
      ["office", "hall.line-3", "hall.line-3", "yard", undefined]
    )
  })
})
