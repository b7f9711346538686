/** All mailboxes of a board, and who has them open. */
import type { Emit, EventData } from "./Events.ts"
import { type Handle, Mailbox } from "./Mailbox.ts"
import { identityKey, type MailboxIdentity, mailboxIdentity, mailboxTarget } from "./MailboxName.ts"
import { hostPid, type MailboxLimits, type Message, mailboxStatus } from "./MailboxTypes.ts"
import { Tap } from "./Tap.ts"

/** What a waiting reader gets: a message, or a status that says why none will come. */
export interface Delivery {
  readonly status: number
  readonly mailbox: number
  readonly handle: number
  readonly message: Message | undefined
}

/** What the mailboxes need of the executive. */
export interface MailboxesOptions {
  readonly limits: MailboxLimits
  /** The board's clock in milliseconds. */
  readonly now: () => number
  readonly emit: Emit
  /** A task that waited goes on. Called in the order in which they wake. */
  readonly wake: (pid: number, delivery: Delivery) => void
  /** Whether a task of that number exists. Nobody makes mailboxes for one that does not. */
  readonly isTask: (pid: number) => boolean
}

/** A status, and on success the mailbox. */
export type BindResult = { readonly status: 0; readonly mailbox: Mailbox } | { readonly status: number }
/** A status, and on success the handle. */
export type OpenResult =
  | { readonly status: 0; readonly handle: number; readonly mailbox: Mailbox }
  | { readonly status: number }
/** A status, and on success the message. */
export type TakeResult = { readonly status: number; readonly mailbox?: Mailbox; readonly message?: Message }

/** How a mailbox is asked for. */
export interface BindRequest {
  readonly capacity?: number
  readonly mode?: number
  /** Made while a program is loaded, from what its image declares: the task's own limit does not count it. */
  readonly isLoad?: boolean
  /** Another task as whose the name is read. */
  readonly readAs?: number
  /** Mailboxes that a program that is about to go will give back. */
  readonly soonFree?: number
}

/** A row of the list of mailboxes. */
export interface MailboxRow {
  readonly descriptor: number
  readonly target: string
  readonly owner: number | null
  readonly capacity: number
  readonly mode: number
  readonly depth: number
  readonly bytesUsed: number
  readonly handles: number
  readonly taps: number
  readonly waiters: ReadonlyArray<number>
}

interface OpenHandle {
  readonly mailbox: Mailbox
  readonly handle: Handle
}

/** A message as events show it. */
export const messageData = (descriptor: number, handle: number, message: Message): EventData => ({
  descriptor,
  handle,
  length: message.data.length,
  flags: message.flags,
  channel: message.channel,
  src_pid: message.sourcePid
})

/** The mailboxes. Nothing here waits: a task that must wait is parked by the executive and woken through `wake`. */
export class Mailboxes {
  readonly #options: MailboxesOptions
  readonly #mailboxes = new Map<string, Mailbox>()
  readonly #handles = new Map<number, Map<number, OpenHandle>>()
  readonly #nextHandle = new Map<number, number>()
  #nextId = 1

  constructor(options: MailboxesOptions) {
    this.#options = options
  }

  /** Mailboxes and handles there are. */
  counts(): { readonly mailboxes: number; readonly handles: number } {
    let handles = 0
    for (const table of this.#handles.values()) handles += table.size
    return { mailboxes: this.#mailboxes.size, handles }
  }

  /** Mailboxes that may still be made. */
  free(): number {
    return this.#options.limits.mailboxes - this.#mailboxes.size
  }

  list(): ReadonlyArray<MailboxRow> {
    return [...this.#mailboxes.values()].map((mailbox) => ({
      descriptor: mailbox.id,
      target: mailboxTarget(mailbox.identity),
      owner: mailbox.identity.owner ?? null,
      capacity: mailbox.capacity,
      mode: mailbox.mode,
      depth: mailbox.depth,
      bytesUsed: mailbox.bytesUsed,
      handles: mailbox.handles.size,
      taps: [...mailbox.handles].filter((handle) => handle.tap !== undefined).length,
      waiters: mailbox.waiters.map((waiter) => waiter.pid)
    }))
  }

