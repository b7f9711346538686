/** The last pages that were read of the stream: the partitions of a node read the same ones, one shortly after the other. */
import { compareCursors, type EventPage } from "../EventStream.ts"

const pagesMax = 16

interface Kept<Page> {
  readonly after: string
  readonly page: Page
}

/** Pages by the cursors behind which they were read, and by those that stand in them. */
export class RecentPages<Page extends EventPage = EventPage> {
  readonly #kept: Array<Kept<Page>> = []

  /** What comes behind the cursor, as far as it is known; nothing when it is not. */
  behind(cursor: string): Page | undefined {
    return this.#kept.find(({ after }) => after === cursor)?.page ?? this.#restBehind(cursor)
  }

  /** Seldom: somebody stopped within a page. */
  #restBehind(cursor: string): Page | undefined {
    const within = this.#kept.find(
      ({ after, page }) => compareCursors(after, cursor) < 0 && compareCursors(cursor, page.next) < 0
    )
    if (within === undefined) return undefined
    const { page } = within
    const index = page.events.findIndex((event) => event.cursor === cursor)
    // Behind its last event comes the next page.
    if (index < 0 || index === page.events.length - 1) return undefined
    return { ...page, events: page.events.slice(index + 1) }
  }

  /** Keeps a page that has events. */
  keep(after: string, page: Page): void {
    if (page.events.length === 0) return
    this.#kept.unshift({ after, page })
    if (this.#kept.length > pagesMax) this.#kept.pop()
  }
}
