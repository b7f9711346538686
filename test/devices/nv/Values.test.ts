import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import type { NvStore } from "../../../devices/nv/NvStore.ts"
import { seeded } from "../../../devices/simulated/Seeded.ts"
import { type Board, Supply, scattered, untilCut } from "./PowerCut.ts"
import { emptyBoard, got, imageOf, mounted, refusalOf } from "./Stores.ts"

const found = (store: NvStore): ReadonlyMap<number, number> =>
  new Map([...store.valueKeys()].sort((a, b) => a - b).map((key) => [key, store.value(key) ?? -1]))
const sorted = (map: ReadonlyMap<number, number>): ReadonlyMap<number, number> =>
  new Map([...map].sort(([a], [b]) => a - b))

describe("saving values", () => {
  it("waits for a value's own time, and at least 100 ms", () => {
    const board = emptyBoard()
    const supply = new Supply()
    const store = mounted(board.on(supply))
    const before = supply.writes.length
    got(store.setValue(1, 10, 0, 1000))
    got(store.setValue(2, 20, 500, 1000))
    assert.strictEqual(store.nextSave(), 1100)
    got(store.saveDue(1099))
    assert.strictEqual(supply.writes.length, before)
    got(store.saveDue(1100))
    assert.deepStrictEqual([...found(mounted(board.copy().on(new Supply())))], [[1, 10]])
    assert.strictEqual(store.nextSave(), 1500)
    got(store.saveDue(1500))
    assert.deepStrictEqual(
      [...found(mounted(board.copy().on(new Supply())))],
      [
        [1, 10],
        [2, 20]
      ]
    )
    assert.strictEqual(store.nextSave(), undefined)
  })

  it("writes a value that changes all the time once per interval, with what it is then", () => {
    const board = emptyBoard()
    const supply = new Supply()
    const store = mounted(board.on(supply))
    const before = supply.writes.length
    for (let now = 0; now < 1000; now += 10) {
      got(store.setValue(1, now + 1, 200, now))
      got(store.saveDue(now))
      assert.strictEqual(store.value(1), now + 1)
    }
    // Four records, each in two writes.
    assert.strictEqual(supply.writes.length - before, 8)
  })

  it("does not write what is there already", () => {
    const supply = new Supply()
    const store = mounted(emptyBoard().on(supply))
    got(store.setValue(1, 10, 0, 0))
    got(store.saveAll())
    const before = supply.writes.length
    got(store.setValue(1, 11, 0, 0))
    got(store.setValue(1, 10, 0, 0))
    got(store.saveAll())
    assert.deepStrictEqual([supply.writes.length, store.nextSave()], [before, undefined])
  })

  it("refuses the two keys that mean nothing, and more keys than a bank holds", () => {
    const store = mounted(emptyBoard().on(new Supply()))
    assert.strictEqual(refusalOf(store.setValue(0, 1, 0, 0)), "22 key")
    assert.strictEqual(refusalOf(store.setValue(0xffff, 1, 0, 0)), "22 key")
    for (let key = 1; key <= 14; key++) got(store.setValue(key, key, 0, 0))
    assert.strictEqual(refusalOf(store.saveAll()), "28 values")
    // They wait until there is room.
    assert.strictEqual(store.value(14), 14)
    got(store.collectValues(new Set([1, 2, 3])))
    got(store.saveAll())
    assert.deepStrictEqual([...found(store).keys()], [1, 2, 3])
  })

  it("forgets keys that nobody declares, for good", () => {
    const board = emptyBoard()
    const store = mounted(board.on(new Supply()))
    for (const key of [1, 2, 3]) got(store.setValue(key, key, 0, 0))
    got(store.saveAll())
    assert.strictEqual(got(store.collectValues(new Set([2, 9]))), 2)
    assert.deepStrictEqual([...found(mounted(board.on(new Supply())))], [[2, 2]])
  })

  it("takes an older value when the last record is damaged, and knows a key that has none left", () => {
    const board = emptyBoard()
    const store = mounted(board.on(new Supply()))
    for (const [key, bits] of [
      [1, 10],
      [1, 11],
      [2, 20]
    ] as const) {
      got(store.setValue(key, bits, 0, 0))
      got(store.saveAll())
    }
    // Records follow the bank's header of 24 bytes.
    const bank = 0x780
    for (const record of [1, 2]) board.nvm.write(bank + 24 + 8 * record + 6, Uint8Array.of(0x5a))
    const again = mounted(board.on(new Supply()))
    assert.deepStrictEqual([again.value(1), again.value(2), [...again.staleValues()]], [10, undefined, [2]])
    got(again.setValue(2, 21, 0, 0))
    got(again.saveAll())
    assert.deepStrictEqual([again.value(2), again.staleValues().size], [21, 0])
  })
})

