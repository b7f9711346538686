/** One resident actor: its door, its queue, and its life from the claim of its row to the drop. */
import type { Message } from "../protocol/Contract.ts"
import { Backpressure, NotFound, Unavailable } from "../protocol/Errors.ts"
import { Activation, type ActiveCell } from "./Activation.ts"
import type { Claimer } from "./Claims.ts"
import { reportDefect } from "./Defect.ts"
import { type Envelope, failed, notHere, type Reply, unavailable } from "./Envelope.ts"
import { actOf } from "./Guard.ts"
import { type Address, addressKey, type Host } from "./Host.ts"
import { type Denial, denialOf, isByPolicies } from "./Judge.ts"
import { type FrameOutcome, frameBeyond, frameNotHere, type Offer } from "./Links.ts"
import type { EncodedTell } from "./Outbox.ts"
import { describe, type QueueItem } from "./QueueItem.ts"
import type { Kind } from "./Registry.ts"
import type { Claimed, Outage, QuarantineEntry } from "./Store.ts"
import type { DropReason, Surroundings } from "./Surroundings.ts"
import { type Watched, type Watcher, Watchers } from "./Watchers.ts"

const queueMax = 4096
const triesMax = 3
/** Failures for good within the window of `countFailure` that quarantine an actor. */
export const failuresMax = 5
const firstBackoffMillis = 100
const closeWaitMillis = 2000
const slowMillis = 100
const tooSlowMillis = 1000

/** A class, because ten thousand of these share their methods: closures would cost a quarter of an idle actor. */
export class Cell implements Claimer, ActiveCell, Watched {
  readonly kind: string
  readonly id: string
  readonly key: string
  readonly shard: number
  readonly around: Surroundings
  readonly type: Kind
  private status: "claiming" | "open" | "closing" | "dead" = "claiming"
  private claimedVersion = 0
  private active: Activation | undefined

  private queue: Array<QueueItem> = []
  private running = false
  private paused = false
  private watchers: Watchers | undefined
  /** Last direct traffic, monotonic ms: the engine's reaper sees only its own requests. */
  private touchedAt: number

  constructor(self: Address, shard: number, type: Kind, around: Surroundings) {
    this.kind = self.kind
    this.id = self.id
    this.key = addressKey(self)
    this.shard = shard
    this.type = type
    this.around = around
    this.touchedAt = around.host.monotonic()
    around.claims.add(this)
  }

  get host(): Host {
    return this.around.host
  }

  get isOpen(): boolean {
    return this.status === "open"
  }

  get isDead(): boolean {
    return this.status === "dead"
  }

  /** How many standing queries it answers. */
  get watched(): number {
    return this.watchers?.size ?? 0
  }

  /** Whether the cell must stay though the engine sees no requests. One that closes ends by itself. */
  needsToStay(now: number, idleMillis: number): boolean {
    if (this.status !== "open") return true
    return (
      this.queue.length > 0 || this.watched > 0 || now - this.touchedAt < idleMillis || this.active?.isBusy === true
    )
  }

  // ---------------------------------------------------------------------------------------------------------- ways in

  /** A message from anywhere. `NotHere` means it had no effect. */
  put(envelope: Envelope, done: (reply: Reply) => void): void {
    if (this.status === "dead" || this.status === "closing" || !this.around.mayServe(this.shard)) return done(notHere)
    if (this.queue.length >= queueMax) return done(failed(new Backpressure({ bucket: this.key, retryAfterMs: 1000 })))
    this.touchedAt = this.host.monotonic()
    this.enqueue({ _tag: "Message", envelope, done, tries: 0 })
  }

  /** An up frame of the board's current link. */
  offer(offer: Offer, done: (outcome: FrameOutcome) => void): void {
    if (this.status !== "open" || !this.around.mayServe(this.shard)) return done(frameNotHere)
    if (this.queue.length >= queueMax) return done(frameBeyond)
    this.enqueue({ _tag: "Frame", offer, done, tries: 0 })
  }

  /** Answers now and after every change. The result stops it. */
  watch(watcher: Watcher): () => void {
    this.watchers ??= new Watchers(this)
    return this.watchers.add(watcher)
  }

  ring(): void {
    if (this.status !== "open" || this.queue.some((item) => item._tag === "Timeout")) return
    this.enqueue({ _tag: "Timeout", tries: 0 })
  }

