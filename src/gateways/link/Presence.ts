/** Who is online, as this node knows it: what the retained presence topics say. */

/** The last word about one board. `at` is ms since 1970. */
export interface Present {
  readonly online: boolean
  readonly at: number
  /** `attach`, or the reason of a goodbye. */
  readonly reason: string
}

interface Entry extends Present {
  readonly connection: number
}

/** Keeps the last word for each board and hands it on. One a node. */
export class Presence {
  readonly #entries = new Map<string, Entry>()
  readonly #watchers = new Set<(id: string, present: Present) => void>()

  /** The board has a link on this connection of the node. */
  arrived(id: string, connection: number, at: number): void {
    this.#publish(id, { online: true, at, reason: "attach", connection })
  }

  /**
   * The link on this connection is over. Nobody hears of it when the board has another one here by now; without a reason
   * it has one on another node, and this node knows no more about it.
   */
  left(id: string, connection: number, at: number, reason?: string): void {
    if (this.#entries.get(id)?.connection !== connection) return
    if (reason === undefined) this.#entries.delete(id)
    else this.#publish(id, { online: false, at, reason, connection })
  }

  get(id: string): Present | undefined {
    return this.#entries.get(id)
  }

  entries(): Iterable<readonly [id: string, present: Present]> {
    return this.#entries
  }

  /** Calls `watch` for every change from now on; the answer ends it. */
  watch(watch: (id: string, present: Present) => void): () => void {
    this.#watchers.add(watch)
    return () => this.#watchers.delete(watch)
  }

  #publish(id: string, entry: Entry): void {
    this.#entries.set(id, entry)
    for (const watch of this.#watchers) watch(id, entry)
  }
}
