import { assert, describe, it } from "@effect/vitest"
import type { Store } from "../../src/actors/Store.ts"
import { counted, Workload } from "../../src/runtime/Workload.ts"

/** A store that keeps what it is given until it is told what to answer. */
const holding = () => {
  const open: Array<(outcome: { readonly _tag: "Outage"; readonly cause: unknown } | "well") => void> = []
  const hold = (answer: (isWell: boolean) => void): void => {
    open.push((outcome) => answer(outcome === "well"))
  }
  const outage = { _tag: "Outage", cause: "away" } as const
  const store: Store = {
    claim: (_requests, _owner, done) => hold((isWell) => done(isWell ? [] : outage)),
    commit: (_lane, _owner, _rows, done) =>
      hold((isWell) => done(isWell ? { _tag: "Written", fenced: new Set() } : outage)),
    due: (_shards, _now, _takeover, _limit, done) =>
      hold((isWell) => done(isWell ? { actors: [], untold: [] } : outage)),
    quarantine: (_entry, done) => hold((isWell) => done(isWell ? true : outage)),
    told: (_address, _since, done) => hold((isWell) => done(isWell ? undefined : outage))
  }
  return { store, open }
}

describe("the workload of a node", () => {
  const start = () => {
    const time = { now: 1000 }
    const work = new Workload(() => time.now)
    const { store, open } = holding()
    const watched = counted(store, work)
    const nothing = (): void => {}
    const each = [
      () => watched.claim([], "n", nothing),
      () => watched.commit(0, "n", [], nothing),
      () => watched.due([], 0, false, 1, nothing),
      () =>
        watched.quarantine({ kind: "k", id: "i", shard: 1, expected: 1, since: 0, cause: "", attempts: 1 }, nothing),
      () => watched.told({ kind: "k", id: "i" }, 0, nothing)
    ]
    return { time, work, open, each }
  }

  it("counts every statement that is begun and answered, also one that is refused its row", () => {
    const { time, work, open, each } = start()
    for (const run of each) run()
    assert.deepInclude(work, { accepted: 5, completed: 0, waiting: 5, progressAt: 1000 })
    time.now = 4000
    for (const answer of open) answer("well")
    assert.deepInclude(work, { accepted: 5, completed: 5, waiting: 0, progressAt: 4000 })
  })

  it("has done nothing while the store is away, however often it tries", () => {
    const { time, work, open, each } = start()
    const [run = () => {}] = each
    for (let tries = 0; tries < 3; tries++) {
      run()
      time.now += 5000
      open.shift()?.({ _tag: "Outage", cause: "away" })
    }
    run()
    assert.deepInclude(work, { accepted: 4, completed: 0, waiting: 1, progressAt: 1000 })
    open.shift()?.("well")
    assert.deepInclude(work, { completed: 1, progressAt: 16_000 })
  })

  it("does not stand still while it has nothing to do", () => {
    const { time, work, open, each } = start()
    const [run = () => {}] = each
    run()
    open.shift()?.("well")
    time.now = 100_000
    run()
    assert.strictEqual(work.progressAt, 100_000)
  })
})
