import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { RolloutPage, RolloutSummary } from "../../../src/protocol/Rollout.ts"
import { encodeStored } from "../../../src/protocol/Stored.ts"
import { fleet, type RolloutRig, started } from "./RolloutRig.ts"

const page = (rig: RolloutRig, query: object): RolloutPage =>
  Schema.decodeUnknownSync(RolloutPage)(rig.ask("GetBoards", query))

describe("a rollout of ten thousand boards", () => {
  it.each(["Watch", "GetRollout", "Pause"])("is told by %s in few bytes: each step with its count", (message) => {
    const reply = started(10_000).ask(message)
    const { total, counts } = Schema.decodeUnknownSync(RolloutSummary)(reply)
    assert.deepStrictEqual([total, counts], [10_000, { provisioning: 1, waiting: 9999 }])
    assert.isBelow(encodeStored(reply).length, 700)
  })

  it("shows its boards in pages, each of them once", () => {
    const rig = started(1201)
    const ids: Array<string> = []
    for (let from: number | undefined = 0; from !== undefined; ) {
      const { boards, next } = page(rig, { from })
      assert.isAtMost(boards.length, 500)
      ids.push(...boards.map(({ id }) => id))
      from = next
    }
    assert.deepStrictEqual(ids, fleet(1201))
  })

  it("shows those that stand at one step, and from where to go on", () => {
    const rig = started(40)
    rig.good("board-0")
    const first = page(rig, { step: "waiting", limit: 2 })
    assert.deepStrictEqual([first.boards.map(({ id }) => id), first.next], [["board-3", "board-4"], 5])
    const last = page(rig, { from: 39, limit: 1, step: "waiting" })
    assert.deepStrictEqual([last.boards.map(({ id }) => id), last.next], [["board-39"], undefined])
  })
})
