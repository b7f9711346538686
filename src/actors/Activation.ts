/** One actor while it is resident: what its messages, its board's frames and its timers do to it. */
import { Backpressure, Internal, Malformed } from "../protocol/Errors.ts"
import { decodeStored } from "../protocol/Stored.ts"
import { Answered } from "./Answered.ts"
import type { EffectOrder, Link, Outcome, Reactions, TransitionContext } from "./Behaviour.ts"
import { letterOfItem } from "./DeadLetters.ts"
import { DueTimer, type Sleeper } from "./DueTimer.ts"
import { type Envelope, failed, type Reply, tellIdOf, unavailable, unconfirmed } from "./Envelope.ts"
import { actOf } from "./Guard.ts"
import { Heard } from "./Heard.ts"
import type { Address, Host } from "./Host.ts"
import { type Circumstances, type Denial, denialOf, isByPolicies } from "./Judge.ts"
import { encodeLeaving, type ForGateway, goodbyeTo, type Leaving } from "./Leaving.ts"
import { type FrameOutcome, frameBeyond, frameConsumed, frameNotHere, frameSuperseded } from "./Links.ts"
import { type Origin, originIn, originOf, originOfEffect, originOfMessage, ownOrigin, rootsOf } from "./Origin.ts"
import { tellsMax } from "./Outbox.ts"
import { OutputCommit, type Owner } from "./OutputCommit.ts"
import type { FrameItem, QueueItem } from "./QueueItem.ts"
import type { Kind } from "./Registry.ts"
import type { Claimed } from "./Store.ts"
import { decodeRow, layerPrefix } from "./StoredState.ts"
import type { Surroundings } from "./Surroundings.ts"
import type { Watcher } from "./Watchers.ts"

/** The cell of the actor. */
export interface ActiveCell extends Owner {
  readonly isOpen: boolean
  readonly enqueue: (item: QueueItem) => void
  /** Runs the timeout in its turn, unless one waits already. */
  readonly ring: () => void
  /** Answers standing queries again. */
  readonly rouse: () => void
}

const acknowledged: Reply = { _tag: "Success", value: undefined }

/** Made from a claimed row; throws when it does not load. */
export class Activation implements Sleeper {
  readonly commit: OutputCommit
  private readonly cell: ActiveCell
  private readonly around: Surroundings
  private readonly type: Kind
  private memory: unknown
  private currentLink: Link | undefined
  private answered: Answered | undefined
  private heard: Heard | undefined
  private readonly timer: DueTimer | undefined
  private board: Origin | undefined
  /** The address alone: a transition may send it on. */
  private readonly self: Address

  constructor(cell: ActiveCell, row: Claimed & { readonly _tag: "Row" }) {
    const { around, type } = cell
    const { reactions } = type.behaviour
    this.cell = cell
    this.self = { kind: cell.kind, id: cell.id }
    this.around = around
    this.type = type
    this.commit = new OutputCommit(cell, row.version, decodeRow(type, cell.id, row))
    for (const [key, value] of row.parts) if (key.startsWith(layerPrefix)) this.loadPart(key, value)
    this.timer = reactions.timeout === undefined ? undefined : new DueTimer(this)
    this.memory = reactions.awake?.(this.state, around.host.now())
  }

  private loadPart(key: string, value: Uint8Array): void {
    this.heard ??= new Heard()
    if (this.heard.load(key, value, this.host.now())) return
    this.answered ??= new Answered()
    if (this.answered.load(key, value)) return
    if (!this.commit.loadTell(key, value)) throw new Error(`unknown part ${key}`)
  }

  get host(): Host {
    return this.around.host
  }

  get reactions(): Reactions<unknown, unknown> {
    return this.type.behaviour.reactions
  }

  get state(): unknown {
    return this.commit.state
  }

  get resident(): unknown {
    return this.memory
  }

  get link(): Link | undefined {
    return this.currentLink
  }

  /** Whether something under way, or due only while it is resident, keeps the actor here. */
  get isBusy(): boolean {
    return (
      this.currentLink !== undefined ||
      this.commit.isPending ||
      this.commit.tellCount > 0 ||
      this.reactions.residentDueAt?.(this.state, this.memory, this.currentLink) !== undefined
    )
  }

  // -------------------------------------------------------------------------------------------------------- transitions

