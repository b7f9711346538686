/** One mailbox: its queue, its readers, and what happens when it is full. */
import type { MailboxIdentity } from "./MailboxName.ts"
import {
  capacityDefault,
  type Message,
  mailboxStatus,
  messageCost,
  messageFlags,
  modeBits,
  type QueuedMessage
} from "./MailboxTypes.ts"
import type { Tap } from "./Tap.ts"

/** One opening of a mailbox by one task. */
export interface Handle {
  readonly pid: number
  readonly id: number
  /** Fan-out: the last message it has read or will never see. */
  lastSequence: number
  /** Fan-out: it has sent and not read since, so nothing waits for it to read. */
  isSender: boolean
  /** Fan-out: messages were dropped before it read them. */
  isOverrun: boolean
  tap: Tap | undefined
  /** The host's listener: told of each copy for the tap. */
  onCopy?: () => void
}

/** A message as a reader gets it. */
const messageOf = ({ data, channel, sourcePid }: Message, flags: number): Message => ({
  data,
  flags,
  channel,
  sourcePid
})

/** What a full mailbox does about a message. */
export type Admission =
  | { readonly status: typeof mailboxStatus.ok; readonly dropped: ReadonlyArray<QueuedMessage> }
  | { readonly status: typeof mailboxStatus.messageTooLarge }
  | { readonly status: typeof mailboxStatus.wouldBlock; readonly policy: "single" | "fanout_block" }

/** A mailbox. With fan-out every reader sees every message; without, each message goes to one. */
export class Mailbox {
  readonly id: number
  readonly identity: MailboxIdentity
  /** The task whose call made it; none when the host or a load did. */
  readonly maker: number | undefined
  capacity: number
  mode: number
  /** Tasks that made, opened or bound it and have not been purged. With none of them and no handle left it goes. */
  readonly holders = new Set<number>()
  /** Whether an image declared its shape; another image may not declare a different one meanwhile. */
  isDeclared = false
  readonly handles = new Set<Handle>()
  /** Handles that wait for a message, first come first served. */
  waiters: Array<Handle> = []
  #queue: Array<QueuedMessage> = []
  #bytes = 0
  #nextSequence = 0

  constructor(id: number, identity: MailboxIdentity, maker: number | undefined, capacity: number, mode: number) {
    this.id = id
    this.identity = identity
    this.maker = maker
    this.capacity = capacity || capacityDefault
    this.mode = mode
  }

  get isFanout(): boolean {
    return (this.mode & modeBits.fanout) !== 0
  }

  get depth(): number {
    return this.#queue.length
  }

  get bytesUsed(): number {
    return this.#bytes
  }

  /** A new handle sees only what is sent from now on, if the mailbox fans out. */
  openHandle(pid: number, id: number): Handle {
    const handle: Handle = {
      pid,
      id,
      lastSequence: this.#nextSequence - 1,
      isSender: false,
      isOverrun: false,
      tap: undefined
    }
    this.handles.add(handle)
    this.#reclaim()
    return handle
  }

  /** A handle sends: nothing waits for it to read any more, until it reads again. */
  startSending(handle: Handle): void {
    handle.isSender = true
    this.#reclaim()
  }

  closeHandle(handle: Handle): void {
    this.handles.delete(handle)
    this.waiters = this.waiters.filter((waiter) => waiter !== handle)
    this.#reclaim()
  }

  /** Makes room for a message, or says why there is none. Only a fan-out that drops loses older ones for it. */
  admit(data: Uint8Array): Admission {
    const cost = messageCost(data)
    if (cost > this.capacity) return { status: mailboxStatus.messageTooLarge }
    const isFull = (): boolean => this.#bytes + cost > this.capacity
    if (!isFull()) return { status: mailboxStatus.ok, dropped: [] }
    if (!this.isFanout) return { status: mailboxStatus.wouldBlock, policy: "single" }
    if ((this.mode & modeBits.fanoutBlock) !== 0) {
      return { status: mailboxStatus.wouldBlock, policy: "fanout_block" }
    }
    const dropped: Array<QueuedMessage> = []
    while (isFull()) dropped.push(...this.#dropOldest())
    return { status: mailboxStatus.ok, dropped }
  }

  /** Queues a message that was admitted. */
  put(message: Message): void {
    this.#queue.push({ ...message, sequence: this.#nextSequence++ })
    this.#bytes += messageCost(message.data)
  }

  /** What a handle would read next, without reading it. */
  peek(handle: Handle): Message | undefined {
    if (handle.tap !== undefined) return handle.tap.next
    if (!this.isFanout) return this.#queue[0]
    return this.#queue.find((message) => message.sequence > handle.lastSequence)
  }

  /** Reads the next message of a handle; none when there is none. A tapped handle reads its copies. */
  take(handle: Handle): Message | undefined {
    if (handle.tap !== undefined) return handle.tap.take()
    if (!this.isFanout) {
      const [message] = this.#dropOldest()
      return message && messageOf(message, message.flags)
    }
    const message = this.#queue.find((candidate) => candidate.sequence > handle.lastSequence)
    if (message === undefined) return undefined
    handle.isSender = false
    handle.lastSequence = message.sequence
    const flags = handle.isOverrun ? message.flags | messageFlags.overrun : message.flags
    handle.isOverrun = false
    this.#reclaim()
    return messageOf(message, flags)
  }

  /** Starts or ends copies for a handle. After the end it reads the mailbox itself again, from now on. */
  setTap(handle: Handle, tap: Tap | undefined): void {
    handle.tap = tap
    handle.isOverrun = false
    if (tap === undefined) handle.lastSequence = this.#nextSequence - 1
    this.#reclaim()
  }

  /** Changes size and mode; 0 leaves them. What no longer fits goes, the oldest first. */
  reshape(capacity: number, mode: number): ReadonlyArray<QueuedMessage> {
    if (mode !== 0) this.mode = mode
    if (capacity > 0) this.capacity = capacity
    const dropped: Array<QueuedMessage> = []
    while (this.#bytes > this.capacity) dropped.push(...this.#dropOldest())
    return dropped
  }

  /** Readers are handles that neither send nor tap. A message goes as soon as there are some and all have read it. */
  #reclaim(): void {
    if (!this.isFanout || this.#queue.length === 0) return
    let last = Number.POSITIVE_INFINITY
    for (const handle of this.handles) {
      if (!handle.isSender && handle.tap === undefined) last = Math.min(last, handle.lastSequence)
    }
    if (last === Number.POSITIVE_INFINITY) return
    while (this.#queue[0] !== undefined && this.#queue[0].sequence <= last) this.#removeHead()
  }

  /** Every reader that has not read the dropped message learns of it with the next one. */
  #dropOldest(): Array<QueuedMessage> {
    const message = this.#removeHead()
    if (message === undefined) return []
    if (this.isFanout) {
      for (const handle of this.handles) {
        if (handle.tap === undefined && handle.lastSequence < message.sequence) {
          handle.isOverrun ||= !handle.isSender
          handle.lastSequence = message.sequence
        }
      }
    }
    return [message]
  }

  #removeHead(): QueuedMessage | undefined {
    const message = this.#queue.shift()
    if (message !== undefined) this.#bytes -= messageCost(message.data)
    return message
  }
}