  /** Mailboxes that would go with these tasks. */
  freedBy(pids: ReadonlySet<number>): number {
    let count = 0
    for (const { identity, holders, handles } of this.#mailboxes.values()) {
      const isOwn = identity.owner !== undefined && pids.has(identity.owner)
      const users = [...holders, ...[...handles].map((handle) => handle.pid)]
      if (isOwn || users.every((pid) => pids.has(pid))) count += 1
    }
    return count
  }

  /** The mailbox a caller means, if there is one. */
  find(pid: number, target: string): Mailbox | undefined {
    const identity = mailboxIdentity(target, pid)
    return identity && this.#mailboxes.get(identityKey(identity))
  }

  /** Finds or makes a mailbox. Of one that exists, a task may change what is its own or everybody's. */
  bind(pid: number, target: string, request: BindRequest = {}): BindResult {
    const identity = mailboxIdentity(target, request.readAs ?? pid)
    if (identity === undefined) return { status: mailboxStatus.internalError }
    const { capacity = 0, mode = 0 } = request
    const mailbox = this.#mailboxes.get(identityKey(identity))
    if (mailbox === undefined) return this.#make(pid, identity, request)
    const changes = (capacity > 0 && capacity !== mailbox.capacity) || (mode !== 0 && mode !== mailbox.mode)
    const isForeign = identity.owner !== undefined && identity.owner !== pid && pid !== hostPid
    if (changes && isForeign) return { status: mailboxStatus.internalError }
    for (const lost of mailbox.reshape(capacity, mode)) this.#overrun(mailbox, lost, "resized")
    this.#hold(pid, mailbox)
    return { status: mailboxStatus.ok, mailbox }
  }

