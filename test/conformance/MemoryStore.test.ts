import { addressKey } from "../../src/actors/Host.ts"
import { Connection, defaultTimes } from "../../src/simulation/Connection.ts"
import { Database } from "../../src/simulation/Database.ts"
import { MemoryStore } from "../../src/simulation/MemoryStore.ts"
import { randomOf } from "../../src/simulation/Random.ts"
import { VirtualHost, VirtualTime } from "../../src/simulation/VirtualTime.ts"
import { storeConformance } from "./store.ts"

storeConformance("MemoryStore", async () => {
  const time = new VirtualTime()
  const random = randomOf(7, "store")
  const host = new VirtualHost(time, random, {
    clockSkewMillis: 0,
    report: (what, cause) => {
      throw new Error(what, { cause })
    }
  })
  const database = new Database(() => time.now)
  const connection = new Connection(database, host, random, () => 0, { ...defaultTimes, rollbackShare: 0 })
  return {
    store: new MemoryStore(connection, "node"),
    answer: async <A>(start: (done: (outcome: A) => void) => void): Promise<A> => {
      const outcomes: Array<A> = []
      start((outcome) => outcomes.push(outcome))
      time.runUntil(time.now + 10_000)
      const [outcome] = outcomes
      if (outcomes.length !== 1) throw new Error(`${outcomes.length} answers`)
      return outcome as A
    },
    journal: async () => database.journal.map(({ kind, id, version, body }) => ({ kind, id, version, body })),
    deadLetters: async () => database.deadLetters,
    row: async (address) => {
      const row = database.rows.get(addressKey(address))
      return row && { version: row.version, owner: row.owner }
    },
    release: async (address) => {
      database.quarantines.delete(addressKey(address))
    }
  }
})
