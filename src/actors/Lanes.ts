/**
 * Group commit without a time window: two lanes, one statement in flight each; what waits meanwhile makes the next batch.
 * A row is bound to one lane, else two statements could swap its versions (a false fence) or deadlock.
 */
import type { Host } from "./Host.ts"
import type { CommitRow, Committed, Store } from "./Store.ts"

/** What a lane needs of a cell. */
export interface Committer {
  /** Sort key and lane: the address. */
  readonly key: string
  /** What to write now; `undefined` when nothing waits. No second call before the outcome of the first. */
  readonly snapshot: () => CommitRow | undefined
  /** The snapshot is durable. */
  readonly committed: () => void
  /** The row has moved on: somebody else owns the actor. */
  readonly fenced: () => void
  /** Whether the snapshot was written is unknown. */
  readonly commitUnknown: (cause: unknown) => void
  /** The store refused the data of this row. */
  readonly commitRefused: (cause: unknown) => void
}

const rowsMax = 250
const bytesMax = 256 * 1024
const rollbackRepeatMillis = 5
const rollbacksMax = 10

const laneOf = (key: string): 0 | 1 => {
  let hash = 0
  for (let at = 0; at < key.length; at++) hash = (Math.imul(hash, 31) + key.charCodeAt(at)) | 0
  return ((hash ^ (hash >>> 16)) & 1) === 0 ? 0 : 1
}

interface Batch {
  readonly cells: ReadonlyArray<Committer>
  readonly rows: ReadonlyArray<CommitRow>
}

class Lane {
  readonly index: number
  readonly host: Host
  readonly store: Store
  readonly owner: string
  waiting: Array<Committer> = []
  busy = false
  scheduled = false

  constructor(index: number, host: Host, store: Store, owner: string) {
    this.index = index
    this.host = host
    this.store = store
    this.owner = owner
  }

  add(cell: Committer): void {
    this.waiting.push(cell)
    this.schedule()
  }

  private schedule(): void {
    if (this.busy || this.scheduled || this.waiting.length === 0) return
    this.scheduled = true
    this.host.defer(this.flush)
  }

  private readonly flush = (): void => {
    this.scheduled = false
    const cells: Array<Committer> = []
    const rows: Array<CommitRow> = []
    let taken = 0
    for (let bytes = 0; taken < this.waiting.length && rows.length < rowsMax && bytes < bytesMax; taken++) {
      const cell = this.waiting[taken]
      const row = cell?.snapshot()
      if (cell === undefined || row === undefined) continue
      cells.push(cell)
      rows.push(row)
      bytes += sizeOf(row)
    }
    this.waiting = taken === this.waiting.length ? [] : this.waiting.slice(taken)
    if (rows.length === 0) return this.schedule()
    this.busy = true
    this.write([sorted({ cells, rows })], 0)
  }

  /** Writes the batches one after another: a refused batch comes back as its halves, so that only the culprit fails. */
  private write(batches: Array<Batch>, rollbacks: number): void {
    const batch = batches.shift()
    if (batch === undefined) {
      this.busy = false
      return this.schedule()
    }
    this.store.commit(this.index, this.owner, batch.rows, (outcome) => {
      if (outcome._tag === "RolledBack" && rollbacks < rollbacksMax) {
        batches.unshift(batch)
        this.host.schedule(rollbackRepeatMillis, () => this.write(batches, rollbacks + 1))
        return
      }
      if (outcome._tag === "Refused" && batch.rows.length > 1) batches.unshift(...halves(batch))
      else this.tell(batch, outcome)
      this.write(batches, 0)
    })
  }

  private tell(batch: Batch, outcome: Committed): void {
    for (const [index, cell] of batch.cells.entries()) {
      switch (outcome._tag) {
        case "Written":
          if (outcome.fenced.has(index)) cell.fenced()
          else cell.committed()
          break
        case "Refused":
          cell.commitRefused(outcome.cause)
          break
        case "RolledBack":
          cell.commitUnknown("rolled back too often")
          break
        case "Outage":
          cell.commitUnknown(outcome.cause)
      }
    }
  }
}

const sizeOf = (row: CommitRow): number => {
  let bytes = row.head.length + (row.journal?.length ?? 0)
  for (const [, value] of row.put) bytes += value.length
  return bytes
}

/** One order of rows for every statement of every node: two statements never wait for each other's rows. */
const sorted = (batch: Batch): Batch => {
  const order = [...batch.cells.keys()].sort((a, b) => {
    const left = batch.cells[a]?.key ?? ""
    const right = batch.cells[b]?.key ?? ""
    return left < right ? -1 : left > right ? 1 : 0
  })
  return pick(batch, order)
}

const pick = (batch: Batch, indexes: ReadonlyArray<number>): Batch => ({
  cells: indexes.flatMap((index) => batch.cells[index] ?? []),
  rows: indexes.flatMap((index) => batch.rows[index] ?? [])
})

const halves = (batch: Batch): ReadonlyArray<Batch> => {
  const middle = batch.rows.length >> 1
  return [
    { cells: batch.cells.slice(0, middle), rows: batch.rows.slice(0, middle) },
    { cells: batch.cells.slice(middle), rows: batch.rows.slice(middle) }
  ]
}

/** Both lanes of a node. */
export class Lanes {
  private readonly lanes: readonly [Lane, Lane]

  constructor(host: Host, store: Store, owner: string) {
    this.lanes = [new Lane(0, host, store, owner), new Lane(1, host, store, owner)]
  }

  /** The cell has something to write. It is asked for a snapshot when its lane is free; it adds itself once until then. */
  add(cell: Committer): void {
    this.lanes[laneOf(cell.key)].add(cell)
  }
}