  /** Runs one transition. A throw has changed nothing. */
  transit(item: QueueItem): void {
    switch (item._tag) {
      case "Message":
        return this.message(item.envelope, item.done)
      case "Frame":
        return this.frame(item)
      case "Timeout": {
        this.timer?.timedOut()
        const outcome = this.reactions.timeout?.(this.state, this.context(ownOrigin))
        if (outcome !== undefined) this.settle(outcome, ownOrigin, undefined, undefined)
        return this.arm()
      }
      case "Completed": {
        const { order, origin } = item
        const completion = { name: order.name, id: order.id, outcome: item.outcome }
        const outcome = this.reactions.completed?.(this.state, completion, this.context(origin))
        if (outcome !== undefined) this.settle(outcome, origin, undefined, undefined)
        return
      }
      case "Undelivered": {
        const { tell, number, cause } = item
        const { to, message, body } = tell
        const undelivered = { to, message, payload: decodeStored(body), cause }
        const origin = originIn(tell.because)
        const outcome = this.reactions.undelivered?.(this.state, undelivered, this.context(origin))
        if (outcome !== undefined) this.settle(outcome, origin, undefined, undefined)
        this.commit.giveUp(tell, number, cause)
      }
    }
  }

  private frame({ offer, done }: FrameItem): void {
    const { currentLink: link } = this
    if (link === undefined) return done(frameNotHere)
    if (link.epoch !== offer.epoch) {
      if (link.connection === offer.connection) return done(frameNotHere)
      // Only a link that is durable ends the one before it.
      return this.commit.let(
        () => done(frameSuperseded),
        () => done(frameNotHere)
      )
    }
    const handle = this.reactions.frame
    if (handle === undefined) return done(frameNotHere)
    const origin = this.boardOrigin()
    const outcome = handle(this.state, offer.frame, this.context(origin))
    this.settleFrame(outcome, origin, done)
  }

  private settleFrame(outcome: Outcome<unknown, unknown>, origin: Origin, done: (outcome: FrameOutcome) => void): void {
    const answer = outcome.reply === "beyond" ? frameBeyond : frameConsumed
    this.settle(
      outcome,
      origin,
      () => done(answer),
      () => done(frameNotHere)
    )
  }

  private message(envelope: Envelope, done: (reply: Reply) => void): void {
    const { commit, cell } = this
    const { message: tag, requestId, asker, tell } = envelope
    const message = this.type.behaviour.contract.messages[tag]
    const handle = this.type.behaviour.transitions[tag]
    if (message === undefined || handle === undefined)
      return commit.answer(
        done,
        failed(new Malformed({ path: "message", reason: `${cell.kind} has no message ${tag}` }))
      )
    const asked = { tag, message, payload: envelope.payload }
    const denied = denialOf(this.around.judge, asker, asked, this.self, this.circumstances)
    if (denied !== undefined) {
      if (!isByPolicies(denied)) this.around.refused(asker, actOf(tag, message, cell))
      return commit.answer(done, failed(denied))
    }
    if (tell !== undefined && this.heard?.isNews(tell) === false) return commit.answer(done, acknowledged)
    const barred =
      tell && this.around.barred({ ...tell, to: this.self, tag, isForPeople: message.audience === "operator" })
    if (barred !== undefined) return commit.answer(done, failed(barred))
    if (message.delivery === "once" && tell === undefined) {
      this.answered ??= new Answered()
      const codec = this.type.codec.messages.get(tag)
      const repeated = this.answered.admit(requestId, codec, this.host.now(), cell.key, commit)
      if (repeated !== undefined) return commit.answer(done, repeated)
    }
    const origin = originOfMessage(asker, requestId, tell)
    const id = tell === undefined ? requestId : tellIdOf(tell)
    const outcome = handle(this.state, envelope.payload, this.context({ ...origin, requestId: id }))
    if (outcome.tells !== undefined && commit.tellCount + outcome.tells.length > tellsMax)
      return commit.answer(done, failed(new Backpressure({ bucket: `${cell.key} tells`, retryAfterMs: 1000 })))
    const reply: Reply =
      outcome.refusal === undefined
        ? { _tag: "Success", value: outcome.reply }
        : { _tag: "Refused", error: outcome.refusal }
    const leaving = this.leaving(outcome, origin)
    this.consume(envelope, reply)
    this.settle(
      outcome,
      origin,
      () => done(reply),
      () => done(unavailable(unconfirmed)),
      leaving
    )
  }

  /** What keeps a later copy of the message from a second effect, in the commit of the first. */
  private consume({ message: tag, requestId, tell }: Envelope, reply: Reply): void {
    const { commit } = this
    if (tell !== undefined) {
      this.heard ??= new Heard()
      this.heard.remember(tell, this.host.now(), commit)
      return commit.change()
    }
    if (this.type.behaviour.contract.messages[tag]?.delivery !== "once") return
    this.answered ??= new Answered()
    if (this.answered.keep(requestId, this.type.codec.messages.get(tag), reply, commit)) commit.change()
  }

  private context({ asker, requestId, causes }: Omit<Origin, "after">): TransitionContext<unknown> {
    const { host, node } = this.around
    return {
      self: this.self,
      now: host.now(),
      random: host.random,
      asker,
      requestId,
      causes,
      resident: this.memory,
      link: this.currentLink,
      tellCount: this.commit.tellCount,
      node
    }
  }

