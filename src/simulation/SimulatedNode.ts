/** One node of the fleet: the product's residency, relay and gateway on the stand-ins of engine, store and network. */

import { alone } from "../actors/Agreement.ts"
import { fromBytes } from "../actors/Codec.ts"
import type { Posted, Reply } from "../actors/Envelope.ts"
import type { Address } from "../actors/Host.ts"
import { Relay } from "../actors/Relay.ts"
import { Residency } from "../actors/Residency.ts"
import { Connection } from "./Connection.ts"
import { Engine, engineTimes, shardOf } from "./Engine.ts"
import { Gateway } from "./Gateway.ts"
import { MemoryStore } from "./MemoryStore.ts"
import type { Peer } from "./Network.ts"
import { between } from "./Random.ts"
import { RelayChannel } from "./RelayChannel.ts"
import { VirtualHost } from "./VirtualTime.ts"
import type { World } from "./World.ts"

/** Shorter than in production, so that passivation happens within a run. */
const idleMillis = 5000
const jobMillis: readonly [number, number] = [200, 2200]
/** Slow enough for a transfer to meet faults. */
const readMillis: readonly [number, number] = [20, 600]
const followMillis = 50
/** Wall clocks of nodes differ by up to this, ms. */
const clockSkewMillis = 40

/** A process that runs. A restart makes a new one. */
export interface Process {
  readonly peer: Peer
  readonly host: VirtualHost
  readonly engine: Engine
  readonly residency: Residency
  readonly relay: Relay
  readonly channel: RelayChannel
  readonly gateway: Gateway
}

/** A node by its address: it lives through processes that are killed, frozen and started again. */
export class SimulatedNode {
  readonly slot: number
  readonly #world: World
  readonly #processes: Map<number, Process>
  #incarnation = 0
  process: Process | undefined

  constructor(world: World, slot: number, processes: Map<number, Process>) {
    this.#world = world
    this.slot = slot
    this.#processes = processes
  }

  get isUp(): boolean {
    return this.process?.host.isAlive === true
  }

  get isFrozen(): boolean {
    return this.process?.host.isFrozen === true
  }

  start(): void {
    if (this.isUp) return
    const { network } = this.#world
    const process = this.#make(`node-${this.slot}-${++this.#incarnation}`)
    this.process = process
    this.#processes.set(this.slot, process)
    network.listen(process.peer)
    this.#world.trace(`${process.peer.name} starts`)
  }

