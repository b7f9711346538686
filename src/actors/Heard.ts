/** Tells received: the highest number of each sender, so that a copy has no second effect. */
import { decodeStored, encodeStored } from "../protocol/Stored.ts"
import type { PartChanges } from "./Answered.ts"
import type { TellNumber } from "./Envelope.ts"

const prefix = "~from/"

/** Memory of one actor. */
export class Heard {
  private readonly highest = new Map<string, Omit<TellNumber, "from">>()

  /** Takes a part of a loaded row; answers whether it was one of these. */
  load(key: string, value: Uint8Array): boolean {
    if (!key.startsWith(prefix)) return false
    const stored = decodeStored(value)
    const [version, index]: ReadonlyArray<unknown> = Array.isArray(stored) ? stored : []
    if (typeof version !== "number" || typeof index !== "number") throw new Error(`malformed part ${key}`)
    this.highest.set(key.slice(prefix.length), { version, index })
    return true
  }

  isNews(tell: TellNumber): boolean {
    const last = this.highest.get(tell.from)
    if (last === undefined) return true
    return tell.version > last.version || (tell.version === last.version && tell.index > last.index)
  }

  remember(tell: TellNumber, changes: PartChanges): void {
    this.highest.set(tell.from, tell)
    changes.put(`${prefix}${tell.from}`, encodeStored([tell.version, tell.index]))
  }
}
