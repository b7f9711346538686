import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import { budgetProfiles } from "../../../../devices/hxe/executive/BudgetProfile.ts"
import { type Need, type Place, Placement } from "../../../../devices/hxe/executive/Placement.ts"

const need = (parts: Partial<Need> = {}): Need => ({
  codeBytes: 4,
  rodataBytes: 0,
  bssBytes: 0,
  stackBytes: undefined,
  ...parts
})

const taken = (placement: Placement, parts: Partial<Need> = {}): Place => {
  const place = placement.reserve(need(parts))
  return Result.isSuccess(place) ? place.success : assert.fail(place.failure.detail)
}

const detail = (placement: Placement, parts: Partial<Need> = {}): string => {
  const place = placement.reserve(need(parts))
  return Result.isFailure(place) ? place.failure.detail : "taken"
}

describe("places", () => {
  it("begin with the first window and the highest stack", () => {
    const placement = new Placement(budgetProfiles.desktop)
    assert.deepStrictEqual(taken(placement, { rodataBytes: 7, bssBytes: 3 }), {
      window: 0,
      registerBase: 0x1000,
      stackBase: 0xeffc,
      stackEnd: 0xfffc,
      codeBytes: 4,
      dataBytes: 11
    })
    const second = taken(placement)
    assert.deepStrictEqual([second.registerBase, second.stackBase, second.stackEnd], [0x1040, 0xdffc, 0xeffc])
  })

  it("that are given back are taken again, the last window first", () => {
    const placement = new Placement(budgetProfiles.desktop)
    const [first, second] = [taken(placement), taken(placement), taken(placement)]
    if (first === undefined || second === undefined) return assert.fail()
    placement.release(first)
    placement.release(second)
    placement.release(second)
    assert.deepStrictEqual([taken(placement).registerBase, taken(placement).registerBase], [0x1040, 0x1000])
    assert.strictEqual(taken(placement).registerBase, 0x10c0)
    assert.strictEqual(placement.counts().tasks, 4)
  })

  it("of a microcontroller share one memory", () => {
    const mid = new Placement(budgetProfiles["cortex-m4"])
    taken(mid, { codeBytes: 20_000, rodataBytes: 8000, bssBytes: 1000 })
    assert.strictEqual(detail(mid, { codeBytes: 12_769 }), "budget:code:12769/12768")
    assert.strictEqual(detail(mid, { rodataBytes: 3287 }), "taken")
    const other = new Placement(budgetProfiles["cortex-m4"])
    taken(other, { rodataBytes: 8000, bssBytes: 1000 })
    assert.strictEqual(detail(other, { rodataBytes: 3289 }), "budget:data:3292/3288")
    taken(other, { stackBytes: 2048 })
    assert.strictEqual(detail(other, { stackBytes: 1028 }), "budget:stack:1028/1024")
    taken(other)
    assert.strictEqual(detail(other, { stackBytes: 4 }), "budget:stack:4/0")
    const small = new Placement(budgetProfiles.small)
    assert.strictEqual(detail(small, { codeBytes: 8193 }), "budget:code:8193/8192")
    taken(small)
    taken(small)
    assert.strictEqual(detail(small), "budget:tasks:1/0")
  })

  it("of a desktop are each as large as a machine", () => {
    const placement = new Placement(budgetProfiles.desktop)
    for (let count = 0; count < 3; count++) taken(placement, { codeBytes: 0x10000, rodataBytes: 0x8000 })
    assert.strictEqual(detail(placement, { codeBytes: 0x10001 }), "budget:code:65537/65536")
    assert.strictEqual(detail(placement, { rodataBytes: 0xaffd }), "budget:data:45056/45052")
  })

  const Requests = Schema.Array(
    Schema.Struct({
      release: Schema.Literals([0, 1, 2, 3, 4]),
      rodataBytes: Schema.Literals([0, 5, 0x100, 0x4000, 0x9000]),
      stackBytes: Schema.Literals([0, 10, 0x200, 0x1000, 0x3000])
    })
  ).check(Schema.isMinLength(10), Schema.isMaxLength(60))

  it.prop(
    "never overlap: windows, stacks, and a stack with its program's own data",
    { requests: Requests },
    ({ requests }) => {
      const placement = new Placement(budgetProfiles.desktop)
      const places: Array<Place> = []
      for (const { release, rodataBytes, stackBytes } of requests) {
        const place = placement.reserve(need({ rodataBytes, stackBytes }))
        if (Result.isSuccess(place)) {
          const { registerBase, stackBase, stackEnd } = place.success
          assert.isAtLeast(stackBase, 0x4000 + rodataBytes)
          assert.isAtMost(stackEnd, 0xfffc)
          assert.strictEqual(stackEnd - stackBase, stackBytes === 0 ? 0x1000 : Math.ceil(stackBytes / 4) * 4)
          for (const other of places) {
            assert.notStrictEqual(registerBase, other.registerBase)
            assert.isTrue(stackEnd <= other.stackBase || stackBase >= other.stackEnd)
          }
          places.push(place.success)
        }
        if (release !== 0 || places.length === 11) {
          const [gone] = places.splice(release % Math.max(1, places.length), 1)
          if (gone !== undefined) placement.release(gone)
        }
        assert.strictEqual(placement.counts().tasks, places.length)
      }
    },
    { arbitrary: { runs: 200 }, timeout: 60_000 }
  )
})