  private boardOrigin(): Origin {
    this.board ??= originOf({ kind: "device", id: this.cell.id, role: "board" })
    return this.board
  }

  /** Takes over what a transition changed; lets the rest out when that is durable. */
  private settle(
    outcome: Outcome<unknown, unknown>,
    origin: Origin,
    release: (() => void) | undefined,
    fail: (() => void) | undefined,
    { tells, frames, emission, after }: Leaving = this.leaving(outcome, origin)
  ): void {
    const { commit } = this
    const { effects } = outcome
    if (outcome.resident !== undefined) this.memory = outcome.resident
    if (outcome.rouses === true) this.cell.rouse()
    if (outcome.state !== undefined && outcome.state !== commit.state) commit.setState(outcome.state)
    if (after > 0) commit.heardOf(after)
    const first = emission === undefined ? undefined : commit.emit(emission, rootsOf(origin, outcome))
    if (tells.length > 0) commit.tell(tells, first)
    const replaced = this.relink(outcome)
    if (frames === undefined && effects === undefined && replaced === undefined) {
      if (release !== undefined) commit.let(release, fail)
    } else
      commit.let(() => {
        if (replaced !== undefined) this.around.toGateway(replaced.node, replaced.message)
        if (frames !== undefined) this.around.toGateway(frames.node, frames.message)
        release?.()
        if (effects !== undefined) for (const order of effects) this.perform(order, origin)
      }, fail)
    this.arm()
  }

  /** What is known of the actor, for who judges what is done to it. */
  private get circumstances(): Circumstances {
    const { zoneOf, vsmOf, factsOf, actsForOthers } = this.reactions
    const { state } = this
    return {
      isForOthers: actsForOthers,
      zone: zoneOf?.(state),
      vsm: vsmOf?.(state, this.cell.id),
      ...(factsOf !== undefined && { facts: () => factsOf(state) })
    }
  }

  private leaving(outcome: Outcome<unknown, unknown>, origin: Origin): Leaving {
    const { zoneOf, vsmOf } = this.reactions
    const state = outcome.state ?? this.state
    const place = { zone: zoneOf?.(state), vsm: vsmOf?.(state, this.cell.id) }
    return encodeLeaving(this.around.registry, outcome, this.currentLink, this.host.now(), origin, place)
  }

  private relink(outcome: Outcome<unknown, unknown>): ForGateway | undefined {
    if (outcome.link === undefined) return undefined
    const old = this.currentLink
    this.currentLink = outcome.link ?? undefined
    return old === undefined ? undefined : goodbyeTo(old, outcome)
  }

  private perform(order: EffectOrder, orderedBy: Origin): void {
    const { cell } = this
    const origin = originOfEffect(orderedBy)
    this.around.perform(cell, order, (outcome) => {
      if (cell.isOpen) cell.enqueue({ _tag: "Completed", order, outcome, origin, tries: 0 })
    })
  }

  // -------------------------------------------------------------------------------------------- timers, watches, crashes

  /** What leaves a transition may have ended the cell. */
  arm(): void {
    if (this.timer !== undefined && this.cell.isOpen) this.timer.arm()
  }

  ring(): void {
    this.cell.ring()
  }

  nudge(): void {
    this.timer?.nudge()
  }

  stopTimer(): void {
    this.timer?.stop()
  }

  /** Why who watches may not see it, or not any more. What is seen again counts for no limit. */
  bars({ message: tag, payload, asker }: Watcher): Denial | undefined {
    const message = this.type.behaviour.contract.messages[tag]
    if (message === undefined) return undefined
    const seen = { ...this.circumstances, isForwarded: true }
    return denialOf(this.around.judge, asker, { tag, message, payload }, this.self, seen)
  }

  /** The answer to a standing query, from what is durable. */
  look({ message, payload, asker }: Watcher): unknown {
    const context = this.context(originOf(asker))
    return this.type.behaviour.transitions[message]?.(this.commit.durableState, payload, context).reply
  }

  /** The dead letter and what consumes the message stand in one commit. */
  bury(item: QueueItem, cause: string, traceId: string): void {
    const { commit } = this
    commit.bury(letterOfItem(this.type, item, cause, traceId))
    if (item._tag === "Message") {
      const internal = failed(new Internal({ traceId }))
      this.consume(item.envelope, internal)
      commit.answer(item.done, internal)
    } else if (item._tag === "Frame") this.buryFrame(item)
    else if (item._tag === "Undelivered") commit.giveUp(item.tell, item.number, item.cause)
  }

  private buryFrame({ offer, done }: FrameItem): void {
    const origin = this.boardOrigin()
    try {
      const outcome = this.reactions.frameFailed?.(this.state, offer.frame, this.context(origin))
      this.settleFrame(outcome ?? {}, origin, done)
    } catch {
      this.commit.let(
        () => done(frameConsumed),
        () => done(frameNotHere)
      )
    }
  }
}
