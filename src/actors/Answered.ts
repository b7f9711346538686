/** Request ids with their replies, kept in the row until no copy can be under way: a repeat gets the first reply. */
import { Backpressure, Expired, Internal, Malformed } from "../protocol/Errors.ts"
import { millisOf } from "../protocol/Ids.ts"
import { decodeStored, encodeStored } from "../protocol/Stored.ts"
import { fromBytes, type MessageCodec, toBytes } from "./Codec.ts"
import { failed, type Reply } from "./Envelope.ts"

/** A request id lives this long; past it the actor answers `Expired`. */
const requestLifeMillis = 10 * 60_000
/** A reply is kept past the end of life, so that a copy that left in time still finds it. */
const keptAfterLifeMillis = 60_000
/** A bound by number never pushes an id out before its time: a full memory refuses instead. */
const answersMax = 4096
/** How far the clock of an edge may be ahead. */
const fromFutureMillis = 60_000

const prefix = "~once/"

type AnswerTag = "Success" | "Refused" | "Failed"
const tags: ReadonlyArray<AnswerTag> = ["Success", "Refused", "Failed"]

/** A kept reply in its travelling form. */
interface Entry {
  readonly until: number
  readonly tag: AnswerTag
  readonly body: Uint8Array
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

  /**
   * A repeat is answered from memory, an id past its life is refused: a copy of either must not run. `undefined` lets the
   * message run. `codec` is the one of the message, `owner` names the actor for people.
   */
  admit(
    requestId: string,
    codec: MessageCodec | undefined,
    now: number,
    owner: string,
    changes: PartChanges
  ): Reply | undefined {
    const bornAt = millisOf(requestId)
    if (bornAt === undefined || bornAt > now + fromFutureMillis)
      return failed(new Malformed({ path: "requestId", reason: "needs a UUIDv7 made now" }))
    const known = this.entries.get(requestId)
    if (known !== undefined) return decode(codec, known)
    if (now > bornAt + requestLifeMillis) return failed(new Expired({ age: now - bornAt }))
    if (this.hasRoom(now, changes)) return undefined
    return failed(new Backpressure({ bucket: `${owner} requests`, retryAfterMs: 60_000 }))
  }

  /** Forgets what is past its time; then answers whether there is room for one more. */
  private hasRoom(now: number, changes: PartChanges): boolean {
    for (const [requestId, entry] of this.entries) {
      if (entry.until > now) break
      this.entries.delete(requestId)
      changes.remove(prefix + requestId)
    }
    return this.entries.size < answersMax
  }

  /** Keeps the reply of a message that {@link admit} let run; answers whether there was anything to keep. */
  keep(requestId: string, codec: MessageCodec | undefined, reply: Reply, changes: PartChanges): boolean {
    const bornAt = millisOf(requestId)
    if (codec === undefined || bornAt === undefined || reply._tag === "NotHere") return false
    const until = bornAt + requestLifeMillis + keptAfterLifeMillis
    const tag = reply._tag
    const body = encode(codec, reply)
    this.entries.set(requestId, { until, tag, body })
    changes.put(prefix + requestId, encodeStored([until, tags.indexOf(tag), body]))
    return true
  }
}

const encode = (codec: MessageCodec, reply: Exclude<Reply, { readonly _tag: "NotHere" }>): Uint8Array => {
  switch (reply._tag) {
    case "Success":
      return toBytes(codec.success, reply.value)
    case "Refused":
      return toBytes(codec.error, reply.error)
    case "Failed":
      return encodeStored(reply.error._tag === "Internal" ? reply.error.traceId : "")
  }
}

const decode = (codec: MessageCodec | undefined, { tag, body }: Entry): Reply => {
  if (codec === undefined || tag === "Failed") {
    const traceId = decodeStored(body)
    return failed(new Internal({ traceId: typeof traceId === "string" ? traceId : "" }))
  }
  const value = fromBytes(tag === "Success" ? codec.success : codec.error, body)
  if (value._tag === "Failure")
    return failed(new Malformed({ path: "requestId", reason: "the id belongs to another message" }))
  return tag === "Success" ? { _tag: "Success", value: value.success } : { _tag: "Refused", error: value.success }
}
