import { assert, describe, it } from "@effect/vitest"
import type { DispatcherState } from "../../../../src/protocol/vsm/Dispatcher.ts"
import type { Ended } from "../../../../src/protocol/vsm/Op.ts"
import { VsmId } from "../../../../src/protocol/vsm/VsmId.ts"
import { latest, recall, recallByKey, remember } from "../../../../src/systems/operations/dispatcher/Memory.ts"
import { storage } from "../../../../src/systems/operations/dispatcher/Stored.ts"

const none: DispatcherState = {
  ops: new Map(),
  acts: new Map(),
  chunks: new Map(),
  recent: new Map(),
  pages: [],
  tallies: new Map()
}
const day = 86_400_000
const idOf = (at: number): string => `01930000-0000-7000-8000-${at.toString(16).padStart(12, "0")}`

const ended = (at: number, endedAt: number): Ended => ({
  key: `user/ada ${at}`,
  view: {
    op: idOf(at),
    by: "user/ada",
    path: [VsmId.make("root")],
    priority: "normal",
    state: "ended",
    outcome: "done",
    askedAt: endedAt,
    until: endedAt,
    endedAt,
    targetCount: 0,
    chunkCount: 0,
    failedCount: 0,
    retries: 0,
    took: {},
    progress: 1,
    chunks: []
  }
})

const grown = (count: number, everyMillis = 1): DispatcherState => {
  let state = none
  for (let at = 1; at <= count; at++) state = remember(state, ended(at, at * everyMillis), at * everyMillis)
  return state
}

describe("the memory of ops", () => {
  it("keeps long answers and plans of the last ones only", () => {
    const more = { answer: { sentence: "2 devices", data: { rows: [1, 2] } }, planned: [] }
    let state = none
    for (let at = 1; at <= 65; at++) {
      const { view, ...rest } = ended(at, at)
      state = remember(state, { ...rest, view: { ...view, ...more } }, at)
    }
    assert.deepInclude(recall(state, idOf(65))?.view, more)
    const old = recall(state, idOf(1))?.view
    assert.deepStrictEqual(old?.answer, { sentence: "2 devices", data: null })
    assert.isUndefined(old?.planned)
  })

  it("has those that ended last, by op and by key, newest first in lists", () => {
    const state = grown(200)
    for (const at of [1, 64, 65, 199, 200]) {
      assert.strictEqual(recall(state, idOf(at))?.view.endedAt, at)
      assert.strictEqual(recallByKey(state, `user/ada ${at}`)?.view.op, idOf(at))
    }
    assert.isUndefined(recall(state, idOf(201)))
    assert.deepStrictEqual(
      latest(state, 70).map(({ view }) => view.endedAt),
      Array.from({ length: 70 }, (_, at) => 200 - at)
    )
  })

  it("holds ten thousand, and drops the oldest of more a page at a time", () => {
    const state = grown(12_000)
    const count = state.recent.size + state.pages.reduce((sum, { ended: each }) => sum + each.length, 0)
    assert.isAtMost(count, 10_000 + 64)
    assert.isAtLeast(count, 10_000 - 64)
    assert.isUndefined(recall(state, idOf(1)))
    assert.isDefined(recall(state, idOf(12_000)))
  })

  it("forgets what ended more than a day ago", () => {
    const state = grown(128, day / 60)
    assert.isUndefined(recall(state, idOf(1)))
    assert.isDefined(recall(state, idOf(128)))
  })

  it("rests in parts of which the pages are never written again, and comes back as it was", () => {
    const before = grown(127)
    const next = remember(before, ended(128, 128), 128)
    const [{ parts: old }, { parts, head }] = [storage.split(before, 1), storage.split(next, 1)]
    assert.strictEqual(parts.get("page/1"), old.get("page/1"))
    assert.isFalse(
      [...parts.keys()].some((key) => key.startsWith("ended/")),
      "the last ones became a page"
    )
    assert.deepStrictEqual(storage.join(head, parts, "root", 1), next)
  })
})
