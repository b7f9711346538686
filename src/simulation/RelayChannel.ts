/** The relay's channel over the simulated network: one connection per pair of nodes, found by node name. */
import type { RelayTransport } from "../actors/Relay.ts"
import type { Network, Peer, Wire } from "./Network.ts"

/** Where the batches of one process arrive. */
export class RelayChannel implements RelayTransport {
  readonly #network: Network
  readonly #peer: Peer
  readonly #slotOf: (node: string) => number
  readonly #channelOf: (peer: Peer) => RelayChannel | undefined
  readonly #wires = new Map<string, Wire>()
  #take: (from: string, bytes: Uint8Array) => void = () => {}
  #broken: (node: string) => void = () => {}

  constructor(
    network: Network,
    peer: Peer,
    slotOf: (node: string) => number,
    channelOf: (peer: Peer) => RelayChannel | undefined
  ) {
    this.#network = network
    this.#peer = peer
    this.#slotOf = slotOf
    this.#channelOf = channelOf
  }

  readonly onBatch = (handler: (from: string, bytes: Uint8Array) => void): void => {
    this.#take = handler
  }

  readonly onBroken = (handler: (node: string) => void): void => {
    this.#broken = handler
  }

  readonly send = (node: string, bytes: Uint8Array): void => {
    const wire = this.#wires.get(node) ?? this.#dial(node)
    const far = wire?.ends.find((end) => end.peer !== this.#peer)?.peer
    if (wire === undefined || far === undefined) {
      // Refused: another process listens there, or none.
      this.#peer.host.schedule(2, () => this.#broken(node))
      return
    }
    wire.send(this.#peer, () => this.#channelOf(far)?.arrived(this.#peer, wire, bytes))
  }

  #dial(node: string): Wire | undefined {
    const far = this.#network.peerAt(this.#slotOf(node))
    if (far === undefined || far.name !== node) return undefined
    const wire = this.#network.connect(this.#peer, far)
    this.#watch(node, wire)
    return wire
  }

  #watch(node: string, wire: Wire): void {
    this.#wires.set(node, wire)
    wire.onBreak(this.#peer, () => {
      if (this.#wires.get(node) !== wire) return
      this.#wires.delete(node)
      this.#broken(node)
    })
  }

  /** The first batch on a connection that the other side opened makes it ours as well, unless we have one. */
  arrived(from: Peer, wire: Wire, bytes: Uint8Array): void {
    if (!this.#wires.has(from.name)) this.#watch(from.name, wire)
    this.#take(from.name, bytes)
  }
}