/** What an operator and a program may do, in any order, with the power going at any time. */
const Step = Schema.Struct({
  kind: Schema.Literals(["save", "save", "save", "commit", "confirm", "rollback", "collect"]),
  key: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 9 })),
  bits: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 0xffff })),
  /** The write at which the power goes; most are after the end of the step. */
  cut: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 40 }))
})
const Steps = Schema.Array(Step).check(Schema.isMaxLength(25))
type Step = typeof Step.Type

/** Oracle: plain maps, and which configuration has which values to go back to. */
interface Model {
  readonly values: ReadonlyMap<number, number>
  /** Values from before the configuration that rules, if they are kept. */
  readonly frozen: ReadonlyMap<number, number> | undefined
  readonly generation: number
  readonly proven: boolean
  /** A configuration that is proven lies behind the one on trial. */
  readonly hasProvenBehind: boolean
  readonly hasBehind: boolean
}

/** What a step makes of the model when it comes to its end, or undefined when it is refused. */
const modelled = (model: Model, step: Step): Model => {
  switch (step.kind) {
    case "save":
      return { ...model, values: new Map([...model.values, [step.key, step.bits]]) }
    case "collect":
      return { ...model, values: new Map([...model.values].filter(([key]) => key % 2 === step.key % 2)) }
    case "confirm":
      return { ...model, proven: true }
    case "commit": {
      const overTrial = !model.proven && model.hasProvenBehind
      return {
        values: model.values,
        frozen: overTrial && model.frozen !== undefined ? model.frozen : model.values,
        generation: model.generation + 1,
        proven: false,
        hasProvenBehind: model.proven || model.hasProvenBehind,
        hasBehind: true
      }
    }
    case "rollback":
      return model
  }
}

const perform = (store: NvStore, step: Step): void => {
  switch (step.kind) {
    case "save":
      got(store.setValue(step.key, step.bits, 0, 0))
      return got(store.saveAll())
    case "collect":
      got(store.collectValues(new Set([1, 2, 3, 4, 5, 6, 7, 8, 9].filter((key) => key % 2 === step.key % 2))))
      return
    case "confirm":
      return got(store.confirm())
    case "commit":
      got(store.commit({ put: [{ name: "motor", image: { bytes: imageOf(step.bits, 64) } }] }))
      return
    case "rollback":
      return
  }
}

describe("values against plain maps", () => {
  it.prop("are what the last commit, save or rollback left, whatever the power did", { steps: Steps }, ({ steps }) => {
    const board: Board = emptyBoard()
    const random = seeded(1, "model")
    let model: Model = {
      values: new Map(),
      frozen: undefined,
      generation: 1,
      proven: true,
      hasProvenBehind: false,
      hasBehind: false
    }
    for (const step of steps) {
      const supply = new Supply(step.cut, scattered(random))
      if (step.kind === "rollback") {
        // Only from a trial to the proven one: the values of before the trial.
        if (model.proven || !model.hasProvenBehind) continue
        const before = model
        const whole = untilCut(() => got(mounted(board.on(supply)).rollback()))
        const store = mounted(board.on(new Supply()))
        const back: Model = {
          values: before.frozen ?? before.values,
          frozen: undefined,
          generation: before.generation + 1,
          proven: true,
          hasProvenBehind: false,
          hasBehind: true
        }
        model = whole || store.generation === back.generation ? back : before
      } else {
        const next = modelled(model, step)
        const whole = untilCut(() => perform(mounted(board.on(supply)), step))
        const store = mounted(board.on(new Supply()))
        const isNew =
          whole ||
          (step.kind === "commit"
            ? store.generation === next.generation
            : step.kind === "confirm"
              ? !store.isOnTrial
              : isSame(found(store), sorted(next.values)))
        if (isNew) model = next
      }
      const store = mounted(board.on(new Supply()))
      assert.deepStrictEqual([...found(store)], [...sorted(model.values)])
      assert.deepStrictEqual([store.generation, !store.isOnTrial], [model.generation, model.proven])
    }
  })
})

const isSame = (a: ReadonlyMap<number, number>, b: ReadonlyMap<number, number>): boolean =>
  JSON.stringify([...a]) === JSON.stringify([...b])
