import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { cborBytes } from "../../src/protocol/CborSize.ts"
import { encodeStored } from "../../src/protocol/Stored.ts"
import {
  acknowledgeDesired,
  changeDesired,
  delta,
  desiredMap,
  emptyTwin,
  isRefused,
  mergePatch,
  type Twin
} from "../../src/protocol/Twin.ts"
import { leavesOf, nest } from "../../src/protocol/TwinPath.ts"
import { isTwinMap, isTwinPatch } from "../../src/protocol/TwinSchema.ts"
import { eachLeaf, emptySection, mapOf, mergeReport, type Section } from "../../src/protocol/TwinSection.ts"
import type { TwinMap, TwinPatch } from "../../src/protocol/TwinValue.ts"
import vectors from "./link-vectors.json" with { type: "json" }

interface Report {
  readonly boot: number
  readonly seq: number
  readonly state: TwinPatch
  readonly full?: boolean
}

const orders = new Map<number, number>()
const report = (section: Section, { boot, seq, state, full }: Report, order: number, settled = 0) => {
  const merged = mergeReport(section, {
    state,
    isFull: full === true,
    stamp: [order, boot, seq, 0, false],
    version: 2,
    settled
  })
  assert.strictEqual(merged._tag, "Merged")
  return merged._tag === "Merged" ? merged.section : section
}
const patchOf = (value: unknown): TwinPatch => {
  if (!isTwinPatch(value)) throw new Error("the vector holds no patch")
  return value
}
/** What a caller that skipped the check would hand over. */
const pretends = (_value: unknown): _value is TwinPatch => true
const mapFrom = (value: unknown): TwinMap => {
  if (!isTwinMap(value)) throw new Error("the vector holds no map")
  return value
}
const seeded = (target: TwinMap): Section => report(emptySection, { boot: 1, seq: 0, state: target }, 1)
const withDesired = (patch: TwinPatch, twin: Twin = emptyTwin): Twin => {
  const change = changeDesired(twin, patch, 0, "test")
  return change._tag === "Changed" ? change.twin : twin
}

describe("the vectors of the protocol", () => {
  for (const { name, target, patch, result } of vectors.twin_merge) {
    it(`merge: ${name}`, () => {
      assert.deepStrictEqual(mergePatch(mapFrom(target), patchOf(patch)), mapFrom(result))
      assert.deepStrictEqual(
        mapOf(report(seeded(mapFrom(target)), { boot: 1, seq: 1, state: patchOf(patch) }, 1)),
        mapFrom(result)
      )
    })
  }
  for (const { name, patch, code } of vectors.twin_merge_refused) {
    it(`merge refuses ${name}`, () => {
      const unchecked: unknown = patch
      assert.isFalse(isTwinPatch(unchecked))
      if (!pretends(unchecked)) return
      const merged = mergeReport(emptySection, {
        state: unchecked,
        isFull: false,
        stamp: [1, 1, 1, 0, false],
        version: 2,
        settled: 0
      })
      assert.deepStrictEqual<unknown>(merged, { _tag: "Refused", code })
      assert.deepStrictEqual<unknown>(changeDesired(emptyTwin, unchecked, 0, "test"), { _tag: "Refused", code })
    })
  }
  for (const vector of vectors.twin_delta) {
    it(`delta: ${vector.name}`, () => {
      const twin = { ...withDesired(mapFrom(vector.desired)), reported: seeded(mapFrom(vector.reported)) }
      assert.deepStrictEqual(delta(twin), patchOf(vector.delta))
    })
  }
  for (const { name, steps, reported } of vectors.twin_order) {
    it(`order: ${name}`, () => {
      orders.clear()
      let section = emptySection
      for (const step of steps) {
        if (!orders.has(step.boot)) orders.set(step.boot, orders.size + 1)
        const full = "full" in step ? step.full : false
        section = report(section, { ...step, state: patchOf(step.state), full }, orders.get(step.boot) ?? 0)
      }
      assert.deepStrictEqual(mapOf(section), mapFrom(reported))
    })
  }
})

/** RFC 7396 on nested maps as its section 2 writes it down, plus: an emptied map goes. */
const oracle = (target: unknown, patch: unknown): unknown => {
  if (typeof patch !== "object" || patch === null || Array.isArray(patch)) return patch
  const isObject = typeof target === "object" && target !== null && !Array.isArray(target)
  const merged: Map<string, unknown> = new Map(isObject ? Object.entries(target) : [])
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) merged.delete(key)
    else merged.set(key, oracle(merged.get(key), value))
  }
  const full = [...merged].filter(
    ([, value]) => typeof value !== "object" || value === null || Array.isArray(value) || Object.keys(value).length > 0
  )
  return Object.fromEntries(full)
}

