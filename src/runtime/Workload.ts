/** What a node's actors give to the store and what comes back: how its peers see whether it works. */
import { Context } from "effect"
import type { Outage, Store } from "../actors/Store.ts"

/** Statements since the start of the node. */
export class Workload {
  accepted = 0
  completed = 0
  waiting = 0
  /** When the store answered last, ms since 1970. */
  progressAt: number
  readonly #now: () => number
  #isLosing = false

  constructor(now: () => number) {
    this.#now = now
    this.progressAt = now()
  }

  /** A statement is given to the store. What is returned is called once with whether it was answered. */
  begin(): (isAnswered: boolean) => void {
    this.accepted++
    // Who had nothing to do has not stood still, but for what was given up in between.
    if (this.waiting++ === 0 && !this.#isLosing) this.progressAt = this.#now()
    return (isAnswered) => {
      this.waiting--
      this.#isLosing = !isAnswered
      if (!isAnswered) return
      this.completed++
      this.progressAt = this.#now()
    }
  }
}

/** A job on all of a node's store, done to see whether it works. */
export type Trial = (done: (isWell: boolean) => void) => void

/** The work of this node, and how it is tried. */
export class NodeWork extends Context.Service<NodeWork, { readonly workload: Workload; readonly trial: Trial }>()(
  "holon/runtime/NodeWork"
) {}

const isOutage = (outcome: unknown): boolean =>
  typeof outcome === "object" && outcome !== null && "_tag" in outcome && outcome._tag === "Outage"

/** The same store, whose statements are counted. One that ends in an outage is not completed. */
export const counted = (store: Store, work: Workload): Store => {
  const counting = <A>(done: (outcome: A | Outage) => void): ((outcome: A | Outage) => void) => {
    const ended = work.begin()
    return (outcome) => {
      ended(!isOutage(outcome))
      done(outcome)
    }
  }
  return {
    claim: (requests, owner, done) => store.claim(requests, owner, counting(done)),
    commit: (lane, owner, rows, done) => store.commit(lane, owner, rows, counting(done)),
    due: (shards, now, takeover, limit, done) => store.due(shards, now, takeover, limit, counting(done)),
    quarantine: (entry, done) => store.quarantine(entry, counting(done)),
    told: (address, since, done) => store.told(address, since, counting(done))
  }
}
