/**
 * Stand-in for the cluster engine on one node: members, shard locks, the lease, and asks that are sent again in silence.
 * It keeps the engine's promises and no more: an ask arrives at least once, a shard has one owner while locks and clocks
 * behave, a lost shard is noticed late.
 */
import type { Posted, Reply } from "../actors/Envelope.ts"
import type { Address } from "../actors/Host.ts"
import type { Connection } from "./Connection.ts"
import { type LockSession, lockExpiry } from "./Database.ts"
import type { Network, Peer } from "./Network.ts"
import { hashOf } from "./Random.ts"

/** Shards of the fleet: few, so that each holds several actors. */
const shardsCount = 12

/** The shard of an actor; depends on nothing that changes. */
export const shardOf = (address: Address): number => hashOf(`${address.kind}/${address.id}`) % shardsCount

/** Times of membership, ms. */
export const engineTimes = {
  heartbeat: 300,
  leaseFresh: 1500,
  lockRefresh: 2500,
  lockExpiry,
  assignments: 250,
  witness: 500,
  suspectAfter: 1000,
  terminateAfter: 2000,
  resend: 50,
  callerPatience: 15_000
} as const

/** Own heartbeats that must be newer than a peer's last before that may be called dead: else a stall condemns everybody. */
const ownHeartbeats = 5

/** What the engine serves on this node. */
export interface Served {
  readonly deliver: (address: Address, posted: Posted, done: (reply: Reply) => void) => void
  /** The set of held shards is another than before. */
  readonly shardsChanged: () => void
  /** The lock session has died: whatever is resident may live elsewhere. */
  readonly sessionLost: () => void
}

/** How a node judges its lease, from the instants (ms, monotonic) of what last succeeded on the session now open. */
export type LeaseRule = (now: number, heartbeatBegan: number, refreshBegan: number) => boolean

/** Fresh by the heartbeat through the lock session. */
export const leaseByHeartbeat: LeaseRule = (now, heartbeatBegan) => now - heartbeatBegan < engineTimes.leaseFresh

/** The engine of one process. Ends with it. */
export class Engine {
  readonly peer: Peer
  /** Shards whose lock this node believes to hold and serves. */
  readonly shards = new Set<number>()
  isLeaving = false
  readonly #connection: Connection
  readonly #network: Network
  readonly #served: Served
  readonly #enginesBySlot: ReadonlyMap<number, { readonly engine: Engine }>
  readonly #leaseRule: LeaseRule
  readonly #releasing = new Set<number>()
  readonly #view = new Map<number, number>()
  #session: LockSession
  #heartbeatBegan = Number.NEGATIVE_INFINITY
  #refreshBegan = Number.NEGATIVE_INFINITY
  #isStopped = false

  constructor(options: {
    readonly peer: Peer
    readonly connection: Connection
    readonly network: Network
    readonly served: Served
    /** Engines now running, by address. */
    readonly engines: ReadonlyMap<number, { readonly engine: Engine }>
    readonly leaseRule: LeaseRule
  }) {
    this.peer = options.peer
    this.#connection = options.connection
    this.#network = options.network
    this.#served = options.served
    this.#enginesBySlot = options.engines
    this.#leaseRule = options.leaseRule
    this.#session = this.#connection.database.openSession(options.peer.name)
    this.#every(engineTimes.heartbeat, this.#heartbeat)
    this.#every(engineTimes.lockRefresh, this.#refresh)
    this.#every(engineTimes.assignments, this.#assign)
    this.#every(engineTimes.witness, this.#witness)
  }

  #every(millis: number, run: () => void): void {
    const { host } = this.peer
    const tick = () => {
      if (this.#isStopped) return
      run()
      host.schedule(millis * (0.95 + host.random() * 0.1), tick)
    }
    host.schedule(host.random() * 50, tick)
  }

  hasShard(shard: number): boolean {
    return this.shards.has(shard)
  }

  /** Whether this node may act for its shards: nobody else can have taken them over yet. */
  readonly isFresh = (): boolean =>
    this.#leaseRule(this.peer.host.monotonic(), this.#heartbeatBegan, this.#refreshBegan)

  // ---- membership

