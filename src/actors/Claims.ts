/** Claiming loads in batches: waking is a write that fences whoever held the row before. */
import type { Address, Host } from "./Host.ts"
import type { Claimed, Outage, Store } from "./Store.ts"

/** What a claim needs of a cell. */
export interface Claimer extends Address {
  readonly shard: number
  readonly creates: () => boolean
  /** Whether the cell still wants its row; asked right before the statement. */
  readonly wantsClaim: () => boolean
  readonly claimed: (outcome: Claimed | Outage) => void
}

const rowsMax = 500
const staleLeaseRetryMillis = 100

/** Batches the claims of a turn; two statements may be in flight. Claims only under a fresh lease. */
export class Claims {
  private readonly host: Host
  private readonly store: Store
  private readonly owner: string
  private readonly isFresh: () => boolean
  private waiting: Array<Claimer> = []
  private inFlight = 0
  private scheduled = false

  constructor(host: Host, store: Store, owner: string, isFresh: () => boolean) {
    this.host = host
    this.store = store
    this.owner = owner
    this.isFresh = isFresh
  }

  add(cell: Claimer): void {
    this.waiting.push(cell)
    this.schedule()
  }

  private schedule(): void {
    if (this.scheduled || this.inFlight >= 2 || this.waiting.length === 0) return
    this.scheduled = true
    this.host.defer(this.flush)
  }

  private readonly flush = (): void => {
    this.scheduled = false
    if (!this.isFresh()) {
      this.scheduled = true
      this.host.schedule(staleLeaseRetryMillis, this.flush)
      return
    }
    const cells = this.waiting.splice(0, rowsMax).filter((cell) => cell.wantsClaim())
    if (cells.length === 0) return this.schedule()
    const requests = cells.map((cell) => ({
      kind: cell.kind,
      id: cell.id,
      shard: cell.shard,
      creates: cell.creates()
    }))
    this.inFlight++
    this.store.claim(requests, this.owner, (outcome) => {
      this.inFlight--
      const missing: Outage = { _tag: "Outage", cause: "the store answered fewer rows than were claimed" }
      for (const [index, cell] of cells.entries()) {
        cell.claimed(isOutage(outcome) ? outcome : (outcome[index] ?? missing))
      }
      this.schedule()
    })
    this.schedule()
  }
}

const isOutage = (outcome: ReadonlyArray<Claimed> | Outage): outcome is Outage => "_tag" in outcome
