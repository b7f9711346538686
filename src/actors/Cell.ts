/**
 * One resident actor: its state, its queue, what waits for its commits, and its board's link if it has one.
 *
 * Output commit: whatever a transition lets out waits until the state it was computed from is durable. The queue goes on
 * meanwhile. A failed commit fails all that waits and drops the cell: memory is never repaired.
 */
import { type Asker, runtimeAsker } from "../protocol/Asker.ts"
import type { Message } from "../protocol/Contract.ts"
import {
  Backpressure,
  Expired,
  type HolonError,
  Internal,
  Malformed,
  NotFound,
  PolicyDenied,
  Unavailable
} from "../protocol/Errors.ts"
import { encodeDown } from "../protocol/FrameCodec.ts"
import { millisOf } from "../protocol/Ids.ts"
import { countOf, type Emission, encodeJournalBody } from "../protocol/JournalBody.ts"
import { decodeStored, encodeStored } from "../protocol/Stored.ts"
import { type Answer, Answered, type PartChanges, requestLifeMillis } from "./Answered.ts"
import type { EffectOrder, FrameToBoard, Link, Outcome, TransitionContext } from "./Behaviour.ts"
import type { Claimer, Claims } from "./Claims.ts"
import { fromBytes, toBytes, withKept } from "./Codec.ts"
import type { Envelope, Reply, TellNumber } from "./Envelope.ts"
import { permits } from "./Guard.ts"
import { type Address, addressKey, type Cancel, type Host } from "./Host.ts"
import type { Committer, Lanes } from "./Lanes.ts"
import type { FrameOutcome, Offer, ToGateway } from "./Links.ts"
import { type EncodedTell, forgetTell, Outbox, type Sender, tellsMax } from "./Outbox.ts"
import type { Kind, Registry } from "./Registry.ts"
import type { Claimed, CommitRow, DeadLetter, Outage, QuarantineEntry, Store } from "./Store.ts"
import { decodeRow, layerPrefix } from "./StoredState.ts"

/** Why a cell ended. Only `idle` and `moved` are not followed by a new claim of the same node. */
export type DropReason = "idle" | "moved" | "fenced" | "outage" | "refused" | "crashed" | "quarantined" | "absent"

/** What all cells of a node share. */
export interface Surroundings {
  /** Name of the node and its incarnation: the owner written into rows. */
  readonly node: string
  readonly host: Host
  readonly store: Store
  readonly registry: Registry
  readonly lanes: Lanes
  readonly claims: Claims
  /** Whether this node holds the shard and its lease is fresh: the guard of every way in. */
  readonly mayServe: (shard: number) => boolean
  readonly post: Sender["post"]
  readonly toGateway: (node: string, message: ToGateway) => void
  /** Runs what takes time; the outcome is called once. */
  readonly perform: (self: Address, order: EffectOrder, done: (outcome: unknown) => void) => void
  /** Counts a message that failed for good; answers how many of this actor did within the window. */
  readonly countFailure: (self: Address) => number
  readonly dropped: (cell: Cell, reason: DropReason) => void
}

type Item =
  | { readonly _tag: "Message"; readonly envelope: Envelope; readonly done: (reply: Reply) => void; tries: number }
  | { readonly _tag: "Frame"; readonly offer: Offer; readonly done: (outcome: FrameOutcome) => void; tries: number }
  | { readonly _tag: "Timeout"; tries: number }
  | { readonly _tag: "Completed"; readonly order: EffectOrder; readonly outcome: unknown; tries: number }

/** What leaves once `need` is durable. */
interface Output {
  readonly need: number
  readonly release: () => void
  readonly fail: (() => void) | undefined
}

/** What leaves a transition for other actors and the board, encoded: a value that does not encode discards the transition. */
interface Leaving {
  readonly tells: ReadonlyArray<EncodedTell>
  readonly frames: { readonly node: string; readonly message: ToGateway } | undefined
}

/** A standing query: its answer is sent again when the actor has changed. */
interface Watcher {
  readonly message: string
  readonly payload: unknown
  readonly asker: Asker
  readonly receive: (item: unknown) => void
  readonly ended: (error: HolonError | undefined) => void
}

