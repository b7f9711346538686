/** How many matches stand behind an event: what feeds itself is noticed by it. */
import type { HolonEvent } from "../../protocol/Event.ts"
import type { Match } from "../temporal/Match.ts"

/** Events and matches whose depth is remembered. */
const rememberedMax = 20_000
/** Kind of the actors whose events are matches. */
const speaker = "pattern-partition"

const depthIn = (data: unknown): number =>
  typeof data === "object" && data !== null && "depth" in data && typeof data.depth === "number" ? data.depth : 0

/** Depths of what was seen last. Events that no match has caused have none. */
export class Depths {
  readonly #known = new Map<string, number>()

  hear({ id, source, data }: HolonEvent): void {
    const depth = source.actor === speaker ? depthIn(data) : 0
    if (depth > 0) this.#keep(id, depth)
  }

  /** One more than the deepest of what made it. */
  of({ id, events }: Match): number {
    let deepest = 0
    for (const event of events) deepest = Math.max(deepest, this.#known.get(event) ?? 0)
    this.#keep(id, deepest + 1)
    return deepest + 1
  }

  #keep(id: string, depth: number): void {
    this.#known.set(id, depth)
    if (this.#known.size <= rememberedMax) return
    const [oldest] = this.#known.keys()
    if (oldest !== undefined) this.#known.delete(oldest)
  }
}
