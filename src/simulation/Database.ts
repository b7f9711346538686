/**
 * What the simulated PostgreSQL holds: rows, journal, quarantine, dead letters, lock sessions and members. Each method is
 * one statement and takes effect whole. Timing and faults are the connection's ({@link Connection}).
 */
import { type Address, addressKey } from "../actors/Host.ts"
import type {
  Claimed,
  ClaimRequest,
  CommitRow,
  Committed,
  DeadLetter,
  Due,
  Parts,
  QuarantineEntry
} from "../actors/Store.ts"
import { supervisorPart } from "../actors/Supervisor.ts"

/** The row of one actor. Bytes are never changed in place. */
export interface Row extends Address {
  readonly shard: number
  version: number
  owner: string
  format: number
  head: Uint8Array | null
  parts: Map<string, Uint8Array>
  wakeAt: number | null
  atTakeover: boolean
}

/** What one commit emitted. `position` grows in the order of inserts, `transaction` in the order of begins: neither is the order of commits. */
export interface JournalRow extends Address {
  readonly transaction: number
  readonly position: number
  readonly version: number
  readonly at: number
  readonly body: Uint8Array
  /** When it became visible, for checkers. */
  readonly committedAt: number
}

/** Why an actor stands still. */
export interface QuarantineRow extends Address {
  readonly shard: number
  readonly since: number
  readonly cause: string
  readonly attempts: number
  readonly by: string
  told: boolean
}

/** A connection that holds shard locks for as long as it lives. */
export interface LockSession {
  readonly id: number
  readonly node: string
  isAlive: boolean
  /** When its last statement arrived, ms of the run. */
  heardAt: number
}

/** The server ends a lock session that says nothing for this long (ms): its client may have gone without a word. */
export const lockExpiry = 8000

/** A member of the cluster as it wrote itself down. */
export interface Member {
  readonly node: string
  heartbeatAt: number
  sessionId: number
  isHealthy: boolean
  /** Its last heartbeats, oldest first. */
  recent: Array<number>
}

/** Watches what becomes durable. It is no part of the store: only checkers use it. */
export interface DatabaseObserver {
  readonly claimed?: (row: Row, owner: string) => void
  readonly written?: (row: Row, owner: string, commit: CommitRow) => void
  readonly quarantined?: (entry: QuarantineRow) => void
}

/** A transaction id with the positions it drew. */
export interface Transaction {
  readonly id: number
  readonly nextPosition: () => number
}

/** A part of this name makes the store refuse a row's data, as PostgreSQL refuses a NUL in a text. */
export const refusedPart = "refused-by-the-store"

/** More than a statement may have rows. */
const positionsEach = 512

/** The simulated database. Checkers read its maps; nodes reach it by a connection. */
export class Database {
  readonly rows = new Map<string, Row>()
  readonly journal: Array<JournalRow> = []
  readonly quarantines = new Map<string, QuarantineRow>()
  readonly deadLetters: Array<DeadLetter & Address> = []
  readonly sessions = new Map<number, LockSession>()
  readonly locks = new Map<number, number>()
  readonly members = new Map<string, Member>()
  observer: DatabaseObserver = {}
  /** Statements wait until this instant (ms of the run). */
  stalledUntil = 0
  /** Grows with each restart; what was begun before is lost. */
  generation = 0
  #transactions = 0
  #positions = 0
  #sessionIds = 0
  readonly #open = new Set<number>()
  readonly #now: () => number

  constructor(now: () => number) {
    this.#now = now
  }

  begin(): Transaction {
    const id = ++this.#transactions
    this.#open.add(id)
    // Positions are drawn while the statement runs, its commit comes later: others may overtake it.
    let position = this.#positions
    this.#positions += positionsEach
    return { id, nextPosition: () => ++position }
  }

  end(transaction: Transaction): void {
    this.#open.delete(transaction.id)
  }

