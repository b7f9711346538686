import { assert, describe, it } from "@effect/vitest"
import type { NvStore } from "../../../devices/nv/NvStore.ts"
import { Trial } from "../../../devices/nv/Trial.ts"
import { Supply } from "./PowerCut.ts"
import { emptyBoard, got, imageOf, mounted } from "./Stores.ts"

const motor = (seed: number) => ({ name: "motor", image: { bytes: imageOf(seed) } })

const bench = () => {
  const board = emptyBoard()
  let store: NvStore = mounted(board.on(new Supply()))
  got(store.commit({ put: [motor(1)] }))
  got(store.confirm())
  got(store.commit({ put: [motor(2)] }))
  /** The board starts anew. */
  const start = (failuresMax?: number): Trial => {
    store = mounted(board.on(new Supply()))
    return new Trial(store, failuresMax)
  }
  return { start, image: () => got(store.image("motor")).bytes, state: () => store.bootState, commit: () => store }
}

describe("a configuration on trial", () => {
  it("has three starts, over as many boots, and is then left for the proven one", () => {
    const { start, image } = bench()
    for (let attempt = 1; attempt <= 3; attempt++) {
      const trial = start()
      assert.isUndefined(got(trial.begin()))
      assert.deepStrictEqual([trial.isOn, trial.isExhausted, trial.attempts], [true, false, attempt - 1])
      got(trial.attempt())
      trial.failed("fault")
    }
    const last = start()
    got(last.begin())
    assert.isTrue(last.isExhausted)
    assert.isTrue(last.leave())
    assert.deepStrictEqual([last.isOn, last.isExhausted], [false, false])
    assert.deepStrictEqual(image(), imageOf(1))
  })

  it("has as many starts as somebody else says", () => {
    const { start } = bench()
    const trial = start(1)
    got(trial.attempt())
    assert.isTrue(trial.isExhausted)
    assert.strictEqual(trial.attemptsMax, 1)
  })

  it("is told of a start that ended with neither word nor confirmation, once", () => {
    const { start, state } = bench()
    got(start().attempt())
    const next = start()
    assert.strictEqual(got(next.begin()), 1)
    assert.strictEqual(state().lastReason, 4)
    assert.isUndefined(got(start().begin()))
  })

  it("is not left twice in a row: that would not end", () => {
    const { commit, start } = bench()
    const first = start()
    got(first.begin())
    assert.isFalse(first.isLoop)
    assert.isTrue(first.leave())
    got(commit().commit({ put: [motor(3)] }))
    const second = start()
    got(second.begin())
    assert.isTrue(second.isLoop)
    second.stop()
    const third = start()
    got(third.begin())
    assert.isTrue(third.isStopped)
    for (let boot = 0; boot < 4; boot++) got(start().begin())
    assert.isFalse(start().isLoop)
  })

  it("cannot be left where nothing was proven, and stays exhausted", () => {
    const board = emptyBoard()
    const store = mounted(board.on(new Supply()))
    got(store.commit({ put: [motor(1)] }))
    got(store.confirm())
    got(store.commit({ put: [motor(2)] }))
    const proven = got(store.slots()).findIndex(({ state }) => state === 11)
    board.flash.write(proven * 512 + 96, new Uint8Array(200))
    const trial = new Trial(mounted(board.on(new Supply())))
    for (let attempt = 0; attempt < 3; attempt++) got(trial.attempt())
    assert.isFalse(trial.leave())
    assert.deepStrictEqual([trial.isOn, trial.isExhausted, trial.isStopped], [true, true, false])
  })
})
