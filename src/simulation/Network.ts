/** The network between nodes: connections that keep order, are cut, and are found broken only after a while. */
import { between, type Random } from "./Random.ts"
import type { VirtualHost, VirtualTime } from "./VirtualTime.ts"

/** One process at its end of a connection. `slot` is its address: a restarted process has the same. */
export interface Peer {
  readonly slot: number
  readonly name: string
  readonly host: VirtualHost
}

const wayMillis: readonly [number, number] = [0.2, 2.2]
const pingMillis = 400
const breakAfterMillis = 1200

interface Message {
  readonly deliver: () => void
}

class End {
  readonly peer: Peer
  isBroken = false
  unreachableSince: number | undefined
  lastArrival = 0
  /** Sent into a cut, in order; TCP sends it again when the cut ends. */
  held: Array<Message> = []
  readonly onBreak = new Set<() => void>()

  constructor(peer: Peer) {
    this.peer = peer
  }
}

/** One connection between two processes, as both of them see it. */
export class Wire {
  readonly ends: readonly [End, End]
  readonly #network: Network

  constructor(network: Network, from: Peer, to: Peer) {
    this.#network = network
    this.ends = [new End(from), new End(to)]
  }

  #endOf(peer: Peer): readonly [mine: End, other: End] {
    return this.ends[0].peer === peer ? this.ends : [this.ends[1], this.ends[0]]
  }

  isBrokenFor(peer: Peer): boolean {
    return this.#endOf(peer)[0].isBroken
  }

  /** Runs when this side finds the connection broken; at once when it is. The answer takes it back. */
  onBreak(peer: Peer, run: () => void): () => void {
    const [mine] = this.#endOf(peer)
    if (mine.isBroken) run()
    else mine.onBreak.add(run)
    return () => mine.onBreak.delete(run)
  }

  /** Sends one message: `deliver` runs on the other process, after what was sent before, or never. */
  send(from: Peer, deliver: () => void): void {
    const [mine] = this.#endOf(from)
    if (mine.isBroken) return
    if (mine.held.length > 0 || this.#network.isCut(...this.#slots())) mine.held.push({ deliver })
    else this.#carry(from, deliver)
  }

  #carry(from: Peer, deliver: () => void): void {
    const [mine, other] = this.#endOf(from)
    const { time, random } = this.#network
    const arrival = Math.max(mine.lastArrival, time.now + between(random, ...wayMillis))
    mine.lastArrival = arrival
    // What lies in the receiver's buffer is still read, although the sender has given up: only the receiver's own end counts.
    time.at(arrival - time.now, () => !other.isBroken && deliver(), other.peer.host)
  }

  #slots(): readonly [number, number] {
    return [this.ends[0].peer.slot, this.ends[1].peer.slot]
  }

  /** The pings of both ends; called by the network. Answers whether anything is left to watch. */
  ping(): boolean {
    const isCut = this.#network.isCut(...this.#slots())
    for (const { peer } of this.ends) {
      const [mine, other] = this.#endOf(peer)
      if (mine.isBroken || !peer.host.isAlive) continue
      if (!isCut && mine.held.length > 0) {
        for (const { deliver } of mine.held) this.#carry(peer, deliver)
        mine.held = []
      }
      if (!isCut && other.peer.host.isAlive && !other.peer.host.isFrozen && !other.isBroken) {
        mine.unreachableSince = undefined
      } else if (mine.unreachableSince === undefined) mine.unreachableSince = this.#network.time.now
      else if (this.#network.time.now - mine.unreachableSince >= breakAfterMillis && !peer.host.isFrozen)
        this.break(peer)
    }
    return this.ends.some((end) => !end.isBroken && end.peer.host.isAlive)
  }

  /** This side closes the connection; the other hears of it when a packet can reach it. */
  break(peer: Peer): void {
    const [mine, other] = this.#endOf(peer)
    if (mine.isBroken) return
    mine.isBroken = true
    mine.held = []
    for (const run of [...mine.onBreak]) run()
    mine.onBreak.clear()
    if (!this.#network.isCut(...this.#slots())) this.#closed(other)
  }

  #closed(end: End): void {
    const { time, random } = this.#network
    const arrival = Math.max(this.#endOf(end.peer)[1].lastArrival, time.now + between(random, ...wayMillis))
    time.at(arrival - time.now, () => this.break(end.peer), end.peer.host)
  }

  /** The process of one end is gone, and its kernel has said so. */
  died(peer: Peer): void {
    const [, other] = this.#endOf(peer)
    if (!this.#network.isCut(...this.#slots())) this.#closed(other)
  }
}

/** All connections between processes, and the cuts between their addresses. */
export class Network {
  readonly time: VirtualTime
  readonly random: Random
  readonly #peers = new Map<number, Peer>()
  readonly #cuts = new Map<number, number>()
  #wires: Array<Wire> = []
  readonly #byPurpose = new Map<string, Wire>()

  constructor(time: VirtualTime, random: Random) {
    this.time = time
    this.random = random
    const ping = () => {
      // Whoever hears of a break connects anew at once: those connections belong into the next round.
      const wires = this.#wires
      this.#wires = []
      for (const wire of wires) if (wire.ping()) this.#wires.push(wire)
      time.at(pingMillis, ping)
    }
    time.at(pingMillis, ping)
  }

  /** A process listens at its address from now on. */
  listen(peer: Peer): void {
    this.#peers.set(peer.slot, peer)
  }

  /** A process has died. With `isSilent` its machine died too: nobody is told. */
  died(peer: Peer, isSilent: boolean): void {
    if (this.#peers.get(peer.slot) === peer) this.#peers.delete(peer.slot)
    if (!isSilent) for (const wire of this.#wires) if (wire.ends.some((end) => end.peer === peer)) wire.died(peer)
  }

  peerAt(slot: number): Peer | undefined {
    return this.#peers.get(slot)
  }

  /** The connection of one purpose from a process to whoever listens at an address; undefined when nobody does. */
  wire(purpose: string, from: Peer, slot: number): Wire | undefined {
    const to = this.#peers.get(slot)
    const key = `${purpose} ${from.name} ${slot}`
    const known = this.#byPurpose.get(key)
    if (known !== undefined && !known.isBrokenFor(from)) return known
    if (to === undefined) return undefined
    const wire = this.connect(from, to)
    this.#byPurpose.set(key, wire)
    return wire
  }

  /** A new connection. */
  connect(from: Peer, to: Peer): Wire {
    const wire = new Wire(this, from, to)
    this.#wires.push(wire)
    return wire
  }

  /** Nothing passes between two addresses until `until`, ms of the run. */
  cut(left: number, right: number, until: number): void {
    this.#cuts.set(pairOf(left, right), until)
  }

  isCut(left: number, right: number): boolean {
    return (this.#cuts.get(pairOf(left, right)) ?? 0) > this.time.now
  }

  healAll(): void {
    this.#cuts.clear()
  }
}

const pairOf = (left: number, right: number): number => Math.min(left, right) * 256 + Math.max(left, right)
