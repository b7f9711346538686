/** Asking one place after the other for a list, without waiting for ever. */
import type { BootEntry, BootPlace } from "./BootConfig.ts"
import { type BootSource, inOrder, merged } from "./BootSources.ts"

/** The programs to start, in order, and who named them. */
export interface BootListed {
  readonly entries: ReadonlyArray<BootEntry>
  readonly places: ReadonlySet<BootPlace>
}

/** One round of asking. */
export class BootList {
  readonly #sources: ReadonlyArray<BootSource>
  readonly #merge: boolean
  readonly #listenMillis: number
  readonly #lists: Array<readonly [BootPlace, ReadonlyArray<BootEntry>]> = []
  #next = 0
  #since: number | undefined

  /** Sources in the order of `places`; those that have none are passed over. */
  constructor(
    sources: ReadonlyArray<BootSource>,
    places: ReadonlyArray<BootPlace>,
    options: { readonly merge: boolean; readonly listenMillis: number }
  ) {
    this.#sources = places.flatMap((place) => sources.find((source) => source.place === place) ?? [])
    this.#merge = options.merge
    this.#listenMillis = options.listenMillis
  }

  /** Undefined while a place may still answer. */
  poll(nowMillis: number): BootListed | undefined {
    for (;;) {
      const source = this.#sources[this.#next]
      if (source === undefined || (!this.#merge && this.#lists.length > 0)) break
      this.#since ??= nowMillis
      const elapsedMillis = nowMillis - this.#since
      const offered = source.offer(elapsedMillis)
      if (offered === "coming") return undefined
      if (offered === "waiting" && elapsedMillis < this.#listenMillis) return undefined
      if (offered === "waiting") source.close?.()
      if (offered !== undefined && offered !== "waiting") this.#lists.push([source.place, offered])
      this.#next++
      this.#since = undefined
    }
    return {
      entries: inOrder(merged(this.#lists.map(([, list]) => list))),
      places: new Set(this.#lists.map(([place]) => place))
    }
  }
}
