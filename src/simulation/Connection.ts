/** The way of one node to the database: statements take time, get lost, arrive late, and run although nobody hears of it. */
import type { Outage } from "../actors/Store.ts"
import type { Database, Transaction } from "./Database.ts"
import { between, type Random } from "./Random.ts"
import type { VirtualHost, VirtualTime } from "./VirtualTime.ts"

/** How long a statement takes and how it goes wrong. Times in ms. */
export interface ConnectionTimes {
  /** One way between node and database, least and most. */
  readonly way: readonly [least: number, most: number]
  /** Share of statements that are prepared but leave the process later, and by how much at most. */
  readonly lateShare: number
  readonly lateMillis: number
  /** Time between begin and commit; a share of transactions is slow. */
  readonly work: number
  readonly slowShare: number
  readonly slowWork: number
  /** Share of commits the database rolls back and says so. */
  readonly rollbackShare: number
}

/** A healthy local network and a database that is now and then slow. */
export const defaultTimes: ConnectionTimes = {
  way: [0.2, 1.2],
  lateShare: 0.1,
  lateMillis: 30,
  work: 2,
  slowShare: 0.03,
  slowWork: 150,
  rollbackShare: 0.002
}

/** One statement: what it does to the database, and whether the database may roll it back. */
export interface Statement<A> {
  readonly run: (transaction: Transaction) => A
  readonly timeoutMillis: number
  /** What is answered when the database rolls the statement back. */
  readonly rolledBack?: A
}

/** What a restarted process can no longer hear, its statements still do: they carry no notion of who waits. */
export class Connection {
  readonly database: Database
  readonly #time: VirtualTime
  readonly #host: VirtualHost
  readonly #random: Random
  readonly #cutUntil: () => number
  readonly #times: ConnectionTimes

  constructor(
    database: Database,
    host: VirtualHost,
    random: Random,
    /** Until when this node cannot reach the database, ms of the run. */
    cutUntil: () => number,
    times: ConnectionTimes = defaultTimes
  ) {
    this.database = database
    this.#host = host
    this.#time = host.time
    this.#random = random
    this.#cutUntil = cutUntil
    this.#times = times
  }

  /** Sends one statement. `done` is called once, on the host, at the latest after the timeout. */
  send<A>(statement: Statement<A>, done: (outcome: A | Outage) => void): void {
    let isDone = false
    const finish = (outcome: A | Outage) => {
      if (isDone) return
      isDone = true
      cancelTimeout()
      done(outcome)
    }
    const cancelTimeout = this.#host.schedule(statement.timeoutMillis, () => finish(outage("no answer in time")))
    const leave = () => this.#leave(statement, (outcome) => this.#time.at(0, () => finish(outcome), this.#host))
    if (this.#random() < this.#times.lateShare) this.#host.schedule(this.#random() * this.#times.lateMillis, leave)
    else leave()
  }

  /** The statement is on its way: from here on the process has no say. `answer` is told outside the process. */
  #leave<A>(statement: Statement<A>, answer: (outcome: A | Outage) => void): void {
    const { way } = this.#times
    this.#time.at(between(this.#random, way[0], way[1]), () => {
      const cut = this.#cutUntil() - this.#time.now
      if (cut <= 0) return this.#arrive(statement, answer)
      // What was sent into the cut is sent again by TCP when it ends, or never.
      if (this.#random() < 0.5) this.#time.at(cut + this.#random() * 1500, () => this.#arrive(statement, answer))
    })
  }

  #arrive<A>(statement: Statement<A>, answer: (outcome: A | Outage) => void): void {
    const { database } = this
    const { generation, stalledUntil } = database
    const stall = stalledUntil - this.#time.now
    if (stall > 0) {
      this.#time.at(stall + this.#random() * 40, () => {
        if (database.generation === generation) this.#arrive(statement, answer)
        else this.#reply(outage("connection reset"), answer)
      })
      return
    }
    const { work, slowShare, slowWork, rollbackShare } = this.#times
    const transaction = database.begin()
    this.#time.at(this.#random() * (this.#random() < slowShare ? slowWork : work), () => {
      if (database.generation !== generation) return this.#reply(outage("connection reset"), answer)
      if (statement.rolledBack !== undefined && this.#random() < rollbackShare) {
        database.end(transaction)
        return this.#reply(statement.rolledBack, answer)
      }
      const outcome = statement.run(transaction)
      database.end(transaction)
      this.#reply(outcome, answer)
    })
  }

  #reply<A>(outcome: A | Outage, answer: (outcome: A | Outage) => void): void {
    const { way } = this.#times
    this.#time.at(between(this.#random, way[0], way[1]), () => {
      if (this.#cutUntil() <= this.#time.now) answer(outcome)
    })
  }
}

const outage = (cause: string): Outage => ({ _tag: "Outage", cause })
