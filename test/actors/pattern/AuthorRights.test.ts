import { assert, describe, it } from "@effect/vitest"
import { done, type JudgedMatch } from "../../../src/actors/pattern/Actions.ts"
import { refusedActsMax } from "../../../src/protocol/Operator.ts"
import type { Action } from "../../../src/protocol/pattern/Pattern.ts"

const now = 1_700_000_000_000
const tell: Action = { _tag: "Tell", kind: "device", id: "$source.id", message: "SetDesired", payload: {} }
const event: Action = { _tag: "Event", type: "line.hot" }

const found = (board: string, author: string, missing: ReadonlyArray<Action>): JudgedMatch => ({
  match: {
    id: `m-${board}`,
    pattern: "hot",
    version: 1,
    key: board,
    by: { "source.id": board },
    kind: "match",
    at: now - 1000,
    events: [],
    values: {},
    isWarm: true
  },
  depth: 1,
  priority: "normal",
  actions: [event, tell],
  because: { causes: [], root: "r" },
  author,
  missing: new Map(missing.map((action) => [action, "device.set"]))
})

describe("a match of a pattern whose author has lost a right", () => {
  it("tells nobody what the author may not, and the account of the author what was refused", () => {
    const { events, tells } = done([found("b-1", "user:ada", []), found("b-2", "user:ron", [tell])], now)
    assert.deepStrictEqual(
      events.map(({ type }) => type),
      ["pattern.matched", "line.hot", "pattern.matched", "line.hot"]
    )
    const act = { capability: "device.set", message: "SetDesired", target: "device/b-2, by pattern hot" }
    assert.deepStrictEqual(tells, [
      { to: { kind: "device", id: "b-1" }, message: "SetDesired", payload: {}, causedBy: 0 },
      {
        to: { kind: "operator", id: "ron" },
        message: "NoteRefusals",
        payload: { refusals: [{ ...act, count: 1, first: now, last: now }] },
        causedBy: 2
      }
    ])
  })

  it("is told of once a commit, with the same acts counted, and no more of them than one message names", () => {
    const boards = Array.from({ length: refusedActsMax + 5 }, (_, index) => `b-${index}`)
    const { tells } = done(
      [...boards, "b-0"].map((board) => found(board, "user:ron", [tell])),
      now
    )
    assert.lengthOf(tells, 1)
    const { refusals } = Object(tells[0]?.payload)
    assert.lengthOf(refusals, refusedActsMax + 1)
    assert.include(refusals[0], { target: "device/b-0, by pattern hot", count: 2 })
    assert.include(refusals.at(-1), { target: "*", count: 5 })
  })
})