  readonly #heartbeat = (): void => {
    const { database } = this.#connection
    const session = this.#session
    const began = this.peer.host.monotonic()
    const { name } = this.peer
    const run = (): boolean => {
      if (!database.hears(session)) return false
      const at = this.#network.time.now
      const member = database.members.get(String(this.peer.slot))
      const isNewcomer = member === undefined || member.node !== name
      const recent = isNewcomer ? [at] : [...member.recent.slice(-9), at]
      database.members.set(String(this.peer.slot), {
        node: name,
        heartbeatAt: at,
        sessionId: session.id,
        isHealthy: !this.isLeaving,
        recent
      })
      return true
    }
    this.#connection.send({ run, timeoutMillis: engineTimes.leaseFresh }, (outcome) => {
      if (session !== this.#session) return
      if (outcome === false) this.#renewSession()
      else if (outcome === true) this.#heartbeatBegan = Math.max(this.#heartbeatBegan, began)
    })
  }

  /** A session that has died took its locks along: what they covered may be another's already. */
  #renewSession(): void {
    this.#session = this.#connection.database.openSession(this.peer.name)
    this.#heartbeatBegan = Number.NEGATIVE_INFINITY
    this.#refreshBegan = Number.NEGATIVE_INFINITY
    this.shards.clear()
    this.#served.sessionLost()
    this.#served.shardsChanged()
    this.#heartbeat()
    this.#refresh()
  }

  readonly #refresh = (): void => {
    const { database } = this.#connection
    const session = this.#session
    const began = this.peer.host.monotonic()
    const run = (): ReadonlyArray<number> | undefined => {
      if (!database.hears(session)) return undefined
      return [...database.locks].flatMap(([shard, id]) => (id === session.id ? [shard] : []))
    }
    this.#connection.send({ run, timeoutMillis: engineTimes.lockRefresh }, (outcome) => {
      if (session !== this.#session) return
      if (outcome === undefined) return this.#renewSession()
      if ("_tag" in outcome) {
        if (this.peer.host.monotonic() - this.#refreshBegan <= engineTimes.lockExpiry) return
        // The server ends the session of a client that went away once it can.
        this.#network.time.at(1, () => (session.isAlive = false))
        return this.#renewSession()
      }
      this.#refreshBegan = Math.max(this.#refreshBegan, began)
      for (const shard of [...this.shards]) if (!outcome.includes(shard)) this.shards.delete(shard)
      this.#served.shardsChanged()
      for (const shard of outcome) {
        if (!this.shards.has(shard) && !this.#releasing.has(shard) && this.#view.get(shard) !== this.peer.slot)
          this.#unlock(shard, session)
      }
    })
  }

  readonly #assign = (): void => {
    const { database } = this.#connection
    const session = this.#session
    const run = () => [...database.members].flatMap(([slot, member]) => (member.isHealthy ? [Number(slot)] : []))
    this.#connection.send({ run, timeoutMillis: 1500 }, (outcome) => {
      if ("_tag" in outcome) return
      for (let shard = 0; shard < shardsCount; shard++) this.#view.set(shard, ownerAmong(shard, outcome))
      if (this.isLeaving || session !== this.#session) return
      const wanted: Array<number> = []
      for (let shard = 0; shard < shardsCount; shard++) {
        const isMine = this.#view.get(shard) === this.peer.slot
        if (isMine && !this.shards.has(shard) && !this.#releasing.has(shard)) wanted.push(shard)
        if (!isMine && this.shards.has(shard)) this.#release(shard)
      }
      if (wanted.length > 0) this.#acquire(wanted, session)
    })
  }

  #acquire(wanted: ReadonlyArray<number>, session: LockSession): void {
    const { database } = this.#connection
    const run = (): ReadonlyArray<number> => database.lock(wanted, session)
    this.#connection.send({ run, timeoutMillis: 1500 }, (outcome) => {
      if ("_tag" in outcome || session !== this.#session || this.isLeaving) return
      for (const shard of outcome) {
        if (this.#releasing.has(shard) || this.shards.has(shard)) continue
        this.shards.add(shard)
      }
      this.#served.shardsChanged()
    })
  }

  #release(shard: number): void {
    const session = this.#session
    this.shards.delete(shard)
    this.#releasing.add(shard)
    this.#served.shardsChanged()
    // Handlers are interrupted before the lock goes; cells may still have a commit under way, which the next claim fences.
    this.peer.host.schedule(this.peer.host.random() * 20, () => this.#unlock(shard, session))
  }

  #unlock(shard: number, session: LockSession): void {
    const { database } = this.#connection
    const run = () => {
      if (database.locks.get(shard) === session.id) database.locks.delete(shard)
      return true
    }
    this.#connection.send({ run, timeoutMillis: 1500 }, () => this.#releasing.delete(shard))
  }

  readonly #witness = (): void => {
    const { database } = this.#connection
    const run = (): boolean => {
      const at = this.#network.time.now
      const mine = database.members.get(String(this.peer.slot))
      for (const [slot, member] of database.members) {
        if (slot === String(this.peer.slot)) continue
        const seen = mine?.recent.filter((own) => own > member.heartbeatAt).length ?? 0
        if (seen < ownHeartbeats) continue
        if (member.heartbeatAt < at - engineTimes.suspectAfter) member.isHealthy = false
        const session = database.sessions.get(member.sessionId)
        if (member.heartbeatAt < at - engineTimes.terminateAfter && session !== undefined) session.isAlive = false
      }
      return true
    }
    this.#connection.send({ run, timeoutMillis: 1500 }, () => {})
  }

  /** Graceful stop: gives every shard away, then ends its session. */
  leave(done: () => void): void {
    if (this.isLeaving) return
    this.isLeaving = true
    this.#heartbeat()
    const shards = [...this.shards]
    for (const shard of shards) this.#release(shard)
    const { host } = this.peer
    const wait = (left: number) => {
      if (this.#releasing.size > 0 && left > 0) return void host.schedule(50, () => wait(left - 50))
      this.#isStopped = true
      this.#session.isAlive = false
      done()
    }
    wait(3500)
  }

  /** The process is gone. Its kernel closes the session, unless the whole machine died. */
  died(isSilent: boolean): void {
    if (!isSilent) this.#session.isAlive = false
  }

  // ---- asks

  /** Asks an actor wherever it lives, again and again until `patience` ms are over: then undefined. */
  ask(address: Address, posted: Posted, patience: number, done: (reply: Reply | undefined) => void): void {
    const { host } = this.peer
    let isOver = false
    const finish = (reply: Reply | undefined) => {
      if (isOver) return
      isOver = true
      cancelPatience()
      done(reply)
    }
    const cancelPatience = host.schedule(patience, () => finish(undefined))
    const again = () => void host.schedule(engineTimes.resend, attempt)
    const attempt = () => {
      if (isOver) return
      const slot = this.#view.get(shardOf(address))
      if (slot === undefined) return again()
      this.#request(slot, address, posted, (reply) => {
        if (isOver) return
        if (reply === undefined || reply._tag === "NotHere") again()
        else finish(reply)
      })
    }
    attempt()
  }

  #request(slot: number, address: Address, posted: Posted, done: (reply: Reply | undefined) => void): void {
    const { host } = this.peer
    if (slot === this.peer.slot) {
      host.schedule(0, () => this.#serve(address, posted, (reply) => host.schedule(0, () => done(reply))))
      return
    }
    const wire = this.#network.wire("engine", this.peer, slot)
    if (wire === undefined) return void host.schedule(2, () => done(undefined))
    let isDone = false
    const finish = (reply: Reply | undefined) => {
      if (isDone) return
      isDone = true
      forget()
      done(reply)
    }
    let forget = () => {}
    forget = wire.onBreak(this.peer, () => finish(undefined))
    if (isDone) return
    const [, far] = wire.ends
    wire.send(this.peer, () => {
      const there = this.#enginesBySlot.get(slot)?.engine
      if (there === undefined || there.peer !== far.peer) return
      there.#serve(address, posted, (reply) => wire.send(far.peer, () => finish(reply)))
    })
  }

  #serve(address: Address, posted: Posted, done: (reply: Reply) => void): void {
    if (this.shards.has(shardOf(address))) this.#served.deliver(address, posted, done)
    else done({ _tag: "NotHere" })
  }
}

/** The member that a shard belongs to: rendezvous hashing, so that a member that comes or goes moves only its own. */
const ownerAmong = (shard: number, slots: ReadonlyArray<number>): number => {
  let best = -1
  let owner = -1
  for (const slot of slots) {
    const weight = hashOf(`${shard}/${slot}`)
    if (weight > best) {
      best = weight
      owner = slot
    }
  }
  return owner
}
