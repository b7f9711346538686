import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { isTransition, taskStates, transition } from "../../../../devices/hxe/executive/TaskState.ts"

/** From each state, in the order of the columns: ready running waiting_mbx sleeping paused returned terminated killed. */
const table = {
  none: [1, 1, 1, 1, 1, 1, 1, 0],
  loading: [1, 1, 0, 0, 0, 0, 1, 0],
  ready: [1, 1, 1, 1, 1, 1, 1, 1],
  running: [1, 1, 1, 1, 1, 1, 1, 1],
  waiting_mbx: [1, 1, 1, 0, 1, 0, 1, 1],
  sleeping: [1, 1, 0, 1, 1, 0, 1, 1],
  paused: [1, 1, 0, 0, 1, 0, 1, 1],
  returned: [0, 0, 0, 0, 0, 1, 1, 1],
  terminated: [0, 0, 0, 0, 0, 0, 1, 0],
  killed: [0, 0, 0, 0, 0, 0, 0, 1]
} as const
const columns = ["ready", "running", "waiting_mbx", "sleeping", "paused", "returned", "terminated", "killed"] as const

describe("task states", () => {
  it("follow each other as the table says, and in no other way", () => {
    for (const from of [undefined, ...taskStates]) {
      const allowed = columns.map((to) => (isTransition(from, to) ? 1 : 0))
      assert.deepStrictEqual(allowed, [...table[from ?? "none"]], `from ${from ?? "none"}`)
      if (from !== undefined) assert.isFalse(isTransition(from, "loading"))
    }
  })

  it("name the task and both states when a change is illegal", () => {
    const refused = transition(4, "killed", "running")
    if (Result.isSuccess(refused)) return assert.fail()
    assert.deepStrictEqual(refused.failure, {
      code: 16,
      detail: "invalid_state_transition:killed->running:pid=4"
    })
  })
})