  /** Opens a mailbox, making it when there is none. Handles count from 1 per task and are not used again. */
  open(pid: number, target: string, request: BindRequest = {}): OpenResult {
    const table = this.#handles.get(pid) ?? new Map<number, OpenHandle>()
    const { handles: limit } = this.#options.limits
    if (pid !== hostPid && table.size >= limit) {
      this.#options.emit("mailbox_exhausted", pid, {
        reason: "handle_limit",
        pid,
        handle_limit: limit,
        handles: table.size
      })
      return { status: mailboxStatus.noDescriptor }
    }
    const bound = this.bind(pid, target, request)
    if (!("mailbox" in bound)) return bound
    const id = this.#nextHandle.get(pid) ?? 1
    this.#nextHandle.set(pid, id + 1)
    table.set(id, { mailbox: bound.mailbox, handle: bound.mailbox.openHandle(pid, id) })
    this.#handles.set(pid, table)
    return { status: mailboxStatus.ok, handle: id, mailbox: bound.mailbox }
  }

  /** Closes a handle; a mailbox nobody holds goes with its last one. */
  close(pid: number, id: number): number {
    const open = this.#handles.get(pid)?.get(id)
    if (open === undefined) return mailboxStatus.invalidHandle
    this.#closeOpen(pid, open)
    this.#dropUnheld(open.mailbox)
    return mailboxStatus.ok
  }

  /** The mailbox of a handle. */
  mailboxOf(pid: number, id: number): Mailbox | undefined {
    return this.#handles.get(pid)?.get(id)?.mailbox
  }

  /** Sends by a handle. Never waits. A message without bytes succeeds and does nothing. */
  send(pid: number, id: number, data: Uint8Array, flags: number, channel: number, isAnnounced = false): number {
    const open = this.#handles.get(pid)?.get(id)
    if (open === undefined) return mailboxStatus.invalidHandle
    open.mailbox.startSending(open.handle)
    return this.post(open.mailbox, { data, flags, channel, sourcePid: pid }, isAnnounced ? id : undefined)
  }

  /**
   * Puts a message into a mailbox, copies it to the taps, and wakes who waited for it. With the handle of a program's own
   * call the event of the sending goes out, before the events of those it wakes.
   */
  post(mailbox: Mailbox, message: Message, announcedHandle?: number): number {
    if (message.data.length === 0) return mailboxStatus.ok
    const admission = mailbox.admit(message.data)
    if (admission.status !== mailboxStatus.ok) {
      if (admission.status === mailboxStatus.wouldBlock) {
        this.#options.emit("mailbox_backpressure", message.sourcePid, {
          descriptor: mailbox.id,
          policy: admission.policy,
          capacity: mailbox.capacity,
          bytes_used: mailbox.bytesUsed,
          requested: message.data.length
        })
      }
      return admission.status
    }
    for (const lost of admission.dropped) this.#overrun(mailbox, lost, "fanout_drop")
    // A copy: the sender's memory goes on changing.
    const kept: Message = { ...message, data: new Uint8Array(message.data) }
    mailbox.put(kept)
    if (announcedHandle !== undefined) {
      this.#options.emit("mailbox_send", kept.sourcePid, messageData(mailbox.id, announcedHandle, kept))
    }
    this.#copyToTaps(mailbox, kept)
    this.#deliver(mailbox)
    return mailboxStatus.ok
  }

  /** Reads the next message of a handle. */
  receive(pid: number, id: number): TakeResult {
    const open = this.#handles.get(pid)?.get(id)
    if (open === undefined) return { status: mailboxStatus.invalidHandle }
    const message = open.mailbox.take(open.handle)
    return message === undefined
      ? { status: mailboxStatus.noData, mailbox: open.mailbox }
      : { status: mailboxStatus.ok, mailbox: open.mailbox, message }
  }

  /** Has a handle wait for the next message. */
  wait(pid: number, id: number): void {
    const open = this.#handles.get(pid)?.get(id)
    if (open !== undefined) open.mailbox.waiters.push(open.handle)
  }

  /** Ends the wait of a handle. */
  unwait(pid: number, id: number): void {
    const open = this.#handles.get(pid)?.get(id)
    if (open === undefined) return
    open.mailbox.waiters = open.mailbox.waiters.filter((waiter) => waiter !== open.handle)
  }

  /** What a handle would read next, and how full its queue is. */
  peek(pid: number, id: number): { status: number; depth: number; bytesUsed: number; nextLength: number } {
    const open = this.#handles.get(pid)?.get(id)
    if (open === undefined) return { status: mailboxStatus.invalidHandle, depth: 0, bytesUsed: 0, nextLength: 0 }
    const { depth, bytesUsed } = open.handle.tap ?? open.mailbox
    const nextLength = open.mailbox.peek(open.handle)?.data.length ?? 0
    return { status: mailboxStatus.ok, depth, bytesUsed, nextLength }
  }

  /** Starts or ends copies for a handle. `listener` is told of each one; `rate` is per second. */
  tap(pid: number, id: number, enable: boolean, rate?: number, listener?: () => void): number {
    const open = this.#handles.get(pid)?.get(id)
    if (open === undefined) return mailboxStatus.invalidHandle
    const { mailbox, handle } = open
    if (!enable) {
      // A handle without tap has messages of its own to read, which an end would pass over.
      if (handle.tap !== undefined) mailbox.setTap(handle, undefined)
      delete handle.onCopy
    } else {
      handle.tap ?? mailbox.setTap(handle, new Tap(mailbox.capacity, rate ?? this.#options.limits.tapRate))
      if (listener !== undefined) handle.onCopy = listener
    }
    return mailboxStatus.ok
  }

  /** Closes everything a task has open. What it made stays until it is purged, so that its last words can be read. */
  endTask(pid: number): void {
    const opens = [...(this.#handles.get(pid)?.values() ?? [])]
    for (const open of opens) this.#closeOpen(pid, open)
    this.#handles.delete(pid)
    this.#nextHandle.delete(pid)
    for (const open of opens) this.#dropUnheld(open.mailbox)
  }

  /** Removes the task's own mailboxes, and everybody's that nobody else holds. */
  purgeTask(pid: number): void {
    this.endTask(pid)
    for (const mailbox of [...this.#mailboxes.values()]) {
      mailbox.holders.delete(pid)
      if (mailbox.identity.owner === pid) this.#drop(mailbox)
      else this.#dropUnheld(mailbox)
    }
  }

  #make(pid: number, identity: MailboxIdentity, request: BindRequest): BindResult {
    const { capacity = 0, mode = 0, isLoad = false, soonFree = 0 } = request
    const { limits, emit, isTask } = this.#options
    const { namespace, name, owner } = identity
    if (owner !== undefined && owner !== pid && owner !== hostPid && !isTask(owner)) {
      return { status: mailboxStatus.internalError }
    }
    const maker = isLoad || pid === hostPid ? undefined : pid
    const made = maker && [...this.#mailboxes.values()].filter((mailbox) => mailbox.maker === maker).length
    const isPoolFull = this.#mailboxes.size - soonFree >= limits.mailboxes
    if (isPoolFull || (made !== undefined && made >= limits.handles)) {
      emit("mailbox_exhausted", pid, {
        reason: isPoolFull ? "descriptor_pool_full" : "task_limit",
        namespace,
        name,
        owner: owner ?? null,
        max_descriptors: isPoolFull ? limits.mailboxes : limits.handles
      })
      return { status: mailboxStatus.noDescriptor }
    }
    const mailbox = new Mailbox(this.#nextId++, identity, maker, capacity, mode)
    this.#hold(pid, mailbox)
    this.#mailboxes.set(identityKey(identity), mailbox)
    return { status: mailboxStatus.ok, mailbox }
  }

  /** The host keeps a mailbox only as long as it has it open. */
  #hold(pid: number, mailbox: Mailbox): void {
    if (pid !== hostPid) mailbox.holders.add(pid)
  }

  #copyToTaps(mailbox: Mailbox, message: Message): void {
    for (const handle of [...mailbox.handles]) {
      const outcome = handle.tap?.offer(message, this.#options.now())
      if (outcome === "limited-first") {
        this.#options.emit("mailbox_backpressure", handle.pid, {
          descriptor: mailbox.id,
          policy: "tap_rate_limit",
          tap_pid: handle.pid,
          tap_handle: handle.id,
          limit: handle.tap?.rate ?? null
        })
      }
      if (outcome === "taken") handle.onCopy?.()
    }
  }

  /** Without fan-out the first in line gets the message and the others find nothing. */
  #deliver(mailbox: Mailbox): void {
    for (const waiter of [...mailbox.waiters]) {
      const message = mailbox.take(waiter)
      if (message === undefined) continue
      mailbox.waiters = mailbox.waiters.filter((other) => other !== waiter)
      this.#options.wake(waiter.pid, {
        status: mailboxStatus.ok,
        mailbox: mailbox.id,
        handle: waiter.id,
        message
      })
    }
  }

  #closeOpen(pid: number, open: OpenHandle): void {
    this.#handles.get(pid)?.delete(open.handle.id)
    open.mailbox.closeHandle(open.handle)
  }

  #dropUnheld(mailbox: Mailbox): void {
    if (mailbox.holders.size === 0 && mailbox.handles.size === 0) this.#drop(mailbox)
  }

  /** Whoever waits on a mailbox that goes learns that its handle is no longer good. */
  #drop(mailbox: Mailbox): void {
    if (!this.#mailboxes.delete(identityKey(mailbox.identity))) return
    const waiters = mailbox.waiters
    for (const handle of [...mailbox.handles]) this.#closeOpen(handle.pid, { mailbox, handle })
    for (const { pid, id } of waiters) {
      this.#options.wake(pid, {
        status: mailboxStatus.invalidHandle,
        mailbox: mailbox.id,
        handle: id,
        message: undefined
      })
    }
  }

  #overrun(mailbox: Mailbox, lost: Message & { readonly sequence: number }, reason: string): void {
    this.#options.emit("mailbox_overrun", lost.sourcePid, {
      pid: lost.sourcePid,
      descriptor: mailbox.id,
      dropped_seq: lost.sequence,
      dropped_length: lost.data.length,
      dropped_flags: lost.flags,
      channel: lost.channel,
      reason,
      queue_depth: mailbox.depth
    })
  }
}
