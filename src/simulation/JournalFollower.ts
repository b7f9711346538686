/** A reader of the journal that checks what it reads: nothing lost, nothing twice, in order for each actor. */
import { addressKey } from "../actors/Host.ts"
import { decodeJournalBody } from "../protocol/JournalBody.ts"
import type { Database, JournalRow } from "./Database.ts"
import { between } from "./Random.ts"
import type { World } from "./World.ts"

/** Where a reader stands. */
export interface JournalPosition {
  readonly transaction: number
  readonly position: number
}

/** The rows after a position, at most `limit`, in the order in which they are to be read. */
export type JournalQuery = (database: Database, after: JournalPosition, limit: number) => ReadonlyArray<JournalRow>

/** By (transaction, position), below the horizon of transactions still open. */
export const journalBelowHorizon: JournalQuery = (database, after, limit) => {
  const horizon = database.horizon()
  const rows = database.journal.filter(
    ({ transaction, position }) =>
      transaction < horizon &&
      (transaction > after.transaction || (transaction === after.transaction && position > after.position))
  )
  rows.sort((left, right) => left.transaction - right.transaction || left.position - right.position)
  return rows.slice(0, limit)
}

const pageRows = 200
const pollMillis: readonly [number, number] = [200, 400]
/** A row this old has been read, unless the reader lost it. */
const readWithinMillis = 5000

/** Reads the journal of a run from its start to its end. */
export class JournalFollower {
  readonly #world: World
  #after: JournalPosition = { transaction: 0, position: 0 }
  readonly #read = new Set<JournalRow>()
  readonly #nextSeq = new Map<string, number>()

  constructor(world: World) {
    this.#world = world
    const random = world.random("journal")
    const poll = () => {
      this.#poll()
      world.time.at(between(random, ...pollMillis), poll)
    }
    poll()
  }

  #poll(): void {
    const { database, time, ports } = this.#world
    if (time.now < database.stalledUntil) return
    for (const row of ports.journal(database, this.#after, pageRows)) {
      this.#after = { transaction: row.transaction, position: row.position }
      this.#take(row)
    }
  }

  #take(row: JournalRow): void {
    const { verdict } = this.#world
    const actor = addressKey(row)
    verdict.check("event read once", !this.#read.has(row), () => `${actor} version ${row.version}`)
    this.#read.add(row)
    for (const { seq, type, data } of decodeJournalBody(row.body)) {
      const expected = this.#nextSeq.get(actor) ?? 1
      verdict.check(
        "events in order, none lost",
        seq === expected,
        () => `${actor}: event ${seq} where ${expected} was due`
      )
      this.#nextSeq.set(actor, seq + 1)
      if (row.kind === "device") this.#world.boards.journalled(row.id, type, data)
      if (row.kind === "session") this.#world.deliveries.journalled(row.id, type)
    }
  }

  /** At the end of a run: every row old enough was read. */
  finish(): void {
    const { database, time, verdict } = this.#world
    for (const row of database.journal) {
      if (row.committedAt > time.now - readWithinMillis) continue
      verdict.check("event reaches its reader", this.#read.has(row), () => `${addressKey(row)} version ${row.version}`)
    }
  }
}
