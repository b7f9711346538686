import { assert, describe, it } from "@effect/vitest"
import { Turns } from "../../../devices/programs/Turns.ts"
import { VirtualTime } from "../VirtualTime.ts"

const bench = (nextDue: (now: number) => number | undefined) => {
  const time = new VirtualTime()
  const steps: Array<readonly [at: number, instructions: number]> = []
  const turns = new Turns(time.clock(), {
    step: (instructions) => steps.push([time.now, instructions]),
    nextDue: () => nextDue(time.now)
  })
  return { time, steps, turns, at: () => steps.map(([at]) => at) }
}

describe("turns", () => {
  it("give a program that never waits a bounded number of instructions, and the rest of the time to others", () => {
    const { at, steps, time, turns } = bench((now) => now)
    let others = 0
    const other = () => {
      others++
      time.schedule(1, other)
    }
    other()
    turns.look()
    time.advance(1000)
    assert.lengthOf(at(), 101)
    assert.strictEqual(
      steps.reduce((sum, [, instructions]) => sum + instructions, 0),
      1_010_000
    )
    assert.strictEqual(others, 1001)
  })

  it("wait until the next program is due", () => {
    const { at, time, turns } = bench((now) => (now < 700 ? 700 : undefined))
    turns.look()
    time.advance(699)
    assert.deepStrictEqual(at(), [])
    time.advance(10_000)
    assert.deepStrictEqual(at(), [700])
    assert.strictEqual(time.pending, 0)
  })

  it("come earlier when something is due earlier, and once however often one looks", () => {
    let due: number | undefined = 700
    const { at, time, turns } = bench(() => due)
    turns.look()
    due = 300
    turns.look()
    turns.look()
    assert.strictEqual(time.pending, 1)
    time.advance(299)
    due = undefined
    turns.look()
    time.advance(1000)
    assert.deepStrictEqual(at(), [])
  })

  it("are not put off by looking again and again", () => {
    const { at, time, turns } = bench((now) => now)
    turns.look()
    for (let millis = 0; millis < 100; millis += 0.5) {
      time.advance(0.5)
      turns.look()
    }
    assert.lengthOf(at(), 11)
  })

  it("end when nothing is to run any more", () => {
    const { time, turns } = bench((now) => now)
    turns.look()
    turns.stop()
    assert.strictEqual(time.pending, 0)
  })
})
