/**
 * Brings what operators were refused into the journal: the actor of the account hears of it and its commit has the event.
 * The first refusal leaves at once; while others follow, they are counted, and leave as one message a window: who asks a
 * thousand times a second does not write a thousand rows.
 */
import type { Asker } from "../protocol/Asker.ts"
import { uuidV7 } from "../protocol/Ids.ts"
import { Operator, type RefusedAct, refusedActsMax } from "../protocol/Operator.ts"
import { encodeStored } from "../protocol/Stored.ts"
import type { Posted } from "./Envelope.ts"
import type { Act } from "./Guard.ts"
import type { Host } from "./Host.ts"
import type { Registry } from "./Registry.ts"
import type { Surroundings } from "./Surroundings.ts"

const windowMillis = 10_000
/** Ends before the window does: there is one attempt at a time. */
const attemptMillis = 8_000
/** A node that stops waits no longer for a message than this. */
const lastAttemptMillis = 1_000
/** Stands for every act beyond those that are named apart. */
const others: Act = { capability: "*", message: "*", target: "*" }
/** A name from a request may be a megabyte long. */
const nameMax = 200

/** What bringing needs of its node. */
export interface Bringer {
  readonly host: Host
  readonly registry: Registry
  readonly post: Surroundings["post"]
  /** Runs after a while, unless the node stops before. */
  readonly later: (millis: number, run: () => void) => void
}

/** One account that was refused something lately. */
interface Account {
  readonly id: string
  /** By act: what has not left yet. */
  counted: Map<string, RefusedAct>
  /** What has left and is not known to have arrived. */
  sending: Posted | undefined
}

/** See the file. One of each node. */
export class Refusals {
  private readonly bringer: Bringer
  private readonly accounts = new Map<string, Account>()

  constructor(bringer: Bringer) {
    this.bringer = bringer
  }

  /** An act was refused. Boards and actors have no accounts: what gateways deny a board is its link's own event. */
  note(asker: Asker, act: Act): void {
    if (asker.kind !== "user" || !this.bringer.registry.has(Operator.kind)) return
    const known = this.accounts.get(asker.id)
    const account = known ?? { id: asker.id, counted: new Map(), sending: undefined }
    this.count(account, act)
    if (known !== undefined) return
    this.accounts.set(asker.id, account)
    this.send(account)
    this.follow(account)
  }

  private count({ counted }: Account, act: Act): void {
    const now = this.bringer.host.now()
    const key = keyOf(act)
    const isNamed = counted.has(key) || counted.size < refusedActsMax
    const { capability, message, target } = isNamed ? act : others
    const { count, first } = counted.get(isNamed ? key : keyOf(others)) ?? { count: 0, first: now }
    counted.set(isNamed ? key : keyOf(others), {
      capability,
      message: named(message),
      target: named(target),
      count: count + 1,
      first,
      last: now
    })
  }

  /** The node stops: what was counted leaves now, for no window will end any more. Who does not take it is not asked again. */
  flush(done: () => void): void {
    const accounts = [...this.accounts.values()].filter((account) => !isEmpty(account))
    let open = accounts.length
    if (open === 0) return done()
    const ended = (): void => {
      if (--open === 0) done()
    }
    for (const account of accounts) this.drain(account, ended)
  }

  /** What was under way comes first, under its own id; what was counted since comes after it. */
  private drain(account: Account, done: () => void): void {
    if (isEmpty(account)) return done()
    this.send(account, lastAttemptMillis, () => {
      if (account.sending === undefined) this.drain(account, done)
      else done()
    })
  }

  /** Looks again when the window is over, until one has passed without a refusal. */
  private follow(account: Account): void {
    this.bringer.later(windowMillis, () => {
      if (isEmpty(account)) {
        this.accounts.delete(account.id)
        return
      }
      this.send(account)
      this.follow(account)
    })
  }

  /** What did not arrive goes again under its own id first, so that it is journalled once. */
  private send(account: Account, millis = attemptMillis, ended: () => void = () => {}): void {
    const posted = account.sending ?? this.posted(encodeStored({ refusals: [...account.counted.values()] }))
    if (account.sending === undefined) account.counted = new Map()
    account.sending = posted
    this.bringer.post({ kind: Operator.kind, id: account.id }, posted, millis, (reply) => {
      const tag = reply._tag === "Failed" ? reply.error._tag : reply._tag
      if (account.sending === posted) {
        if (tag === "Success" || tag === "Refused" || tag === "Internal") account.sending = undefined
        else if (tag === "Expired") account.sending = this.posted(posted.body)
      }
      ended()
    })
  }

  private posted(body: Uint8Array): Posted {
    const { host } = this.bringer
    const randomBytes = (count: number) => Uint8Array.from({ length: count }, () => Math.floor(host.random() * 256))
    const requestId = uuidV7(host.now(), randomBytes)
    const asker: Asker = { kind: "service", id: "guard", role: "internal" }
    return { message: "NoteRefusals", body, requestId, asker }
  }
}

/** Names come from requests, also from those whose text nobody could store. */
const named = (text: string): string => text.slice(0, nameMax).toWellFormed().replaceAll("\u0000", "")

const isEmpty = ({ sending, counted }: Account): boolean => sending === undefined && counted.size === 0

const keyOf = ({ capability, message, target }: Act): string => `${capability}\n${message}\n${target}`
