import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { PathMap, type ReadonlyPathMap } from "../../src/protocol/PathMap.ts"

const path = Schema.Literals(["a", "b", "c", "d", "e", "f"])
const Step = Schema.Union([
  Schema.TaggedStruct("Set", { path, value: Schema.NullOr(Schema.Literals([1, 2])) }),
  Schema.TaggedStruct("Delete", { path }),
  /** Goes on from a version that stood before. */
  Schema.TaggedStruct("Return", { version: Schema.Literals([0, 1, 2, 5]) })
])
const Steps = Schema.Array(Step).check(Schema.isMinLength(5), Schema.isMaxLength(60))

const entriesOf = <A>(map: ReadonlyPathMap<A>): ReadonlyMap<string, A> => {
  const entries = new Map<string, A>()
  map.forEach((value, at) => {
    entries.set(at, value)
  })
  return entries
}

describe("PathMap", () => {
  it.prop(
    "is a map at every version, whatever is made of it later",
    { steps: Steps },
    ({ steps }) => {
      let map: ReadonlyPathMap<number | null> = PathMap.empty()
      let model: ReadonlyMap<string, number | null> = new Map()
      const versions = [{ map, model }]
      for (const step of steps) {
        const next = map.copy()
        const expected = new Map(model)
        if (step._tag === "Set") {
          next.set(step.path, step.value)
          expected.set(step.path, step.value)
        } else if (step._tag === "Delete") {
          next.delete(step.path)
          expected.delete(step.path)
        } else {
          const version = versions[step.version] ?? { map, model }
          ;({ map, model } = version)
          continue
        }
        map = next
        model = expected
        versions.push({ map, model })
      }
      for (const version of versions) {
        assert.deepStrictEqual([...entriesOf(version.map)].sort(), [...version.model].sort())
        assert.strictEqual(version.map.size, version.model.size)
        for (const key of path.literals) assert.strictEqual(version.map.get(key), version.model.get(key))
      }
    },
    { arbitrary: { runs: 500 } }
  )

  it("forgets paths that come and go", () => {
    let map = PathMap.empty<number>()
    for (let at = 0; at < 10_000; at++) {
      map = map.copy()
      map.set(`p${at}`, at)
      map.delete(`p${at - 1}`)
    }
    assert.strictEqual(map.size, 1)
    assert.isBelow(JSON.stringify(map).length, 2000)
  })
})
