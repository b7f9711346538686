/** Which chain of causes an event is in: a match goes on with the one of the first event that made it. */
import { type Because, causesMax } from "../../protocol/Because.ts"
import type { HolonEvent } from "../../protocol/Event.ts"
import { isUuid } from "../../protocol/Ids.ts"
import type { Match } from "../temporal/Match.ts"

/** Events and matches whose chain is remembered, beside those that began one. */
const rememberedMax = 20_000

/** The first of many, and the last ones: what began, and what made it true. */
const fewOf = (ids: ReadonlyArray<string>): ReadonlyArray<string> =>
  ids.length <= causesMax ? ids : [...ids.slice(0, 1), ...ids.slice(1 - causesMax)]

/** Chains of what was seen last. What nothing is remembered of began its own. */
export class Chains {
  readonly #known = new Map<string, Because>()

  hear({ id, context }: HolonEvent): void {
    const { root = id, traceparent } = context ?? {}
    if (root !== id || traceparent !== undefined)
      this.#keep(id, { causes: [id], root, ...(traceparent !== undefined && { traceparent }) })
  }

  /** What led to a match. One that no event has made begins a chain that has its id. */
  of({ id, events }: Match): Because {
    const [first] = events
    const begun = first === undefined ? undefined : this.#known.get(first)
    // Where it is a match of matches, what made those.
    const causes = events.flatMap((each) => this.#known.get(each)?.causes ?? (isUuid(each) ? [each] : []))
    const because: Because = {
      causes: fewOf([...new Set(causes)]),
      root: begun?.root ?? first ?? id,
      ...(begun?.traceparent !== undefined && { traceparent: begun.traceparent })
    }
    this.#keep(id, because)
    return because
  }

  #keep(id: string, because: Because): void {
    this.#known.set(id, because)
    if (this.#known.size <= rememberedMax) return
    const [oldest] = this.#known.keys()
    if (oldest !== undefined) this.#known.delete(oldest)
  }
}