const scalar = Schema.Literals([0, 1, "x", true])
const array = Schema.Array(Schema.Literals([1, 2])).check(Schema.isMaxLength(2))
const level = <S extends Schema.Codec<unknown, unknown>>(below: S) => {
  const value = Schema.optionalKey(Schema.Union([Schema.Null, scalar, array, below]))
  return Schema.Struct({ a: value, b: value, "c/~": value })
}
const Patch = level(level(level(Schema.Struct({}))))
const ReportSchema = Schema.Struct({ state: Patch, full: Schema.Literals([false, false, false, false, true]) })
const Reports = Schema.Array(ReportSchema).check(Schema.isMaxLength(8))

describe("merging reports", () => {
  it.prop("folds in order as RFC 7396 does", { reports: Reports }, ({ reports }) => {
    let section = emptySection
    let expected: unknown = {}
    reports.forEach(({ state, full }, index) => {
      section = report(section, { boot: 1, seq: index + 1, state: patchOf(state), full }, 1, index)
      expected = oracle(full ? {} : expected, state)
    })
    assert.deepStrictEqual<unknown>(mapOf(section), expected)
  })

  it.prop(
    "ends the same in every order of arrival",
    { reports: Reports, keys: Schema.Array(Schema.Int).check(Schema.isMinLength(8), Schema.isMaxLength(8)) },
    ({ reports, keys }) => {
      const numbered = reports.map((sent, index) => ({ ...sent, seq: index + 1, key: keys[index] ?? 0 }))
      const expected = reports.reduce<unknown>((map, { state, full }) => oracle(full ? {} : map, state), {})
      let section = emptySection
      const seen = new Set<number>()
      for (const { seq, state, full } of [...numbered].sort((left, right) => left.key - right.key)) {
        let settled = 0
        while (seen.has(settled + 1)) settled++
        section = report(section, { boot: 1, seq, state: patchOf(state), full }, 1, settled)
        seen.add(seq)
      }
      assert.deepStrictEqual<unknown>(mapOf(section), expected)
    },
    { arbitrary: { runs: 1000 } }
  )

  it("keeps hiding what a scalar replaced when a map replaces the scalar", () => {
    let section = report(emptySection, { boot: 1, seq: 3, state: { a: 7 } }, 1)
    section = report(section, { boot: 1, seq: 5, state: { a: { b: 2 } } }, 1)
    assert.deepStrictEqual(mapOf(report(section, { boot: 1, seq: 2, state: { a: { c: 1 } } }, 1)), { a: { b: 2 } })
  })

  it.prop("counts leaves exactly and bytes never too low", { reports: Reports }, ({ reports }) => {
    let section = emptySection
    reports.forEach(({ state, full }, index) => {
      section = report(section, { boot: 1, seq: index + 1, state: patchOf(state), full }, 1, index)
    })
    let leaves = 0
    eachLeaf(section, () => leaves++)
    assert.strictEqual(section.leaves, leaves)
    assert.isAtLeast(section.bytes, cborBytes(mapOf(section)))
  })

  it("steps a leaf's version only when its value changes, its stamp always", () => {
    const first = report(emptySection, { boot: 1, seq: 1, state: { a: 1, b: 1 } }, 1)
    const merged = mergeReport(first, {
      state: { a: 1, b: 2 },
      isFull: false,
      stamp: [1, 1, 2, 50, false],
      version: 9,
      settled: 1
    })
    assert.strictEqual(merged._tag, "Merged")
    if (merged._tag !== "Merged") return
    assert.deepStrictEqual(merged.changed, ["b"])
    assert.deepStrictEqual(merged.section.recent.get("a"), { value: 1, v: 2, stamp: [1, 1, 2, 50, false] })
    assert.deepStrictEqual(merged.section.recent.get("b"), { value: 2, v: 9, stamp: [1, 1, 2, 50, false] })
  })

  it("lets an unnumbered report lose a tie and win against what is older", () => {
    const numbered = report(emptySection, { boot: 1, seq: 5, state: { a: 1 } }, 1)
    assert.deepStrictEqual(mapOf(report(numbered, { boot: 1, seq: 4.5, state: { a: 2 } }, 1)), { a: 1 })
    assert.deepStrictEqual(mapOf(report(numbered, { boot: 1, seq: 5.5, state: { a: 2 } }, 1)), { a: 2 })
  })

  it("keeps no marks of a board whose reports come in order", () => {
    let section = report(emptySection, { boot: 1, seq: 1, state: { a: { b: 1 } } }, 1, 0)
    section = report(section, { boot: 1, seq: 2, state: { a: null } }, 1, 1)
    assert.strictEqual(section.marks.size, 1)
    section = report(section, { boot: 1, seq: 3, state: { c: 1 } }, 1, 2)
    assert.strictEqual(section.marks.size, 0)
  })

  it("writes the large layer once for many reports", () => {
    const wide = Object.fromEntries(Array.from({ length: 1000 }, (_, index) => [`leaf-${index}`, index]))
    let section = report(emptySection, { boot: 1, seq: 1, state: wide }, 1, 0)
    const { base } = section
    assert.strictEqual(section.recent.size, 0)
    for (let seq = 2; seq < 500; seq++)
      section = report(section, { boot: 1, seq, state: { "leaf-3": seq, "leaf-7": seq } }, 1, seq - 1)
    assert.strictEqual(section.base, base)
    assert.strictEqual(section.recent.size, 2)
    assert.strictEqual(mapOf(section)["leaf-7"], 499)
  })

  it("refuses whole what has too many leaves, too many bytes or too many levels", () => {
    const refusal = (state: TwinPatch) =>
      mergeReport(seeded({ kept: 1 }), { state, isFull: false, stamp: [1, 1, 2, 0, false], version: 3, settled: 1 })
    const many = (count: number, text: string) =>
      Object.fromEntries(Array.from({ length: count }, (_, index) => [`k${index}`, text]))
    assert.deepStrictEqual(refusal(many(1024, "")), { _tag: "Refused", code: 90 })
    assert.deepStrictEqual(refusal(many(9, "x".repeat(4096))), { _tag: "Refused", code: 90 })
    assert.strictEqual(refusal(many(7, "x".repeat(4096)))._tag, "Merged")
    const deep = (levels: number): TwinPatch => (levels === 0 ? { leaf: 1 } : { d: deep(levels - 1) })
    assert.strictEqual(refusal(deep(7))._tag, "Merged")
    assert.deepStrictEqual(refusal(deep(8)), { _tag: "Refused", code: 210 })
  })
})

