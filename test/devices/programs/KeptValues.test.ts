import { assert, describe, it } from "@effect/vitest"
import { type NvDevice, NvFault } from "../../../devices/nv/NvDevice.ts"
import { KeptValues } from "../../../devices/programs/KeptValues.ts"
import { Supply } from "../nv/PowerCut.ts"
import { emptyBoard, mounted } from "../nv/Stores.ts"
import { VirtualTime } from "../VirtualTime.ts"

const bench = () => {
  const time = new VirtualTime()
  const board = emptyBoard()
  let isBroken = false
  const { flash, nvm } = board.on(new Supply())
  const failing: NvDevice = {
    ...nvm,
    write: (offset, bytes) => {
      if (isBroken) throw new NvFault(offset)
      nvm.write(offset, bytes)
    }
  }
  const values = new KeptValues(mounted({ nvm: failing, flash }), time.clock())
  return {
    time,
    values,
    /** What is there after the power went now. */
    kept: (key: number) => mounted(board.copy().on(new Supply())).value(key),
    breaks: (broken: boolean) => {
      isBroken = broken
    }
  }
}

describe("a value that is kept", () => {
  it("is in the memory a moment after it changed, with what it is then", () => {
    const { kept, time, values } = bench()
    values.save(17, 1)
    values.save(17, 2)
    assert.strictEqual(values.load(17), 2)
    assert.isUndefined(kept(17))
    time.advance(150)
    assert.strictEqual(kept(17), 2)
    assert.strictEqual(time.pending, 0)
  })

  it("is saved at once when the board stops in order, and not when it only stops", () => {
    const { kept, time, values } = bench()
    values.save(17, 1)
    values.stop()
    assert.strictEqual(time.pending, 0)
    assert.isUndefined(kept(17))
    values.flush()
    assert.strictEqual(kept(17), 1)
  })

  it("is tried again with the next one where the memory failed, not for ever", () => {
    const { breaks, kept, time, values } = bench()
    breaks(true)
    values.save(17, 1)
    time.advance(1000)
    assert.strictEqual(time.pending, 0)
    breaks(false)
    values.save(18, 2)
    time.advance(1000)
    assert.deepStrictEqual([kept(17), kept(18)], [1, 2])
  })
})
