/** Standing queries of one cell: each is answered at first and after every change, from what is durable. */
import type { Asker } from "../protocol/Asker.ts"
import { type HolonError, Internal } from "../protocol/Errors.ts"
import { reportDefect } from "./Defect.ts"
import type { Cancel, Host } from "./Host.ts"

const paceMillis = 50

/** A standing query: its answer is sent again when the actor has changed. */
export interface Watcher {
  readonly message: string
  readonly payload: unknown
  readonly asker: Asker
  readonly receive: (item: unknown) => void
  readonly ended: (error: HolonError | undefined) => void
}

/** Who is watched. */
export interface Watched {
  readonly key: string
  readonly host: Host
  readonly isOpen: boolean
  /** Runs once what memory holds is durable. */
  readonly whenDurable: (run: () => void) => void
  /** Why the query may not be answered, or not any more. */
  readonly bars: (watcher: Watcher) => HolonError | undefined
  /** The answer to the query; `undefined` when there is none. Throws on a defect. */
  readonly look: (watcher: Watcher) => unknown
}

/** Answers at most each 50 ms: changes in between are skipped. */
export class Watchers {
  private readonly watched: Watched
  private readonly watchers = new Set<Watcher>()
  private timer: Cancel | undefined

  constructor(watched: Watched) {
    this.watched = watched
  }

  get size(): number {
    return this.watchers.size
  }

  /** The result stops it. */
  add(watcher: Watcher): () => void {
    this.watchers.add(watcher)
    this.schedule()
    return () => this.watchers.delete(watcher)
  }

  /** The actor woke, or changed. */
  schedule(): void {
    const { watched } = this
    if (this.timer !== undefined || this.watchers.size === 0 || !watched.isOpen) return
    this.timer = watched.host.schedule(paceMillis, () => {
      this.timer = undefined
      if (watched.isOpen) watched.whenDurable(() => this.notify())
    })
  }

  stop(): void {
    this.timer?.()
  }

  /** They are over: `undefined` lets their clients ask again where the actor lives then. */
  end(error: HolonError | undefined): void {
    for (const { ended } of this.watchers) {
      try {
        ended(error)
      } catch (cause) {
        this.watched.host.report(`${this.watched.key}: the end of a watch failed`, cause)
      }
    }
  }

  private notify(): void {
    const { host, key } = this.watched
    for (const watcher of this.watchers) {
      try {
        const denied = this.watched.bars(watcher)
        if (denied !== undefined) {
          this.watchers.delete(watcher)
          watcher.ended(denied)
          continue
        }
        const item = this.watched.look(watcher)
        if (item !== undefined) watcher.receive(item)
      } catch (cause) {
        this.watchers.delete(watcher)
        const traceId = reportDefect(host, `${key}: the watch ${watcher.message} crashed`, cause)
        watcher.ended(new Internal({ traceId }))
      }
    }
  }
}