  /** The store says that the actor is due: a timer may have slept with its machine. */
  nudge(): void {
    if (this.status === "open") this.active?.nudge()
  }

  // ---------------------------------------------------------------------------------------------------------- the queue

  enqueue(item: QueueItem): void {
    this.queue.push(item)
    this.drain()
  }

  /** At once when idle, first in first out when busy; an output that sends to its own cell finds it running. */
  private drain(): void {
    const { active } = this
    if (this.running || this.paused || this.status !== "open" || active === undefined) return
    this.running = true
    for (let item = this.queue.shift(); item !== undefined; item = this.queue.shift()) {
      this.run(active, item)
      if (this.paused || this.status !== "open") break
    }
    this.running = false
  }

  private run(active: Activation, item: QueueItem): void {
    const before = this.host.monotonic()
    try {
      active.transit(item)
    } catch (cause) {
      this.crash(active, item, cause)
      return
    }
    const took = this.host.monotonic() - before
    if (took <= slowMillis) return
    const what = `${this.key}: ${describe(item)} took ${Math.round(took)} ms`
    this.host.report(what, undefined)
    if (took > tooSlowMillis && this.status === "open") this.failedForGood(what)
  }

  // ------------------------------------------------------------------------------------------------------------- waking

  creates(): boolean {
    return this.queue.some((item) => item._tag === "Message" && this.mayCreate(item.envelope))
  }

  /** What its sender has no right to brings nobody into being. */
  private mayCreate(envelope: Envelope): boolean {
    const message = this.type.behaviour.contract.messages[envelope.message]
    return message?.creates === true && this.denied(envelope, message) === undefined
  }

  /** As far as it can be judged of an actor of which nothing is known yet. */
  private denied({ message: tag, payload, asker }: Envelope, message: Message): Denial | undefined {
    return denialOf(this.around.judge, asker, { tag, message, payload }, this, { isForwarded: true })
  }

  wantsClaim(): boolean {
    if (this.status !== "claiming") return false
    if (this.around.mayServe(this.shard)) return true
    this.drop("moved")
    return false
  }

  claimed(outcome: Claimed | Outage): void {
    if (this.status !== "claiming") return
    switch (outcome._tag) {
      case "Outage":
        this.host.schedule(50, () => {
          if (this.status === "claiming") this.around.claims.add(this)
        })
        return
      case "Absent":
        return this.absent()
      case "Quarantined":
        return this.drop("quarantined")
      case "Row":
        return this.open(outcome)
    }
  }

  private absent(): void {
    const keep: Array<QueueItem> = []
    for (const item of this.queue) {
      if (item._tag !== "Message") continue
      if (this.mayCreate(item.envelope)) keep.push(item)
      else item.done(this.notThere(item.envelope))
    }
    this.queue = keep
    if (keep.length > 0) this.around.claims.add(this)
    else this.drop("absent")
  }

  /** Who may not ask does not learn whether there is such an actor. */
  private notThere(envelope: Envelope): Reply {
    const { message: tag, asker } = envelope
    const message = this.type.behaviour.contract.messages[tag]
    const denied = message === undefined ? undefined : this.denied(envelope, message)
    if (message === undefined || denied === undefined) return failed(new NotFound({ what: `${this.kind} ${this.id}` }))
    if (!isByPolicies(denied)) this.around.refused(asker, actOf(tag, message, this))
    return failed(denied)
  }

  private open(row: Claimed & { readonly _tag: "Row" }): void {
    const { host } = this
    const { contract, reactions } = this.type.behaviour
    if (row.format > contract.format) {
      // A newer node wrote it, and one will serve it again. No crash: a release under way must not quarantine a fleet.
      host.report(`${this.key}: its row has format ${row.format}, newer than this node`, undefined)
      return this.drop("moved")
    }
    this.claimedVersion = row.version
    try {
      this.active = new Activation(this, row)
    } catch (cause) {
      host.report(`${this.key}: its row does not load`, cause)
      if (!this.failedForGood(cause)) this.drop("crashed")
      return
    }
    this.status = "open"
    this.touchedAt = host.monotonic()
    if (reactions.timeout !== undefined) this.queue.unshift({ _tag: "Timeout", tries: 0 })
    this.active.commit.wake()
    this.watchers?.schedule()
    this.drain()
  }

