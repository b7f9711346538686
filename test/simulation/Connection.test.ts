import { assert, describe, it } from "@effect/vitest"
import { Connection, defaultTimes } from "../../src/simulation/Connection.ts"
import { Database, type Transaction } from "../../src/simulation/Database.ts"
import { journalBelowHorizon } from "../../src/simulation/JournalFollower.ts"
import { randomOf } from "../../src/simulation/Random.ts"
import { VirtualHost, VirtualTime } from "../../src/simulation/VirtualTime.ts"

const bytes = new Uint8Array([1])
const row = (id: string, expected: number) => ({
  kind: "ledger",
  id,
  expected,
  shard: 0,
  format: 1,
  head: bytes,
  wakeAt: null,
  atTakeover: false,
  put: [],
  remove: [],
  journal: bytes,
  at: 0,
  dead: []
})

const worldOf = (seed = 1) => {
  const time = new VirtualTime()
  const host = new VirtualHost(time, randomOf(seed, "host"), { clockSkewMillis: 0, report: () => {} })
  const database = new Database(() => time.now)
  let cutUntil = 0
  const connection = new Connection(database, host, randomOf(seed, "statements"), () => cutUntil, {
    ...defaultTimes,
    lateShare: 0,
    rollbackShare: 0
  })
  const outcomes: Array<unknown> = []
  const ran: Array<number> = []
  const send = () =>
    connection.send({ run: () => ran.push(time.now) > 0, timeoutMillis: 2500 }, (outcome) => outcomes.push(outcome))
  const cut = (millis: number) => {
    cutUntil = time.now + millis
  }
  return { time, host, database, outcomes, ran, send, cut }
}

describe("a statement", () => {
  it("still runs when the process that sent it is frozen, and its answer is read after the thaw", () => {
    const { time, host, outcomes, ran, send } = worldOf()
    send()
    host.freeze()
    time.runUntil(1000)
    assert.strictEqual(ran.length, 1)
    assert.deepStrictEqual(outcomes, [])
    time.at(0, () => host.thaw())
    time.runUntil(1001)
    assert.deepStrictEqual(outcomes, [true])
  })

  it("may run after its sender has called it lost, or never, when it was sent into a cut", () => {
    let late = 0
    let never = 0
    for (let seed = 1; seed <= 40; seed++) {
      const { time, outcomes, ran, send, cut } = worldOf(seed)
      cut(4000)
      send()
      time.runUntil(10_000)
      assert.deepStrictEqual(outcomes, [{ _tag: "Outage", cause: "no answer in time" }])
      if (ran.length === 0) never++
      else if ((ran[0] ?? 0) >= 4000) late++
    }
    assert.strictEqual(late + never, 40)
    assert.isAbove(late, 5)
    assert.isAbove(never, 5)
  })

  it("may have run though its answer never comes", () => {
    const { time, outcomes, ran, send, cut } = worldOf()
    send()
    // The cut begins when the statement has left.
    while (ran.length === 0) time.runUntil(time.now + 0.01)
    cut(10_000)
    time.runUntil(5000)
    assert.strictEqual(ran.length, 1)
    assert.deepStrictEqual(outcomes, [{ _tag: "Outage", cause: "no answer in time" }])
  })

  it("waits for a database that stalls, and is lost with one that restarts meanwhile", () => {
    const stalled = worldOf()
    stalled.database.stalledUntil = 1500
    stalled.send()
    stalled.time.runUntil(1400)
    assert.deepStrictEqual(stalled.outcomes, [])
    stalled.time.runUntil(2000)
    assert.deepStrictEqual(stalled.outcomes, [true])
    const restarted = worldOf()
    restarted.database.stalledUntil = 1500
    restarted.send()
    restarted.time.runUntil(1000)
    restarted.database.restart()
    restarted.time.runUntil(2000)
    assert.deepStrictEqual(restarted.outcomes, [{ _tag: "Outage", cause: "connection reset" }])
    assert.deepStrictEqual(restarted.ran, [])
  })
})

describe("the journal", () => {
  const commit = (database: Database, id: string, transaction: Transaction) => {
    database.claim([{ kind: "ledger", id, shard: 0, creates: true }], "node")
    assert.deepStrictEqual(database.commit("node", [row(id, 1)], transaction), {
      _tag: "Written",
      fenced: new Set<number>()
    })
    database.end(transaction)
  }

  it("shows nothing behind which an older transaction may still write", () => {
    const { database } = worldOf()
    const [older, newer] = [database.begin(), database.begin()]
    const start = { transaction: 0, position: 0 }
    commit(database, "second", newer)
    assert.deepStrictEqual(journalBelowHorizon(database, start, 10), [])
    commit(database, "first", older)
    const ids = journalBelowHorizon(database, start, 10).map(({ id }) => id)
    assert.deepStrictEqual(ids, ["first", "second"])
  })
})
