/** Tells: messages that must arrive. They rest in the sender's row until the receiver has acknowledged them. */
import { type Because, becauseFromStored, becauseToStored } from "../protocol/Because.ts"
import { type Commit, chainIdOf, eventIdOf } from "../protocol/Event.ts"
import { decodeStored, encodeStored } from "../protocol/Stored.ts"
import type { PartChanges } from "./Answered.ts"
import type { Posted, Reply } from "./Envelope.ts"
import { type Address, addressKey, type Cancel, type Host } from "./Host.ts"
import type { LeavingTell } from "./Leaving.ts"
import { runtimeIn } from "./Origin.ts"

/** Past this many unacknowledged tells a transition that adds one is refused with `Backpressure`. */
export const tellsMax = 256

const prefix = "~tell/"
const firstRetryMillis = 500
const lastRetryMillis = 60_000
/** A tell that has not arrived by then is a dead letter, ms: a receiver need not know its sender for ever. */
export const tellLifeMillis = 7 * 24 * 3600 * 1000
/** How long one attempt may take before it counts as lost. */
const attemptMillis = 10_000

/** A tell in its travelling form. */
export interface EncodedTell {
  readonly to: Address
  readonly message: string
  readonly body: Uint8Array
  /** What led to it. */
  readonly because: Because
}

interface Pending extends EncodedTell {
  readonly version: number
  readonly index: number
  /** When it was told, ms. */
  readonly at: number
}

/** A tell whose commit is still to come. */
interface Fresh extends LeavingTell {
  /** Place in the commit of the first fact of its transition, if there is one. */
  readonly first: number | undefined
  /** Place in the commit of the first tell of its transition. */
  readonly firstTell: number
}

/** The causes of a tell, now that the commit is known by which the events beside it have their ids. */
const becauseIn = (commit: Commit, { because, causedBy, first, firstTell }: Fresh): Because => {
  const begun = first === undefined ? undefined : eventIdOf(commit, first)
  const root = because.root ?? begun ?? chainIdOf(commit, firstTell)
  const event = causedBy === undefined || first === undefined ? undefined : eventIdOf(commit, first + causedBy)
  // What nobody asked for is said by the first event of the transition, if by anything.
  const causes =
    event !== undefined ? [event] : because.causes.length === 0 && begun !== undefined ? [begun] : because.causes
  return { ...because, root, causes }
}

const nothing: Because = { causes: [] }

/** What the outbox needs of its cell. */
export interface Sender {
  readonly key: string
  readonly host: Host
  readonly post: (to: Address, posted: Posted, deadlineMillis: number, done: (reply: Reply) => void) => void
  /** The tell is over: acknowledged, or (with a cause) a dead letter. The cell commits its removal. */
  readonly tellEnded: (tell: EncodedTell, number: string, cause: string | undefined) => void
}

/** One in flight per receiver, in order of (version, index). */
export class Outbox {
  private readonly sender: Sender
  private fresh: Array<Fresh> = []
  private readonly pending: Array<Pending> = []
  private readonly attempts = new Map<string, { tries: number; cancel: Cancel | undefined }>()
  /** Row version up to which tells are durable and may leave. */
  private durable = 0
  private closed = false

  constructor(sender: Sender) {
    this.sender = sender
  }

  get size(): number {
    return this.pending.length + this.fresh.length
  }

  /** Takes a part of a loaded row; answers whether it was one of these. */
  load(key: string, value: Uint8Array): boolean {
    if (!key.startsWith(prefix)) return false
    const stored = decodeStored(value)
    const [version, index] = key.slice(prefix.length).split(".").map(Number)
    if (!Array.isArray(stored) || version === undefined || index === undefined) throw new Error(`malformed part ${key}`)
    const [kind, id, message, body, at = this.sender.host.now(), reason]: ReadonlyArray<unknown> = stored
    if (
      typeof kind !== "string" ||
      typeof id !== "string" ||
      typeof message !== "string" ||
      !(body instanceof Uint8Array) ||
      typeof at !== "number"
    )
      throw new Error(`malformed part ${key}`)
    const because = becauseFromStored(reason) ?? nothing
    this.pending.push({ to: { kind, id }, message, body, because, version, index, at })
    return true
  }