  #make(name: string): Process {
    const world = this.#world
    const random = world.random(name)
    const host = new VirtualHost(world.time, random, {
      clockSkewMillis: Math.floor(random() * clockSkewMillis),
      report: (what, cause) => world.ledgers.reported(name, what, cause)
    })
    const peer: Peer = { slot: this.slot, name, host }
    const connection = new Connection(
      world.database,
      host,
      world.random(`${name} statements`),
      () => world.databaseCuts.get(this.slot) ?? 0
    )
    const channel = new RelayChannel(
      world.network,
      peer,
      (node) => Number(node.split("-")[1]),
      (far) => this.#processAt(far)?.channel
    )
    const engine: Engine = new Engine({
      peer,
      connection,
      network: world.network,
      engines: this.#processes,
      leaseRule: world.ports.leaseRule,
      served: {
        deliver: (address, posted, done) => residency.deliverPosted(address, posted, done),
        shardsChanged: () => follow(),
        sessionLost: () => {
          residency.dropAll()
          // The next session may lock the same shards again: who must wake there is to be looked for anew.
          held = new Set()
        }
      }
    })
    const residency = new Residency({
      node: name,
      host,
      store: world.ports.store(new MemoryStore(connection, name), connection, host),
      registry: world.registry,
      agreement: alone(world.registry),
      idleMillis,
      engine: {
        shardOf,
        mayServe: (shard) => engine.hasShard(shard) && engine.isFresh(),
        isFresh: engine.isFresh,
        shards: () => [...held],
        post: (to, posted, deadlineMillis, done) =>
          engine.ask(to, posted, deadlineMillis, (reply) => done(reply ?? { _tag: "NotHere" }))
      },
      toGateway: (node, message) => {
        if (message._tag === "Frames") world.boards.speaks(name, node, message.connection, message.epoch)
        relay.toGateway(node, message)
      },
      perform: (self, order, done) => {
        world.effectBegins(self, order)
        const takesMillis = self.kind === "ledger" ? jobMillis : readMillis
        host.schedule(between(random, ...takesMillis), () =>
          done(self.kind === "ledger" ? undefined : world.library.perform(world.registry, self.kind, order))
        )
      }
    })
    const relay = new Relay({
      node: name,
      host,
      transport: channel,
      frame: (offer, done) => residency.frame(offer, done)
    })
    // The actor layer sees the shards of the engine by itself, a moment later.
    let held = new Set<number>()
    let isFollowing = false
    const follow = (): void => {
      if (isFollowing) return
      isFollowing = true
      host.schedule(random() * followMillis, () => {
        isFollowing = false
        const now = new Set(engine.shards)
        for (const shard of held) if (!now.has(shard)) residency.release(shard, () => {})
        const acquired = [...now].filter((shard) => !held.has(shard))
        held = now
        if (acquired.length > 0) residency.acquired(acquired)
      })
    }
    const gateway = new Gateway(world, host, relay, (...ask) => this.#edge(process, ...ask), random)
    const process: Process = { peer, host, engine, residency, relay, channel, gateway }
    return process
  }

  #processAt(peer: Peer): Process | undefined {
    const process = this.#processes.get(peer.slot)
    return process?.peer === peer ? process : undefined
  }

  /** A message from a client at this node's edge: to the resident cell, else through the cluster. */
  edge(address: Address, posted: Posted, done: (reply: Reply | undefined) => void): void {
    if (this.process !== undefined) this.#edge(this.process, address, posted, done)
  }

  #edge(process: Process, address: Address, posted: Posted, done: (reply: Reply | undefined) => void): void {
    const through = () => process.engine.ask(address, posted, engineTimes.callerPatience, done)
    const codec = this.#world.registry.get(address.kind)?.codec.messages.get(posted.message)
    const payload = codec === undefined ? undefined : fromBytes(codec.payload, posted.body)
    if (payload === undefined || payload._tag === "Failure") return through()
    const { message, requestId, asker } = posted
    const isTaken = process.residency.direct(
      address,
      { message, payload: payload.success, requestId, asker },
      (reply) => (reply._tag === "NotHere" ? through() : done(reply))
    )
    if (!isTaken) through()
  }

  /** Watches an actor of this node; nothing comes when it is not here. The answer ends it. */
  watch(address: Address, posted: Posted, receive: (item: unknown) => void): () => void {
    const { process } = this
    if (process === undefined || !process.engine.hasShard(shardOf(address))) return () => {}
    return process.residency.watchPosted(address, posted, receive, () => {})
  }

  /** SIGKILL; with `isSilent` the machine dies, and its kernel tells nobody. */
  kill(isSilent: boolean): void {
    const { process } = this
    if (process === undefined || !process.host.isAlive) return
    process.host.kill()
    process.engine.died(isSilent)
    process.gateway.died(isSilent)
    this.#world.network.died(process.peer, isSilent)
    this.#processes.delete(this.slot)
    this.process = undefined
  }

  freeze(): void {
    this.process?.host.freeze()
  }

  thaw(): void {
    this.process?.host.thaw()
  }

  /** Graceful stop. */
  leave(): void {
    const { process } = this
    if (process === undefined || process.host.isFrozen) return
    process.gateway.drain()
    process.engine.leave(() => {
      process.residency.stop()
      process.residency.dropAll()
      process.host.schedule(20, () => this.process === process && this.kill(false))
    })
  }
}