const queueMax = 4096
const triesMax = 3
/** Failures for good within the window of `countFailure` that quarantine an actor. */
export const failuresMax = 5
const firstBackoffMillis = 100
const timeoutPaceMillis = 1000
const closeWaitMillis = 2000
const watchPaceMillis = 50
const slowMillis = 100
const tooSlowMillis = 1000
const requestFromFutureMillis = 60_000
const supersededGoodbye = 6

/** Cause of `Unavailable` when a commit has an unknown outcome: the same request id finds out. */
export const unconfirmed = "the store did not confirm"

const notHere: Reply = { _tag: "NotHere" }
const frameNotHere: FrameOutcome = { _tag: "NotHere" }
const frameSuperseded: FrameOutcome = { _tag: "Superseded" }
const frameBeyond: FrameOutcome = { _tag: "Beyond" }
const frameConsumed: FrameOutcome = { _tag: "Consumed" }
const acknowledged: Reply = { _tag: "Success", value: undefined }

const noTells: ReadonlyArray<EncodedTell> = []

const failed = (error: HolonError): Reply => ({ _tag: "Failed", error })
const unavailable = (cause: string): Reply => failed(new Unavailable({ cause }))

/** A class, because ten thousand of these share their methods: closures would cost a quarter of an idle actor. */
export class Cell implements Committer, Claimer, Sender {
  readonly kind: string
  readonly id: string
  readonly key: string
  readonly shard: number
  private readonly around: Surroundings
  private readonly type: Kind
  private status: "claiming" | "open" | "closing" | "dead" = "claiming"

  private state: unknown
  private resident: unknown
  private kept: { readonly [key: string]: unknown } | undefined
  private version = 0
  private link: Link | undefined

  private queue: Array<Item> = []
  private running = false
  private paused = false

  /** Counts changes in memory; `durable` is the last of them that is stored. */
  private layer = 0
  private durable = 0
  private snapshotLayer = 0
  private snapshotState: unknown
  private inFlight = false
  /** The store has refused what memory holds: it is never written again, also not with a later change. */
  private isSpoilt = false
  private queued = false
  private outputs: Array<Output> = []

  private nextSeq = 1
  private emissions: Array<Emission> = []
  private deadLetters: Array<DeadLetter> = []
  private storedParts: ReadonlyMap<string, unknown> = new Map()
  private readonly puts = new Map<string, Uint8Array>()
  private readonly removes = new Set<string>()
  private answered: Answered | undefined
  private highest: Map<string, { readonly version: number; readonly index: number }> | undefined
  private outbox: Outbox | undefined

  private timer: Cancel | undefined
  private timerAt = Number.POSITIVE_INFINITY
  private timedOutAt = Number.NEGATIVE_INFINITY
  private watchers: Set<Watcher> | undefined
  private watchTimer: Cancel | undefined
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

