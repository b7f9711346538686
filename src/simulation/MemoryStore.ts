/** The store of the actor layer in memory, over one node's connection to the simulated database. */
import type { Address } from "../actors/Host.ts"
import type {
  Claimed,
  ClaimRequest,
  CommitRow,
  Committed,
  Due,
  Outage,
  QuarantineEntry,
  Store
} from "../actors/Store.ts"
import type { Connection } from "./Connection.ts"

const claimTimeoutMillis = 3000
const commitTimeoutMillis = 2500
const scanTimeoutMillis = 1500

/** One node's store. Timeouts are those of its statements; faults are the connection's. */
export class MemoryStore implements Store {
  readonly #connection: Connection
  readonly #node: string

  constructor(connection: Connection, node: string) {
    this.#connection = connection
    this.#node = node
  }

  readonly claim = (
    requests: ReadonlyArray<ClaimRequest>,
    owner: string,
    done: (outcome: ReadonlyArray<Claimed> | Outage) => void
  ): void => {
    const { database } = this.#connection
    this.#connection.send({ run: () => database.claim(requests, owner), timeoutMillis: claimTimeoutMillis }, done)
  }

  readonly commit = (
    _lane: number,
    owner: string,
    rows: ReadonlyArray<CommitRow>,
    done: (outcome: Committed) => void
  ): void => {
    const { database } = this.#connection
    this.#connection.send<Committed>(
      {
        run: (transaction) => database.commit(owner, rows, transaction),
        timeoutMillis: commitTimeoutMillis,
        rolledBack: { _tag: "RolledBack" }
      },
      done
    )
  }

  readonly due = (
    shards: ReadonlyArray<number>,
    now: number,
    takeover: boolean,
    limit: number,
    done: (outcome: Due | Outage) => void
  ): void => {
    const { database } = this.#connection
    this.#connection.send(
      { run: () => database.due(shards, now, takeover, limit), timeoutMillis: scanTimeoutMillis },
      done
    )
  }

  readonly quarantine = (entry: QuarantineEntry, done: (outcome: boolean | Outage) => void): void => {
    const { database } = this.#connection
    this.#connection.send(
      { run: () => database.quarantine(entry, this.#node), timeoutMillis: commitTimeoutMillis },
      done
    )
  }

  readonly told = (address: Address, since: number, done: (outcome: undefined | Outage) => void): void => {
    const { database } = this.#connection
    this.#connection.send({ run: () => database.told(address, since), timeoutMillis: scanTimeoutMillis }, (outcome) =>
      done(outcome ?? undefined)
    )
  }
}
