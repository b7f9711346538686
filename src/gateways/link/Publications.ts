/** Messages of the cluster to whoever subscribes to their topics at a broker of ours. Nothing is kept for who comes later. */

type Watch = (topic: string, payload: Uint8Array) => void

/** Hands messages to the clients of this node, and of all others. One a node. */
export class Publications {
  readonly #watchers = new Set<Watch>()
  #carry: Watch = () => {}

  /** To the clients of all nodes. */
  publish(topic: string, payload: Uint8Array): void {
    this.received(topic, payload)
    this.#carry(topic, payload)
  }

  /** From another node: to the clients of this one. */
  received(topic: string, payload: Uint8Array): void {
    for (const watch of this.#watchers) watch(topic, payload)
  }

  /** What brings messages to the other nodes. Until it is known, nobody there gets any. */
  carryBy(carry: Watch): void {
    this.#carry = carry
  }

  /** Calls `watch` for every message from now on; the answer ends it. */
  watch(watch: Watch): () => void {
    this.#watchers.add(watch)
    return () => this.#watchers.delete(watch)
  }
}