  /** Whether the cell must stay though the engine sees no requests. One that closes ends by itself. */
  needsToStay(now: number, idleMillis: number): boolean {
    if (this.status !== "open") return true
    return (
      this.link !== undefined ||
      this.queue.length > 0 ||
      this.layer > this.durable ||
      this.inFlight ||
      (this.watchers?.size ?? 0) > 0 ||
      (this.outbox?.size ?? 0) > 0 ||
      this.residentDue() !== undefined ||
      now - this.touchedAt < idleMillis
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

  /** Answers now and after every change, at most each {@link watchPaceMillis}. The result stops it. */
  watch(watcher: Watcher): () => void {
    this.watchers ??= new Set()
    this.watchers.add(watcher)
    this.scheduleWatch()
    return () => this.watchers?.delete(watcher)
  }

  private enqueue(item: Item): void {
    this.queue.push(item)
    this.drain()
  }

  /** At once when idle, first in first out when busy; an output that sends to its own cell finds it running. */
  private drain(): void {
    if (this.running || this.paused || this.status !== "open") return
    this.running = true
    for (let item = this.queue.shift(); item !== undefined; item = this.queue.shift()) {
      this.run(item)
      if (this.paused || this.status !== "open") break
    }
    this.running = false
  }

  // -------------------------------------------------------------------------------------------------------- transitions

  private run(item: Item): void {
    const before = this.host.monotonic()
    try {
      this.transit(item)
    } catch (cause) {
      this.crash(item, cause)
      return
    }
    const took = this.host.monotonic() - before
    if (took <= slowMillis) return
    const what = `${this.key}: ${describe(item)} took ${Math.round(took)} ms`
    this.host.report(what, undefined)
    if (took <= tooSlowMillis || this.status !== "open") return
    const failures = this.around.countFailure(this)
    if (failures >= failuresMax) this.quarantine(what, failures)
  }

  private transit(item: Item): void {
    switch (item._tag) {
      case "Message":
        return this.transitMessage(item.envelope, item.done)
      case "Frame":
        return this.transitFrame(item)
      case "Timeout": {
        this.timedOutAt = this.host.now()
        const outcome = this.type.behaviour.reactions.timeout?.(this.state, this.context(runtimeAsker, ""))
        if (outcome !== undefined) this.settle(outcome, runtimeAsker, "", undefined, undefined)
        return this.arm()
      }
      case "Completed": {
        const { name, id } = item.order
        const outcome = this.type.behaviour.reactions.completed?.(
          this.state,
          { name, id, outcome: item.outcome },
          this.context(runtimeAsker, "")
        )
        if (outcome !== undefined) this.settle(outcome, runtimeAsker, "", undefined, undefined)
      }
    }
  }

  private transitFrame(item: Item & { readonly _tag: "Frame" }): void {
    const { offer, done } = item
    const { link } = this
    if (link === undefined) return done(frameNotHere)
    if (link.epoch !== offer.epoch) return done(link.connection === offer.connection ? frameNotHere : frameSuperseded)
    const handle = this.type.behaviour.reactions.frame
    if (handle === undefined) return done(frameNotHere)
    const asker = this.boardAsker()
    const outcome = handle(this.state, offer.frame, this.context(asker, ""))
    this.settleFrame(outcome, asker, done)
  }

  private settleFrame(outcome: Outcome<unknown, unknown>, asker: Asker, done: (outcome: FrameOutcome) => void): void {
    const answer = outcome.reply === "beyond" ? frameBeyond : frameConsumed
    this.settle(
      outcome,
      asker,
      "",
      () => done(answer),
      () => done(frameNotHere)
    )
  }

  private transitMessage(envelope: Envelope, done: (reply: Reply) => void): void {
    const { message: tag, requestId, asker, tell } = envelope
    const message = this.type.behaviour.contract.messages[tag]
    const handle = this.type.behaviour.transitions[tag]
    if (message === undefined || handle === undefined)
      return this.answer(done, failed(new Malformed({ path: "message", reason: `${this.kind} has no message ${tag}` })))
    if (!permits(asker, message, this))
      return this.answer(
        done,
        failed(new PolicyDenied({ policyIds: [], reason: `${tag} is for ${message.audience}`, guidance: "" }))
      )
    if (tell !== undefined && !this.isNews(tell)) return this.answer(done, acknowledged)
    if (message.delivery === "once" && tell === undefined && !this.isFirst(tag, requestId, done)) return
    const outcome = handle(this.state, envelope.payload, this.context(asker, requestId))
    if (outcome.tells !== undefined && (this.outbox?.size ?? 0) + outcome.tells.length > tellsMax)
      return this.answer(done, failed(new Backpressure({ bucket: `${this.key} tells`, retryAfterMs: 1000 })))
    const reply: Reply =
      outcome.refusal === undefined
        ? { _tag: "Success", value: outcome.reply }
        : { _tag: "Refused", error: outcome.refusal }
    const leaving = this.encode(outcome)
    if (tell !== undefined) this.remember(tell)
    else if (message.delivery === "once") this.keepReply(tag, requestId, reply)
    this.settle(
      outcome,
      asker,
      requestId,
      () => done(reply),
      () => done(unavailable(unconfirmed)),
      leaving
    )
  }

  /** A repeat is answered from memory, an id past its life is refused: a copy of either must not run. */
  private isFirst(tag: string, requestId: string, done: (reply: Reply) => void): boolean {
    const { host } = this
    const now = host.now()
    const bornAt = millisOf(requestId)
    if (bornAt === undefined || bornAt > now + requestFromFutureMillis) {
      this.answer(done, failed(new Malformed({ path: "requestId", reason: "needs a UUIDv7 made now" })))
      return false
    }
    this.answered ??= new Answered()
    const known = this.answered.get(requestId)
    if (known !== undefined) {
      this.answer(done, this.decodeAnswer(tag, known))
      return false
    }
    if (now > bornAt + requestLifeMillis) {
      this.answer(done, failed(new Expired({ age: now - bornAt })))
      return false
    }
    if (this.answered.hasRoom(now, this.changes)) return true
    this.answer(done, failed(new Backpressure({ bucket: `${this.key} requests`, retryAfterMs: 60_000 })))
    return false
  }

  private keepReply(tag: string, requestId: string, reply: Reply): void {
    const codec = this.type.codec.messages.get(tag)
    const bornAt = millisOf(requestId)
    if (codec === undefined || bornAt === undefined || reply._tag === "NotHere") return
    const body =
      reply._tag === "Success"
        ? toBytes(codec.success, reply.value)
        : reply._tag === "Refused"
          ? toBytes(codec.error, reply.error)
          : encodeStored(reply.error._tag === "Internal" ? reply.error.traceId : "")
    this.answered ??= new Answered()
    this.answered.keep(requestId, bornAt, { tag: reply._tag, body }, this.changes)
    this.change()
  }

  private decodeAnswer(tag: string, answer: Answer): Reply {
    const codec = this.type.codec.messages.get(tag)
    if (codec === undefined || answer.tag === "Failed") {
      const traceId = decodeStored(answer.body)
      return failed(new Internal({ traceId: typeof traceId === "string" ? traceId : "" }))
    }
    const value = fromBytes(answer.tag === "Success" ? codec.success : codec.error, answer.body)
    if (value._tag === "Failure")
      return failed(new Malformed({ path: "requestId", reason: "the id belongs to another message" }))
    return answer.tag === "Success"
      ? { _tag: "Success", value: value.success }
      : { _tag: "Refused", error: value.success }
  }

  private isNews(tell: TellNumber): boolean {
    const last = this.highest?.get(tell.from)
    if (last === undefined) return true
    return tell.version > last.version || (tell.version === last.version && tell.index > last.index)
  }

  private remember(tell: TellNumber): void {
    this.highest ??= new Map()
    this.highest.set(tell.from, tell)
    this.changes.put(`~from/${tell.from}`, encodeStored([tell.version, tell.index]))
    this.change()
  }

  private context(asker: Asker, requestId: string): TransitionContext<unknown> {
    const { host, node } = this.around
    return {
      self: this,
      now: host.now(),
      random: host.random,
      asker,
      requestId,
      resident: this.resident,
      link: this.link,
      node
    }
  }

  private board: Asker | undefined
  private boardAsker(): Asker {
    this.board ??= { kind: "device", id: this.id, role: "board" }
    return this.board
  }

  /** Takes over what a transition changed; lets the rest out when that is durable. */
  private settle(
    outcome: Outcome<unknown, unknown>,
    asker: Asker,
    requestId: string,
    release: (() => void) | undefined,
    fail: (() => void) | undefined,
    { tells, frames }: Leaving = this.encode(outcome)
  ): void {
    const { events, samples, effects } = outcome
    if (outcome.resident !== undefined) this.resident = outcome.resident
    if (outcome.state !== undefined && outcome.state !== this.state) {
      this.state = outcome.state
      this.change()
    }
    if ((events !== undefined && events.length > 0) || (samples !== undefined && samples.length > 0)) {
      const at = this.host.now()
      this.emissions.push({ at, asker, requestId, events: events ?? [], samples: samples ?? [] })
      this.change()
    }
    if (tells.length > 0) {
      this.outbox ??= new Outbox(this)
      this.outbox.add(tells)
      this.change()
    }
    const replaced = this.relink(outcome)
    if (release !== undefined || frames !== undefined || effects !== undefined || replaced !== undefined) {
      this.let(() => {
        if (replaced !== undefined) this.around.toGateway(replaced.node, replaced.message)
        if (frames !== undefined) this.around.toGateway(frames.node, frames.message)
        release?.()
        if (effects !== undefined) for (const order of effects) this.perform(order)
      }, fail)
    }
    this.arm()
  }

  private relink(outcome: Outcome<unknown, unknown>): { node: string; message: ToGateway } | undefined {
    if (outcome.link === undefined) return undefined
    const old = this.link
    this.link = outcome.link ?? undefined
    if (old === undefined) return undefined
    const isSame = outcome.link?.node === old.node && outcome.link.connection === old.connection
    if (isSame || (outcome.link === null && outcome.goodbye === undefined)) return undefined
    const { connection, epoch } = old
    const reason = outcome.goodbye ?? supersededGoodbye
    return { node: old.node, message: { _tag: "Close", connection, epoch, reason } }
  }

  private encode({ tells, frames, link = this.link }: Outcome<unknown, unknown>): Leaving {
    return {
      tells: tells === undefined ? noTells : tells.map((tell) => this.encodeTell(tell)),
      frames: frames === undefined || frames.length === 0 || !link ? undefined : framesTo(link, frames)
    }
  }

  private perform(order: EffectOrder): void {
    this.around.perform(this, order, (outcome) => {
      if (this.status === "open") this.enqueue({ _tag: "Completed", order, outcome, tries: 0 })
    })
  }

  private encodeTell(tell: { readonly to: Address; readonly message: string; readonly payload: unknown }): EncodedTell {
    const codec = this.around.registry.get(tell.to.kind)?.codec.messages.get(tell.message)
    if (codec === undefined) throw new Error(`no message ${tell.message} of kind ${tell.to.kind}`)
    return { to: tell.to, message: tell.message, body: toBytes(codec.payload, tell.payload) }
  }

  // ------------------------------------------------------------------------------------------------------ output commit

  private readonly changes: PartChanges = {
    put: (key, value) => {
      this.removes.delete(key)
      this.puts.set(key, value)
    },
    remove: (key) => {
      this.puts.delete(key)
      this.removes.add(key)
    }
  }

  private change(): void {
    this.layer++
    if (this.inFlight || this.queued) return
    this.queued = true
    this.around.lanes.add(this)
  }

  private answer(done: (reply: Reply) => void, reply: Reply): void {
    this.let(
      () => done(reply),
      () => done(unavailable(unconfirmed))
    )
  }

  private let(release: () => void, fail: (() => void) | undefined): void {
    if (this.layer === this.durable) return release()
    this.outputs.push({ need: this.layer, release, fail })
  }

  /** One that fails must not keep the others, nor the lane, from theirs. */
  private letOut(output: (() => void) | undefined): void {
    try {
      output?.()
    } catch (cause) {
      this.host.report(`${this.key}: what it let out failed`, cause)
    }
  }

  snapshot(): CommitRow | undefined {
    this.queued = false
    if (this.status === "dead" || this.isSpoilt || this.layer === this.durable) return undefined
    try {
      return this.toRow()
    } catch (cause) {
      this.commitRefused(cause)
      return undefined
    }
  }

  private toRow(): CommitRow {
    const { kind, id, shard, version } = this
    const { contract, reactions } = this.type.behaviour
    const now = this.host.now()
    this.outbox?.snapshot(version + 1, this.changes)
    const seq = this.nextSeq
    this.nextSeq += countOf(this.emissions)
    const cut = this.cut()
    const put = [...this.puts, ...cut.put]
    const remove = [...this.removes, ...cut.remove]
    const journal = this.emissions.length === 0 ? null : encodeJournalBody(seq, this.emissions)
    const dead = this.deadLetters
    const due = reactions.dueAt?.(this.state) ?? null
    const row: CommitRow = {
      kind,
      id,
      shard,
      expected: version,
      format: contract.format,
      head: encodeStored([cut.head, this.nextSeq]),
      wakeAt: (this.outbox?.size ?? 0) > 0 ? now : due,
      atTakeover: reactions.atTakeover?.(this.state) ?? false,
      put,
      remove,
      journal,
      at: now,
      dead
    }
    this.emissions = []
    this.deadLetters = []
    this.puts.clear()
    this.removes.clear()
    this.inFlight = true
    this.snapshotLayer = this.layer
    this.snapshotState = this.state
    return row
  }

  /** The head, and the behaviour's parts that are other objects than at the last commit. */
  private cut(): { head: unknown; put: Array<[string, Uint8Array]>; remove: Array<string> } {
    const { storage } = this.type.behaviour.reactions
    const put: Array<[string, Uint8Array]> = []
    const remove: Array<string> = []
    if (storage === undefined)
      return { head: withKept(this.type.codec.state.encode(this.state), this.kept), put, remove }
    const { head, parts } = storage.split(this.state)
    for (const [key, value] of parts) if (this.storedParts.get(key) !== value) put.push([key, encodeStored(value)])
    for (const key of this.storedParts.keys()) if (!parts.has(key)) remove.push(key)
    this.storedParts = parts
    return { head, put, remove }
  }

  committed(): void {
    this.inFlight = false
    if (this.status === "dead") return
    this.version++
    this.durable = this.snapshotLayer
    this.touchedAt = this.host.monotonic()
    let released = 0
    const { outputs } = this
    for (; released < outputs.length; released++) {
      const output = outputs[released]
      if (output === undefined || output.need > this.durable) break
      this.letOut(output.release)
    }
    if (released > 0) this.outputs = outputs === this.outputs ? outputs.slice(released) : this.outputs
    this.outbox?.committed(this.version)
    if (this.watchers !== undefined && this.watchers.size > 0) this.scheduleWatch()
    if (!this.isDead && this.layer > this.durable && !this.queued) {
      this.queued = true
      this.around.lanes.add(this)
    }
  }

  fenced(): void {
    this.drop("fenced")
  }

  commitUnknown(): void {
    this.drop("outage")
  }

  commitRefused(cause: unknown): void {
    this.host.report(`${this.key}: its row cannot be stored`, cause)
    const failures = this.around.countFailure(this)
    if (failures < failuresMax) return this.drop("refused")
    this.inFlight = false
    this.isSpoilt = true
    this.quarantine(cause, failures)
  }

  tellEnded(tell: EncodedTell, number: string, cause: string | undefined): void {
    if (this.status === "dead") return
    forgetTell(number, this.changes)
    if (cause !== undefined)
      this.deadLetters.push({
        letter: `tell ${this.key} ${number}`,
        message: tell.message,
        payload: this.maskedTell(tell),
        cause,
        traceId: ""
      })
    this.change()
  }

  private maskedTell({ to, message, body }: EncodedTell): Uint8Array {
    const contract = this.around.registry.get(to.kind)?.behaviour.contract
    return encodeStored(this.mask(contract?.messages[message], decodeStored(body)))
  }

  readonly post: Sender["post"] = (to, posted, deadlineMillis, done) =>
    this.around.post(to, posted, deadlineMillis, done)

  // ------------------------------------------------------------------------------------------------------------- waking

  creates(): boolean {
    return this.queue.some((item) => item._tag === "Message" && this.messageOf(item.envelope)?.creates === true)
  }

  private messageOf(envelope: Envelope): Message | undefined {
    return this.type.behaviour.contract.messages[envelope.message]
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
    const keep: Array<Item> = []
    for (const item of this.queue) {
      if (item._tag === "Message" && this.messageOf(item.envelope)?.creates === true) keep.push(item)
      else if (item._tag === "Message") item.done(failed(new NotFound({ what: `${this.kind} ${this.id}` })))
    }
    this.queue = keep
    if (keep.length > 0) this.around.claims.add(this)
    else this.drop("absent")
  }

  private open(row: Claimed & { readonly _tag: "Row" }): void {
    const { host } = this
    if (row.format > this.type.behaviour.contract.format) {
      // A newer node wrote it, and one will serve it again. No crash: a release under way must not quarantine a fleet.
      host.report(`${this.key}: its row has format ${row.format}, newer than this node`, undefined)
      return this.drop("moved")
    }
    this.version = row.version
    try {
      this.load(row)
      this.resident = this.type.behaviour.reactions.awake?.(this.state, host.now())
    } catch (cause) {
      host.report(`${this.key}: its row does not load`, cause)
      const failures = this.around.countFailure(this)
      if (failures >= failuresMax) this.quarantine(cause, failures)
      else this.drop("crashed")
      return
    }
    this.status = "open"
    this.touchedAt = host.monotonic()
    if (this.type.behaviour.reactions.timeout !== undefined) this.queue.unshift({ _tag: "Timeout", tries: 0 })
    this.outbox?.wake(row.version)
    this.scheduleWatch()
    this.drain()
  }

  private load(row: Claimed & { readonly _tag: "Row" }): void {
    const { state, nextSeq, parts, kept } = decodeRow(this.type, this.id, row)
    this.state = state
    this.nextSeq = nextSeq
    this.storedParts = parts
    this.kept = kept
    for (const [key, value] of row.parts) if (key.startsWith(layerPrefix)) this.loadPart(key, value)
  }

  private loadPart(key: string, value: Uint8Array): void {
    if (key.startsWith("~from/")) {
      const stored = decodeStored(value)
      const [version, index]: ReadonlyArray<unknown> = Array.isArray(stored) ? stored : []
      if (typeof version !== "number" || typeof index !== "number") throw new Error(`malformed part ${key}`)
      this.highest ??= new Map()
      this.highest.set(key.slice("~from/".length), { version, index })
      return
    }
    this.answered ??= new Answered()
    if (this.answered.load(key, value)) return
    this.outbox ??= new Outbox(this)
    if (!this.outbox.load(key, value)) throw new Error(`unknown part ${key}`)
  }

  // ------------------------------------------------------------------------------------------------------------- timers

  private residentDue(): number | undefined {
    return this.type.behaviour.reactions.residentDueAt?.(this.state, this.resident, this.link)
  }

  /** One timer a cell. A due that moved later is found when the old one fires: a lease moves with every frame. */
  private arm(): void {
    const { reactions } = this.type.behaviour
    if (reactions.timeout === undefined || this.status !== "open") return
    const stored = reactions.dueAt?.(this.state) ?? Number.POSITIVE_INFINITY
    const due = Math.min(stored, this.residentDue() ?? Number.POSITIVE_INFINITY)
    if (due === Number.POSITIVE_INFINITY || due >= this.timerAt) return
    this.timer?.()
    this.timerAt = due
    const now = this.host.now()
    // A due in the past that a timeout has just left standing must not spin.
    const floor = due <= this.timedOutAt ? this.timedOutAt + timeoutPaceMillis : due
    this.timer = this.host.schedule(Math.max(1, floor - now), this.ring)
  }

  private readonly ring = (): void => {
    this.timer?.()
    this.timer = undefined
    this.timerAt = Number.POSITIVE_INFINITY
    if (this.status !== "open") return
    const stored = this.type.behaviour.reactions.dueAt?.(this.state) ?? Number.POSITIVE_INFINITY
    const due = Math.min(stored, this.residentDue() ?? Number.POSITIVE_INFINITY)
    if (due > this.host.now()) return this.arm()
    if (!this.queue.some((item) => item._tag === "Timeout")) this.enqueue({ _tag: "Timeout", tries: 0 })
  }

  /** The store says that the actor is due: a timer may have slept with its machine. */
  nudge(): void {
    if (this.status !== "open" || this.type.behaviour.reactions.timeout === undefined) return
    const due = this.type.behaviour.reactions.dueAt?.(this.state) ?? Number.POSITIVE_INFINITY
    const now = this.host.now()
    if (due <= now && now >= this.timedOutAt + timeoutPaceMillis) this.ring()
  }

  // ----------------------------------------------------------------------------------------------------------- watching

  private scheduleWatch(): void {
    if (this.watchTimer !== undefined || this.watchers === undefined || this.status !== "open") return
    this.watchTimer = this.host.schedule(watchPaceMillis, () => {
      this.watchTimer = undefined
      if (this.status !== "open") return
      this.let(() => this.notify(), undefined)
    })
  }

  private notify(): void {
    const state = this.layer === this.durable ? this.state : this.snapshotState
    for (const watcher of this.watchers ?? []) {
      const { message, payload, asker } = watcher
      try {
        const outcome = this.type.behaviour.transitions[message]?.(state, payload, this.context(asker, ""))
        if (outcome?.reply !== undefined) watcher.receive(outcome.reply)
      } catch (cause) {
        this.watchers?.delete(watcher)
        watcher.ended(new Internal({ traceId: this.trace(`the watch ${message} crashed`, cause) }))
      }
    }
  }

  // ------------------------------------------------------------------------------------------------- crashes and the end

  private crash(item: Item, cause: unknown): void {
    item.tries++
    if (item.tries < triesMax) {
      this.queue.unshift(item)
      this.pause(firstBackoffMillis * 2 ** (item.tries - 1))
      return
    }
    const traceId = this.trace(`${describe(item)} crashed ${triesMax} times`, cause)
    this.bury(item, String(cause), traceId)
    const failures = this.around.countFailure(this)
    if (failures >= failuresMax) this.quarantine(cause, failures)
    else if (item._tag === "Timeout") this.arm()
  }

  /** Reports a defect; the answer finds it in the log. */
  private trace(what: string, cause: unknown): string {
    const traceId = Math.floor(this.host.random() * 2 ** 48)
      .toString(16)
      .padStart(12, "0")
    this.host.report(`${this.key}: ${what}, trace ${traceId}`, cause)
    return traceId
  }

  private pause(millis: number): void {
    this.paused = true
    this.host.schedule(millis, () => {
      this.paused = false
      this.drain()
    })
  }

  /** The dead letter and what consumes the message stand in one commit. */
  private bury(item: Item, cause: string, traceId: string): void {
    const internal = failed(new Internal({ traceId }))
    this.change()
    if (item._tag === "Message") {
      const { message, payload, requestId, tell } = item.envelope
      const letter = tell === undefined ? requestId : `tell ${tell.from} ${tell.version}.${tell.index}`
      this.deadLetters.push({ letter, message, payload: this.masked(message, payload), cause, traceId })
      if (tell !== undefined) this.remember(tell)
      else if (this.messageOf(item.envelope)?.delivery === "once") this.keepReply(message, requestId, internal)
      this.answer(item.done, internal)
      return
    }
    const letter =
      item._tag === "Frame" ? `frame ${item.offer.frame.seq}` : item._tag === "Completed" ? item.order.id : "timeout"
    const payload = item._tag === "Frame" ? item.offer.bytes : new Uint8Array()
    this.deadLetters.push({ letter, message: describe(item), payload, cause, traceId })
    if (item._tag !== "Frame") return
    const asker = this.boardAsker()
    try {
      const outcome = this.type.behaviour.reactions.frameFailed?.(this.state, item.offer.frame, this.context(asker, ""))
      this.settleFrame(outcome ?? {}, asker, item.done)
    } catch {
      this.let(
        () => item.done(frameConsumed),
        () => item.done(frameNotHere)
      )
    }
  }

  private masked(tag: string, payload: unknown): Uint8Array {
    try {
      const encoded = this.type.codec.messages.get(tag)?.payload.encode(payload)
      return encodeStored(this.mask(this.type.behaviour.contract.messages[tag], encoded))
    } catch {
      return new Uint8Array()
    }
  }

  private mask(message: Message | undefined, payload: unknown): unknown {
    if (message === undefined || typeof payload !== "object" || payload === null) return payload
    return { ...payload, ...Object.fromEntries(message.secret.map((field) => [field, "***"])) }
  }

  /** Closes the door, waits for the commit under way, then writes the quarantine by the version this cell holds. */
  private quarantine(cause: unknown, attempts: number): void {
    this.shut(unavailable("quarantined"))
    const { store, host } = this.around
    const entry = (): QuarantineEntry => ({
      kind: this.kind,
      id: this.id,
      shard: this.shard,
      expected: this.version,
      since: host.now(),
      cause: String(cause).slice(0, 1000),
      attempts
    })
    const write = (): void => {
      if (this.status === "dead") return
      if (this.inFlight || (this.layer > this.durable && this.queued && !this.isSpoilt)) {
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

  /** Answers everybody in the queue and lets nobody in. */
  private shut(reply: Reply): void {
    this.status = "closing"
    this.timer?.()
    this.watchTimer?.()
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
      const pending = this.status !== "dead" && (this.inFlight || this.layer > this.durable)
      if (pending && this.host.monotonic() < until) {
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
    this.outbox?.close()
    const { outputs, link } = this
    this.outputs = []
    for (const { fail } of outputs) this.letOut(fail)
    const error =
      reason === "absent"
        ? new NotFound({ what: `${this.kind} ${this.id}` })
        : reason === "quarantined"
          ? new Unavailable({ cause: "quarantined" })
          : undefined
    for (const { ended } of this.watchers ?? []) this.letOut(() => ended(error))
    if (link !== undefined) {
      const { connection, epoch } = link
      this.around.toGateway(link.node, { _tag: "Moved", connection, epoch })
    }
    this.around.dropped(this, reason)
  }
}

const framesTo = ({ node, connection, epoch }: Link, frames: ReadonlyArray<FrameToBoard>) => ({
  node,
  message: {
    _tag: "Frames",
    connection,
    epoch,
    frames: frames.map((frame) => encodeDown({ ...frame, epoch }))
  } satisfies ToGateway
})

const describe = (item: Item): string => {
  switch (item._tag) {
    case "Message":
      return item.envelope.message
    case "Frame":
      return `frame ${item.offer.frame.type}`
    case "Timeout":
      return "timeout"
    case "Completed":
      return `effect ${item.order.name}`
  }
}
