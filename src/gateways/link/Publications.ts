/** Messages of the cluster to whoever subscribes to their topics at a broker of ours. Nothing is kept for who comes later. */

type Watch = (topic: string, payload: Uint8Array) => void

/** A message; who repeats one that did not reach all nodes does so under its id. */
export interface Publication {
  readonly id: string
  readonly topic: string
  readonly payload: Uint8Array
}

/** Brings a message to the other nodes but those in `reached`, to which it adds; says which were not reached. */
export type Carry = (
  publication: Publication,
  reached: Set<string>,
  done: (missing: ReadonlyArray<string>) => void
) => void

/** Messages of which it is remembered whom they have reached, while they have not reached all. */
const rememberedMax = 1024

/** Hands messages to the clients of this node, and of all others. One a node. */
export class Publications {
  readonly #watchers = new Set<Watch>()
  /** Nodes that have a message, by its id. Oldest first. */
  readonly #underWay = new Map<string, Set<string>>()
  #carry: Carry = (_publication, _reached, done) => done([])

  /** To the clients of all nodes; says which nodes were not reached. A repeat goes to those alone. */
  publish(publication: Publication, done: (missing: ReadonlyArray<string>) => void): void {
    const { id, topic, payload } = publication
    const known = this.#underWay.get(id)
    const reached = known ?? new Set()
    if (known === undefined) this.received(topic, payload)
    this.#remember(id, reached)
    this.#carry(publication, reached, (missing) => {
      if (missing.length === 0) this.#underWay.delete(id)
      done(missing)
    })
  }

  /** From another node: to the clients of this one. */
  received(topic: string, payload: Uint8Array): void {
    for (const watch of this.#watchers) watch(topic, payload)
  }

  /** What brings messages to the other nodes. Until it is known, nobody there gets any. */
  carryBy(carry: Carry): void {
    this.#carry = carry
  }

  /** Calls `watch` for every message from now on; the answer ends it. */
  watch(watch: Watch): () => void {
    this.#watchers.add(watch)
    return () => this.#watchers.delete(watch)
  }

  #remember(id: string, reached: Set<string>): void {
    this.#underWay.delete(id)
    this.#underWay.set(id, reached)
    if (this.#underWay.size <= rememberedMax) return
    const [oldest] = this.#underWay.keys()
    if (oldest !== undefined) this.#underWay.delete(oldest)
  }
}