describe("desired", () => {
  it.prop(
    "merges as RFC 7396 does and gives back what nesting flattens",
    { patches: Schema.Array(Patch) },
    ({ patches }) => {
      let twin = emptyTwin
      let expected: unknown = {}
      for (const patch of patches) {
        twin = withDesired(patchOf(patch), twin)
        expected = oracle(expected, patch)
      }
      assert.deepStrictEqual<unknown>(desiredMap(twin), expected)
      assert.deepStrictEqual(nest(leavesOf(desiredMap(twin))), desiredMap(twin))
    }
  )

  it("steps its version only when a value changes", () => {
    const twin = withDesired({ led: "on" })
    assert.strictEqual(twin.desiredVersion, 2)
    assert.deepStrictEqual(changeDesired(twin, { led: "on", fan: null }, 0, "test"), { _tag: "Same" })
  })

  it("leaves out refused fields until desired changes them", () => {
    const twin = acknowledgeDesired(withDesired({ led: "on", fan: { rpm: 9 } }), 2, { "/fan": 22 })
    assert.isTrue(isRefused(twin, "fan/rpm"))
    assert.deepStrictEqual(delta(twin), { led: "on" })
    assert.deepStrictEqual(delta(withDesired({ fan: { rpm: 8 } }, twin)), { led: "on", fan: { rpm: 8 } })
  })

  it("remembers a deleted leaf until a board has acknowledged the deletion", () => {
    const twin = withDesired({ led: null }, withDesired({ led: "on" }))
    assert.deepStrictEqual([...twin.desired.forgotten.keys()], ["led"])
    assert.strictEqual(acknowledgeDesired(twin, 3, undefined).desired.forgotten.size, 0)
    assert.strictEqual(withDesired({ led: "off" }, twin).desired.forgotten.size, 0)
  })

  it("takes no acknowledgement of a version that is older than the last or does not exist", () => {
    const twin = acknowledgeDesired(withDesired({ b: 1 }, withDesired({ a: 1 })), 3, undefined)
    assert.strictEqual(acknowledgeDesired(twin, 2, { "/a": 1 }), twin)
    assert.strictEqual(acknowledgeDesired(twin, 4, { "/a": 1 }), twin)
  })
})

describe("sizes", () => {
  it.prop("are those of the encoder for what has no fraction", { patch: Patch }, ({ patch }) => {
    assert.strictEqual(cborBytes(patchOf(patch)), encodeStored(patch).length)
  })
})
