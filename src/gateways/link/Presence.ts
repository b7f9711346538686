/** Who is online, as this node knows it: what the retained presence topics say. */

/** The last word about one board. `at` is ms since 1970. */
export interface Present {
  readonly online: boolean
  readonly at: number
  /** `attach`, the reason of a goodbye, or `lease`. */
  readonly reason: string
}

/** Keeps the last word for each board and hands it on. One a node. */
export class Presence {
  readonly #entries = new Map<string, Present>()
  readonly #watchers = new Set<(id: string, present: Present) => void>()

  /** Older words than the one kept are dropped: the same change may be learned by several ways. */
  publish(id: string, present: Present): void {
    const known = this.#entries.get(id)
    if (known !== undefined && present.at < known.at) return
    this.#entries.set(id, present)
    for (const watch of this.#watchers) watch(id, present)
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
}
