/** Request ids with their replies, kept in the row until no copy can be under way: a repeat gets the first reply. */
import { decodeStored, encodeStored } from "../protocol/Stored.ts"

/** A request id lives this long; past it the actor answers `Expired`. */
export const requestLifeMillis = 10 * 60_000
/** A reply is kept past the end of life, so that a copy that left in time still finds it. */
const keptAfterLifeMillis = 60_000
/** A bound by number never pushes an id out before its time: a full memory refuses instead. */
const answersMax = 4096

const prefix = "~once/"

/** The kinds of replies that are kept. */
export type AnswerTag = "Success" | "Refused" | "Failed"
const tags: ReadonlyArray<AnswerTag> = ["Success", "Refused", "Failed"]

/** A kept reply in its travelling form. */
export interface Answer {
  readonly tag: AnswerTag
  readonly body: Uint8Array
}

interface Entry extends Answer {
  readonly until: number
}

/** Changes to an actor's own parts since its last commit. */
export interface PartChanges {
  readonly put: (key: string, value: Uint8Array) => void
  readonly remove: (key: string) => void
}

/** Memory of one actor. Map order is the order of arrival, which is nearly the order of expiry. */
export class Answered {
  private readonly entries = new Map<string, Entry>()

  /** Takes a part of a loaded row; answers whether it was one of these. */
  load(key: string, value: Uint8Array): boolean {
    if (!key.startsWith(prefix)) return false
    const stored = decodeStored(value)
    if (!Array.isArray(stored)) throw new Error(`malformed part ${key}`)
    const [until, tag, body]: ReadonlyArray<unknown> = stored
    const name = typeof tag === "number" ? tags[tag] : undefined
    if (typeof until !== "number" || name === undefined || !(body instanceof Uint8Array))
      throw new Error(`malformed part ${key}`)
    this.entries.set(key.slice(prefix.length), { until, tag: name, body })
    return true
  }

  get(requestId: string): Answer | undefined {
    return this.entries.get(requestId)
  }

  /** Forgets what is past its time; then answers whether there is room for one more. */
  hasRoom(now: number, changes: PartChanges): boolean {
    for (const [requestId, entry] of this.entries) {
      if (entry.until > now) break
      this.entries.delete(requestId)
      changes.remove(prefix + requestId)
    }
    return this.entries.size < answersMax
  }

  keep(requestId: string, bornAt: number, answer: Answer, changes: PartChanges): void {
    const until = bornAt + requestLifeMillis + keptAfterLifeMillis
    this.entries.set(requestId, { until, ...answer })
    changes.put(prefix + requestId, encodeStored([until, tags.indexOf(answer.tag), answer.body]))
  }
}
