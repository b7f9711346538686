import { assert, describe, it } from "@effect/vitest"
import type { NvEvent } from "../../../devices/nv/NvEvents.ts"
import { wearOf } from "../../../devices/nv/Wear.ts"
import { Supply } from "./PowerCut.ts"
import { emptyBoard, got, imageOf, mounted, refusalOf } from "./Stores.ts"

const motor = (seed: number) => ({ name: "motor", image: { bytes: imageOf(seed) } })

describe("wear", () => {
  it("is a warning from 80 % of the limit and the end from all of it", () => {
    assert.deepStrictEqual(
      [79, 80, 99, 100, 130].map((count) => wearOf("image", 0, count, 100).level),
      ["good", "warn", "warn", "worn", "worn"]
    )
  })

  it("is spread over all slots", () => {
    const board = emptyBoard()
    const store = mounted(board.on(new Supply()))
    for (let round = 0; round < 60; round++) {
      got(store.commit({ put: [motor(round)] }))
      got(store.confirm())
    }
    const counts = got(store.slots()).map((slot) => slot.wear)
    assert.strictEqual(
      counts.reduce((sum, count) => sum + count, 0),
      60
    )
    assert.isAtMost(Math.max(...counts) - Math.min(...counts), 1)
    // Counters are in the memory, not in the store's head.
    assert.deepStrictEqual(
      got(mounted(board.on(new Supply())).slots()).map((slot) => slot.wear),
      counts
    )
  })

  it("is told once per slot and level, and ends in a refusal when no good slot is left", () => {
    const board = emptyBoard()
    const events: Array<NvEvent> = []
    const options = { limits: { flashErases: 5 }, observe: (event: NvEvent) => events.push(event) }
    const store = mounted(board.on(new Supply()), options)
    let commits = 0
    for (;;) {
      const committed = store.commit({ put: [motor(commits)] })
      if (committed._tag === "Failure") {
        assert.strictEqual(refusalOf(committed), "5 worn")
        break
      }
      commits++
      got(store.confirm())
    }
    // Two slots are held by the configurations when the other four are worn.
    const counts = got(store.slots()).map(({ wear }) => wear)
    assert.isAtLeast(commits, 28)
    assert.isAtMost(Math.max(...counts), 5)
    const told = events.flatMap((event) => (event.type === "wear" ? `${event.wear.slot} ${event.wear.level}` : []))
    assert.strictEqual(new Set(told).size, told.length)
    assert.strictEqual(
      told.filter((each) => each.endsWith("worn")).length,
      counts.filter((count) => count === 5).length
    )
    assert.deepStrictEqual(got(store.image("motor")).bytes, imageOf(commits - 1))
  })

  it("leaves a worn slot out while another is free", () => {
    const board = emptyBoard()
    const fresh = mounted(board.on(new Supply()))
    for (let round = 0; round < 9; round++) {
      got(fresh.commit({ put: [motor(round)] }))
      got(fresh.confirm())
    }
    const before = got(fresh.slots()).map(({ wear }) => wear)
    const store = mounted(board.on(new Supply()), { limits: { flashErases: 2 } })
    got(store.commit({ put: [motor(20)] }))
    const chosen = got(store.slots()).findIndex(({ wear }, slot) => wear !== before[slot])
    assert.strictEqual(before[chosen], 1)
  })

  it("counts the writes of the other partitions with each commit", () => {
    const board = emptyBoard()
    const store = mounted(board.on(new Supply()))
    const countOf = (partition: string): number => store.wear().find((wear) => wear.partition === partition)?.count ?? 0
    assert.deepStrictEqual(["boot", "manifest", "values", "keys"].map(countOf), [0, 0, 0, 0])
    got(store.commit({ put: [motor(1)] }))
    assert.strictEqual(countOf("manifest"), 1)
    const values = countOf("values")
    for (let round = 0; round < 5; round++) {
      got(store.setValue(7, round, 0, 0))
      got(store.saveAll())
    }
    got(store.confirm())
    got(store.commit({ put: [motor(2)] }))
    assert.isAtLeast(countOf("values"), values + 5)
    assert.isAtLeast(countOf("boot"), 2)
    const again = mounted(board.on(new Supply())).wear()
    assert.deepStrictEqual(again, store.wear())
  })
})
