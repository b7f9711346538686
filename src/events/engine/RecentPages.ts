/** The last pages that were read of the stream: the partitions of a node read the same ones, one shortly after the other. */
import type { EventPage, PlacedEvent } from "../EventStream.ts"

const pagesMax = 16

interface Place {
  readonly page: EventPage
  readonly index: number
}

/** Pages by the cursors that stand in them. */
export class RecentPages {
  readonly #places = new Map<string, Place>()
  readonly #kept: Array<{ readonly after: string; readonly page: EventPage }> = []

  /** What comes behind the cursor, as far as it is known; nothing when it is not. */
  behind(cursor: string): EventPage | undefined {
    const place = this.#places.get(cursor)
    if (place === undefined) return undefined
    const { page, index } = place
    return index === 0 ? page : { ...page, events: page.events.slice(index) }
  }

  /** Keeps a page that has events. */
  keep(after: string, page: EventPage): void {
    if (page.events.length === 0) return
    this.#kept.push({ after, page })
    this.#places.set(after, { page, index: 0 })
    // Behind its last event comes the next page.
    for (const [index, { cursor }] of page.events.slice(0, -1).entries())
      this.#places.set(cursor, { page, index: index + 1 })
    while (this.#kept.length > pagesMax) {
      const oldest = this.#kept.shift()
      if (oldest !== undefined) this.#forget(oldest.after, oldest.page.events, oldest.page)
    }
  }

  #forget(after: string, events: ReadonlyArray<PlacedEvent>, page: EventPage): void {
    for (const cursor of [after, ...events.map((event) => event.cursor)])
      if (this.#places.get(cursor)?.page === page) this.#places.delete(cursor)
  }
}
