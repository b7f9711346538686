/**
 * Decisions that somebody may ask about, on their way to the keepers: the first of its kind at once, and others like it counted
 * for a while, so that who asks a thousand times a second does not write a thousand rows.
 */
import type { NotedDecision } from "../../../protocol/policy/NotedDecision.ts"

/** What is alike within this time is one note, ms. */
const windowMillis = 10_000
/** Notes that wait; what comes beyond them is counted with nothing. */
const waitingMax = 1024

interface Seen {
  readonly id: string
  readonly since: number
  /** Counted since the last note left. */
  more: number
  readonly noted: NotedDecision
}

const keyOf = ({ request: { principal, capability }, target, message, decision }: NotedDecision): string =>
  JSON.stringify([principal.kind, principal.id, capability, message, target, decision.effect, decision.policies])

/** The notes of a node. */
export class DecisionNotes {
  readonly #seen = new Map<string, Seen>()
  #waiting: Array<NotedDecision> = []

  /** Notes a decision; answers the id that it is known by, which is that of one like it a short while ago. */
  note(decision: NotedDecision): string {
    const { at } = decision
    const key = keyOf(decision)
    const seen = this.#seen.get(key)
    if (seen !== undefined && at < seen.since + windowMillis) {
      seen.more++
      return seen.id
    }
    if (this.#seen.size >= waitingMax) this.#sweep(at)
    if (this.#seen.size >= waitingMax) return decision.id
    this.#seen.set(key, { id: decision.id, since: at, more: 0, noted: decision })
    this.#waiting.push(decision)
    return decision.id
  }

  /** What is to be told now. Those that were counted meanwhile are told once their time is over. */
  take(now: number, everything = false): ReadonlyArray<NotedDecision> {
    this.#sweep(now, everything)
    const taken = this.#waiting
    this.#waiting = []
    return taken
  }

  #sweep(now: number, everything = false): void {
    for (const [key, { since, more, noted }] of this.#seen) {
      if (!everything && now < since + windowMillis) continue
      this.#seen.delete(key)
      if (more > 0) this.#waiting.push({ ...noted, at: now, count: more })
    }
  }
}
