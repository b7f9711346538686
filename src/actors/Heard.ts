/**
 * Tells received: the highest number of each sender, so that a copy has no second effect. A sender of which nothing came for
 * longer than a tell lives is forgotten: no copy of what it told can be under way any more.
 */
import { decodeStored, encodeStored } from "../protocol/Stored.ts"
import type { PartChanges } from "./Answered.ts"
import type { TellNumber } from "./Envelope.ts"
import { tellLifeMillis } from "./Outbox.ts"

const prefix = "~from/"
/** Clocks of nodes differ, and a copy may have left just before the end of its life. */
const keptMillis = tellLifeMillis + 24 * 3600 * 1000
/** Least time between two looks for senders to forget, ms: an actor may have thousands. */
const lookMillis = 3_600_000

interface Last extends Omit<TellNumber, "from"> {
  /** When it was heard, ms. */
  readonly at: number
}

/** Memory of one actor. */
export class Heard {
  private readonly highest = new Map<string, Last>()
  private lookedAt = Number.NEGATIVE_INFINITY

  /** Takes a part of a loaded row; answers whether it was one of these. */
  load(key: string, value: Uint8Array, now: number): boolean {
    if (!key.startsWith(prefix)) return false
    const stored = decodeStored(value)
    const [version, index, at = now]: ReadonlyArray<unknown> = Array.isArray(stored) ? stored : []
    if (typeof version !== "number" || typeof index !== "number" || typeof at !== "number")
      throw new Error(`malformed part ${key}`)
    this.highest.set(key.slice(prefix.length), { version, index, at })
    return true
  }

  isNews(tell: TellNumber): boolean {
    const last = this.highest.get(tell.from)
    if (last === undefined) return true
    return tell.version > last.version || (tell.version === last.version && tell.index > last.index)
  }

  remember({ from, version, index }: TellNumber, now: number, changes: PartChanges): void {
    if (!this.highest.has(from)) this.forgetOld(now, changes)
    this.highest.set(from, { version, index, at: now })
    changes.put(`${prefix}${from}`, encodeStored([version, index, now]))
  }

  /** Only a new sender makes it more. */
  private forgetOld(now: number, changes: PartChanges): void {
    if (now < this.lookedAt + lookMillis) return
    this.lookedAt = now
    for (const [from, { at }] of this.highest)
      if (at < now - keptMillis) {
        this.highest.delete(from)
        changes.remove(`${prefix}${from}`)
      }
  }
}