  /** All transactions below it have ended: a reader that stays below loses nothing. */
  horizon(): number {
    let least = this.#transactions + 1
    for (const id of this.#open) if (id < least) least = id
    return least
  }

  /** Kills every session and every open transaction. */
  restart(): void {
    this.generation++
    this.#open.clear()
    for (const session of this.sessions.values()) session.isAlive = false
  }

  openSession(node: string): LockSession {
    const session = { id: ++this.#sessionIds, node, isAlive: true, heardAt: this.#now() }
    this.sessions.set(session.id, session)
    return session
  }

  /** Whether a statement of this session is heard: those of one that has ended are not. */
  hears(session: LockSession): boolean {
    if (!this.#isOpen(session)) return false
    session.heardAt = this.#now()
    return true
  }

  /** Takes the locks of shards that nobody else holds. Answers which of them the session then has. */
  lock(shards: ReadonlyArray<number>, session: LockSession): ReadonlyArray<number> {
    if (!this.hears(session)) return []
    return shards.filter((shard) => {
      const holder = this.sessions.get(this.locks.get(shard) ?? 0)
      if (holder !== session && holder !== undefined && this.#isOpen(holder)) return false
      this.locks.set(shard, session.id)
      return true
    })
  }

  #isOpen(session: LockSession): boolean {
    if (this.#now() - session.heardAt >= lockExpiry) session.isAlive = false
    return session.isAlive
  }

  claim(requests: ReadonlyArray<ClaimRequest>, owner: string): ReadonlyArray<Claimed> {
    return requests.map((request): Claimed => {
      const key = addressKey(request)
      const quarantine = this.quarantines.get(key)
      if (quarantine !== undefined) return { _tag: "Quarantined", since: quarantine.since, cause: quarantine.cause }
      let row = this.rows.get(key)
      if (row === undefined) {
        if (!request.creates) return { _tag: "Absent" }
        const { kind, id, shard } = request
        row = {
          kind,
          id,
          shard,
          version: 0,
          owner,
          format: 0,
          head: null,
          parts: new Map(),
          wakeAt: null,
          atTakeover: false
        }
        this.rows.set(key, row)
      }
      row.version++
      row.owner = owner
      this.observer.claimed?.(row, owner)
      const parts: Parts = new Map(row.parts)
      return { _tag: "Row", version: row.version, format: row.format, head: row.head, parts }
    })
  }

  commit(owner: string, commits: ReadonlyArray<CommitRow>, transaction: Transaction): Committed {
    for (const { put } of commits) {
      for (const [part] of put) if (part === refusedPart) return { _tag: "Refused", cause: "the data of a row" }
    }
    const fenced = new Set<number>()
    for (const [index, commit] of commits.entries()) {
      const row = this.rows.get(addressKey(commit))
      if (row === undefined || row.version !== commit.expected) fenced.add(index)
      else this.#write(row, owner, commit, transaction)
    }
    return { _tag: "Written", fenced }
  }

  #write(row: Row, owner: string, commit: CommitRow, transaction: Transaction): void {
    row.version++
    row.owner = owner
    row.format = commit.format
    row.head = commit.head
    row.wakeAt = commit.wakeAt
    row.atTakeover = commit.atTakeover
    if (commit.remove.length > 0 || commit.put.length > 0) {
      row.parts = new Map(row.parts)
      for (const part of commit.remove) row.parts.delete(part)
      for (const [part, value] of commit.put) row.parts.set(part, value)
    }
    const { kind, id, version } = row
    if (commit.journal !== null) {
      const position = transaction.nextPosition()
      const at = commit.at
      this.journal.push({
        kind,
        id,
        version,
        at,
        transaction: transaction.id,
        position,
        body: commit.journal,
        committedAt: this.#now()
      })
    }
    for (const letter of commit.dead) this.deadLetters.push({ kind, id, ...letter })
    this.observer.written?.(row, owner, commit)
  }

  due(shards: ReadonlyArray<number>, now: number, takeover: boolean, limit: number): Due {
    const actors: Array<Address> = []
    for (const [key, row] of this.rows) {
      if (actors.length >= limit) break
      const isDue = (row.wakeAt !== null && row.wakeAt <= now) || (takeover && row.atTakeover)
      if (!isDue || !shards.includes(row.shard) || this.quarantines.has(key)) continue
      actors.push({ kind: row.kind, id: row.id })
    }
    const untold = []
    for (const { kind, id, shard, since, cause, told } of this.quarantines.values()) {
      const supervisor = this.rows.get(addressKey({ kind, id }))?.parts.get(supervisorPart)
      const part = supervisor === undefined ? {} : { supervisor }
      if (!told && shards.includes(shard)) untold.push({ kind, id, since, cause, ...part })
    }
    return { actors, untold }
  }

  quarantine(entry: QuarantineEntry, by: string): boolean {
    const key = addressKey(entry)
    const row = this.rows.get(key)
    if (row !== undefined) {
      if (row.version !== entry.expected) return false
      row.version++
    }
    if (this.quarantines.has(key)) return true
    const { kind, id, shard, since, cause, attempts } = entry
    const written = { kind, id, shard, since, cause, attempts, by, told: false }
    this.quarantines.set(key, written)
    this.observer.quarantined?.(written)
    return true
  }

  told(address: Address, since: number): void {
    const entry = this.quarantines.get(addressKey(address))
    if (entry !== undefined && entry.since === since) entry.told = true
  }
}
