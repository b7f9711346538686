import { assert, describe, it } from "@effect/vitest"
import { compose, halve } from "../../../devices/agent/ReportPatch.ts"
import { seeded } from "../../../devices/simulated/Seeded.ts"
import type { TwinPatch, TwinPatchValue } from "../../../src/protocol/TwinValue.ts"

type Json = TwinPatchValue | undefined

const isMap = (value: Json): value is TwinPatch => typeof value === "object" && value !== null && !Array.isArray(value)

/** RFC 7396, section 2, and maps that become empty are removed: written apart from the code under test. */
const merged = (target: Json, patch: TwinPatchValue): Json => {
  if (!isMap(patch)) return patch
  const result: Record<string, TwinPatchValue> = isMap(target) ? { ...target } : {}
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key]
    else {
      const next = merged(result[key], value)
      if (next === undefined || (isMap(next) && Object.keys(next).length === 0)) delete result[key]
      else result[key] = next
    }
  }
  return result
}

const randomPatch = (random: () => number, depth: number): TwinPatch => {
  const patch: Record<string, TwinPatchValue> = {}
  for (const key of ["a", "b", "c"]) {
    const kind = random()
    if (kind < 0.3) continue
    if (kind < 0.45) patch[key] = null
    else if (kind < 0.75 || depth === 0) patch[key] = Math.floor(random() * 5)
    else patch[key] = randomPatch(random, depth - 1)
  }
  return patch
}

const withoutNulls = (patch: TwinPatch): TwinPatch => {
  const result = merged({}, patch)
  return isMap(result) ? result : {}
}

describe("compose", () => {
  it("has the effect of both patches in a row, or refuses", () => {
    const random = seeded(7, "compose")
    let composed = 0
    for (let round = 0; round < 5000; round++) {
      const target = withoutNulls(randomPatch(random, 2))
      const first = randomPatch(random, 2)
      const second = randomPatch(random, 2)
      const both = compose(first, second)
      if (both === undefined) continue
      composed++
      assert.deepStrictEqual(merged(target, both), merged(merged(target, first), second))
    }
    assert.isAbove(composed, 1000)
  })

  it("refuses a map laid over a value, which would bring back what the value replaced", () => {
    assert.isUndefined(compose({ fan: 1 }, { fan: { on: true } }))
    assert.isUndefined(compose({ fan: null }, { fan: { on: true } }))
  })

  it("lets the later value of a field win", () => {
    assert.deepStrictEqual(compose({ temp: 1, led: "on" }, { temp: 2 }), { temp: 2, led: "on" })
  })
})

describe("halve", () => {
  it("says in two patches what the one says", () => {
    const random = seeded(8, "halve")
    let halved = 0
    for (let round = 0; round < 2000; round++) {
      const patch = randomPatch(random, 2)
      const halves = halve(patch)
      if (halves === undefined) continue
      halved++
      const target = withoutNulls(randomPatch(random, 2))
      assert.deepStrictEqual(merged(merged(target, halves[0]), halves[1]), merged(target, patch))
    }
    assert.isAbove(halved, 500)
  })

  it("leaves a single leaf whole", () => {
    assert.isUndefined(halve({ a: { b: { c: 1 } } }))
  })
})