  /** After a load: sends what the row still holds. */
  wake(version: number): void {
    this.pending.sort((a, b) => a.version - b.version || a.index - b.index)
    this.committed(version)
  }

  /** `first` is the place in the commit of the first fact of their transition, if there is one. */
  add(tells: ReadonlyArray<LeavingTell>, first: number | undefined): void {
    const firstTell = this.fresh.length
    for (const tell of tells) this.fresh.push({ ...tell, first, firstTell })
  }

  /** Numbers the new tells by the row version that makes them durable and writes them beside it. */
  snapshot(commit: Commit, changes: PartChanges): void {
    const { version, committedAt: at } = commit
    for (const [index, tell] of this.fresh.entries()) {
      const { to, message, body } = tell
      const because = becauseIn(commit, tell)
      this.pending.push({ to, message, body, because, version, index, at })
      const stored = [to.kind, to.id, message, body, at, becauseToStored(because)]
      changes.put(`${prefix}${version}.${index}`, encodeStored(stored))
    }
    this.fresh = []
  }

  /** The row is durable at this version: its tells may leave. */
  committed(version: number): void {
    this.durable = version
    if (this.pending.length > 0) this.send()
  }

  /** Sends the first tell of each receiver that has none in flight. */
  private send(): void {
    const seen = new Set<string>()
    for (const tell of this.pending) {
      const receiver = addressKey(tell.to)
      if (seen.has(receiver)) continue
      seen.add(receiver)
      if (tell.version <= this.durable && !this.attempts.has(receiver)) this.attempt(receiver, tell)
    }
  }

  close(): void {
    this.closed = true
    for (const { cancel } of this.attempts.values()) cancel?.()
    this.attempts.clear()
  }

  private attempt(receiver: string, tell: Pending): void {
    const attempt = this.attempts.get(receiver) ?? { tries: 0, cancel: undefined }
    attempt.tries++
    attempt.cancel = undefined
    this.attempts.set(receiver, attempt)
    const { host, key } = this.sender
    if (host.now() > tell.at + tellLifeMillis) {
      attempt.cancel = host.schedule(0, () => this.end(receiver, tell, "it has not arrived within a week"))
      return
    }
    const { message, body, because, version, index, at } = tell
    const posted: Posted = {
      message,
      body,
      requestId: "",
      asker: runtimeIn(because),
      tell: { from: key, version, index, at, causes: because.causes }
    }
    this.sender.post(tell.to, posted, attemptMillis, (reply) => {
      if (this.closed || !this.pending.includes(tell)) return
      if (reply._tag === "Success" || reply._tag === "Refused") return this.end(receiver, tell, undefined)
      if (reply._tag === "Failed" && isFinal(reply.error._tag)) return this.end(receiver, tell, reply.error.message)
      const delay = Math.min(lastRetryMillis, firstRetryMillis * 2 ** Math.min(attempt.tries - 1, 10))
      attempt.cancel = host.schedule(delay, () => this.attempt(receiver, tell))
    })
  }

  private end(receiver: string, tell: Pending, cause: string | undefined): void {
    this.attempts.delete(receiver)
    this.pending.splice(this.pending.indexOf(tell), 1)
    this.sender.tellEnded(tell, `${tell.version}.${tell.index}`, cause)
    this.send()
  }
}

/** Removes the tell's part with the next commit. */
export const forgetTell = (number: string, changes: PartChanges): void => changes.remove(prefix + number)

/** Failures that a repeat cannot mend; all others are tried again. */
const isFinal = (tag: string): boolean =>
  tag === "Malformed" ||
  tag === "PolicyDenied" ||
  tag === "NotFound" ||
  tag === "UnknownCapability" ||
  tag === "Internal"