  // --------------------------------------------------------------------------------------------- commits and the watched

  stored(): void {
    this.touchedAt = this.host.monotonic()
    this.watchers?.schedule()
  }

  rouse(): void {
    this.watchers?.schedule()
  }

  undelivered(tell: EncodedTell, number: string, cause: string): void {
    this.enqueue({ _tag: "Undelivered", tell, number, cause, tries: 0 })
  }

  whenDurable(run: () => void): void {
    this.active?.commit.let(run, undefined)
  }

  bars(watcher: Watcher): Denial | undefined {
    return this.active?.bars(watcher)
  }

  look(watcher: Watcher): unknown {
    return this.active?.look(watcher)
  }

  // ------------------------------------------------------------------------------------------------------------ crashes

  private crash(active: Activation, item: QueueItem, cause: unknown): void {
    item.tries++
    if (item.tries < triesMax) {
      this.queue.unshift(item)
      this.pause(firstBackoffMillis * 2 ** (item.tries - 1))
      return
    }
    const traceId = reportDefect(this.host, `${this.key}: ${describe(item)} crashed ${triesMax} times`, cause)
    active.bury(item, String(cause), traceId)
    if (!this.failedForGood(cause) && item._tag === "Timeout") active.arm()
  }

  private pause(millis: number): void {
    this.paused = true
    this.host.schedule(millis, () => {
      this.paused = false
      this.drain()
    })
  }

  failedForGood(cause: unknown): boolean {
    const failures = this.around.countFailure(this)
    if (failures < failuresMax) return false
    this.quarantine(cause, failures)
    return true
  }

  /** Closes the door, waits for the commit under way, then writes the quarantine by the version this cell holds. */
  private quarantine(cause: unknown, attempts: number): void {
    this.shut(unavailable("quarantined"))
    const { store, host } = this.around
    const commit = this.active?.commit
    const entry = (): QuarantineEntry => ({
      kind: this.kind,
      id: this.id,
      shard: this.shard,
      expected: commit?.version ?? this.claimedVersion,
      since: host.now(),
      cause: String(cause).slice(0, 1000),
      attempts
    })
    const write = (): void => {
      if (this.status === "dead") return
      if (commit?.isLeaving === true) {
        host.schedule(5, write)
        return
      }
      store.quarantine(entry(), (written) => {
        if (typeof written !== "boolean") host.schedule(100, write)
        else this.drop(written ? "quarantined" : "fenced")
      })
    }
    write()
  }

  // ------------------------------------------------------------------------------------------------------------ the end

  /** Answers everybody in the queue and lets nobody in. */
  private shut(reply: Reply): void {
    this.status = "closing"
    this.active?.stopTimer()
    this.watchers?.stop()
    const { queue } = this
    this.queue = []
    for (const item of queue) {
      if (item._tag === "Message") item.done(reply)
      else if (item._tag === "Frame") item.done(frameNotHere)
    }
  }

  /** Ends the activation: door first, then at most two seconds for the commit under way. */
  close(reason: "idle" | "moved", done: () => void): void {
    if (this.status === "dead") return done()
    if (this.status === "claiming") {
      this.drop(reason)
      return done()
    }
    if (this.status === "open") this.shut(notHere)
    const until = this.host.monotonic() + closeWaitMillis
    const wait = (): void => {
      const isPending = this.status !== "dead" && this.active?.commit.isPending === true
      if (isPending && this.host.monotonic() < until) {
        this.host.schedule(5, wait)
        return
      }
      this.drop(reason)
      done()
    }
    wait()
  }

  /** The cell is gone at once; what waits fails with an unknown outcome. */
  drop(reason: DropReason): void {
    if (this.status === "dead") return
    this.shut(reason === "quarantined" ? unavailable("quarantined") : notHere)
    this.status = "dead"
    this.active?.commit.end()
    const error =
      reason === "absent"
        ? new NotFound({ what: `${this.kind} ${this.id}` })
        : reason === "quarantined"
          ? new Unavailable({ cause: "quarantined" })
          : undefined
    this.watchers?.end(error)
    const link = this.active?.link
    if (link !== undefined) {
      const { connection, epoch } = link
      this.around.toGateway(link.node, { _tag: "Moved", connection, epoch })
    }
    this.around.dropped(this, reason)
  }
}
