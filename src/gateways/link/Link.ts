/**
 * The gateway's side of one link: from an open connection over hello and attach to its end. It carries frames between a
 * board and the cell that mirrors it, keeps what is not acknowledged, and attaches again when the cell moves, without
 * disturbing the board. It knows neither sockets nor clocks: those come from outside.
 */
import { Result } from "effect"
import type { FrameOutcome, ToGateway } from "../../actors/Links.ts"
import { codes } from "../../protocol/Codes.ts"
import type { PayloadOf, SuccessOf } from "../../protocol/Contract.ts"
import type { Device } from "../../protocol/Device.ts"
import {
  type DownFrame,
  type ErrorDown,
  goodbyeReasons,
  type Hello,
  sync,
  type UpFrame,
  type Welcome
} from "../../protocol/Frame.ts"
import { decodeUp, encodeDown, encodeUp, type FrameRefused, mayAnswer, requestOf } from "../../protocol/FrameCodec.ts"
import type { AttachOutcome, AttachPorts } from "./Attacher.ts"
import { frameTypeOf, lifeOf, qosOf } from "./DownBytes.ts"
import type { LinkCounters } from "./LinkCounters.ts"
import {
  ackMillis,
  attachMillis,
  burstFrames,
  burstMillis,
  calmMillis,
  ceilingBytesMax,
  consumeMillis,
  drainMillis,
  earlyMessagesMax,
  floodRetryMillis,
  greetingBytesMax,
  helloMillis,
  type LinkTerms,
  partingMillis,
  reattachMillisMax,
  reattachMillisMin
} from "./LinkTerms.ts"
import { Numbers } from "./Numbers.ts"
import { Throttle } from "./Throttle.ts"

/** The protocol version spoken. */
const protocolVersion = 1

/** Why a connection ends; each transport has its own number for it. */
export type Ending =
  | "goodbye"
  | "draining"
  | "superseded"
  | "protocol"
  | "refused"
  | "too-large"
  | "flood"
  | "silent"
  | "unavailable"
  | "internal"

/**
 * How a publication was dealt with. `malformed` and `early` were refused by an error frame that went first; `unheard` and
 * `denied` were no frames of this link.
 */
export type Verdict = "durable" | "malformed" | "early" | "unheard" | "denied"

/** What a link needs of its connection. After `close` it calls none of these. */
export interface LinkTransport {
  /** 0: `acknowledge` is what the board waits for. 1: ack frames are. */
  readonly ackMode: 0 | 1
  /** Life of the frame in ms where it has one; the transport may drop it after that. */
  readonly send: (bytes: Uint8Array, qos: 0 | 1, lifeMillis: number | undefined) => void
  /** Called once for each received frame that has a ticket, in the order of receipt. */
  readonly acknowledge: (ticket: number, verdict: Verdict) => void
  /** Stops or goes on with reading from the board. */
  readonly pause: (isPaused: boolean) => void
  /** Sends what is still to be sent, then ends. */
  readonly close: (ending: Ending) => void
}

/** What a link is made of. */
export interface LinkOptions {
  readonly ports: AttachPorts
  readonly terms: LinkTerms
  readonly counters: LinkCounters
  readonly transport: LinkTransport
  /** The id the connection's credential speaks for; absent where anybody may attach (loopback in development). */
  readonly id?: string
  /** Called once, after the end. */
  readonly closed?: () => void
}

/** A ticket of a frame that the transport does not acknowledge. */
export const noTicket = -1

/** A received frame until it is consumed and all before it are acknowledged. */
interface Held {
  readonly ticket: number
  readonly frame: UpFrame
  readonly bytes: Uint8Array
  readonly at: number
  /** The refusal that consumes it: goes to the board ahead of the acknowledgement. */
  readonly refusal: ErrorDown | undefined
  verdict: Verdict
  isSettled: boolean
}

type State = "waiting" | "attaching" | "attached" | "parting" | "closed"
type Attached = SuccessOf<Device, "Attach">

export class Link {
  readonly connection: number
  readonly #ports: AttachPorts
  readonly #terms: LinkTerms
  readonly #counters: LinkCounters
  readonly #transport: LinkTransport
  readonly #closed: () => void
  readonly #throttle: Throttle | undefined
  #state: State = "waiting"
  #id: string | undefined
  #unlisten: (() => void) | undefined
  readonly #openedAt: number
  #heardAt: number

  #hello: Hello | undefined
  #helloAt = 0
  #welcome: Welcome | undefined
  #owner = ""
  #epoch = 0

  /** Counts attaches begun; the answer of an older one is void. */
  #attempt = 0
  #attachingSince = 0
  #nextAttachAt = 0
  #attachDelay = 0
  #attachedAt = 0
  #wasAttached = false
  #early: Array<ToGateway> = []

  #held: Array<Held> = []
  /** Index of the first held frame that was not offered under this epoch. */
  #next = 0
  #inFlight = 0
  #isPaused = false
  #numbers = new Numbers(0)
  #acksDue = false
  #ackedAt = Number.NEGATIVE_INFINITY
  #badAt: Array<number> = []

  #isDraining = false
  #endReason = goodbyeReason("link-lost")
  #tickAt = Number.POSITIVE_INFINITY
  #cancelTick = (): void => {}
  #cancelAttach = (): void => {}

  constructor(options: LinkOptions) {
    this.#ports = options.ports
    this.#terms = options.terms
    this.#counters = options.counters
    this.#transport = options.transport
    this.#closed = options.closed ?? (() => {})
    this.#id = options.id
    this.connection = options.ports.nextConnection()
    this.#openedAt = options.ports.host.monotonic()
    this.#heardAt = this.#openedAt
    this.#throttle =
      options.terms.framesPerSecond > 0 ? new Throttle(options.terms.framesPerSecond, this.#heardAt) : undefined
    this.#arm(this.#heardAt + helloMillis)
    options.counters.opened()
  }

  get state(): State {
    return this.#state
  }

  /** Epoch of the last welcome; 0 before it. */
  get epoch(): number {
    return this.#epoch
  }

  /** A frame of the board. `ticket` comes back in `acknowledge`; {@link noTicket} for none. */
  receive(bytes: Uint8Array, ticket: number): void {
    if (this.#state === "closed") return
    const now = this.#ports.host.monotonic()
    this.#heardAt = now
    this.#counters.received(bytes.length)
    if (bytes.length > ceilingBytesMax) return this.#end("too-large")
    const limit = this.#welcome === undefined ? greetingBytesMax : this.#terms.frameBytesMax
    const decoded = decodeUp(bytes, limit)
    if (Result.isFailure(decoded)) return this.#refuse(decoded.failure, ticket, now)
    const frame = decoded.success
    if (this.#throttle !== undefined && !this.#mayGoOn(this.#throttle, frame, now)) return
    if (frame.type === "hello") return this.#greet(frame, ticket, now)
    if (frame.type === "goodbye") return this.#parted(frame.reason, frame.boot, frame.link, ticket, frame, bytes, now)
    if (this.#welcome === undefined) return this.#tooEarly(frame, bytes, ticket, now)
    switch (frame.type) {
      case "heartbeat":
        this.#send({ type: "heartbeat", epoch: this.#epoch, up: frame.up, wall: this.#ports.host.now() })
        if (this.#state !== "attached") return this.#answered(ticket, now)
        break
      case "proof":
      case "enrol":
      case "sealed":
        this.#sendError({ code: codes.ENOTSUP, frameType: frameTypeOf(bytes) })
        return this.#answered(ticket, now)
      case "report":
      case "log":
      case "value":
        if (frame.seq === 0 && (this.#state !== "attached" || this.#isCrowded())) {
          this.#counters.dropped()
          return this.#answered(ticket, now)
        }
    }
    this.#hold(frame, bytes, ticket, now, undefined)
  }

  /** The head of a frame too large to be read whole. */
  receiveTooLarge(head: Uint8Array, ticket: number): void {
    if (this.#state === "closed") return
    const now = this.#ports.host.monotonic()
    this.#heardAt = now
    this.#counters.received(head.length)
    const decoded = decodeUp(head, 0)
    if (Result.isFailure(decoded)) this.#refuse({ ...decoded.failure, detail: "frame too large" }, ticket, now)
  }

  /** Something of the connection that is no frame: acknowledged in its turn. */
  settle(ticket: number, verdict: Verdict): void {
    this.#answered(ticket, this.#ports.host.monotonic(), verdict)
  }

  /** A newer connection of the same board took over. */
  supersede(): void {
    if (this.#state === "closed") return
    if (this.#welcome !== undefined) this.#goodbye("superseded")
    this.#end("superseded", goodbyeReason("superseded"))
  }

  /** The connection ended: broken, with the goodbye the board left behind for that, or in an orderly way without one. */
  lost({ will, reason }: { readonly will?: Uint8Array | undefined; readonly reason?: number }): void {
    if (this.#state === "closed") return
    // A board that said why it leaves, or was told to, is not lost: its process may end before its client has parted.
    if (this.#endReason === goodbyeReason("link-lost"))
      this.#endReason = this.#wordOf(will) ?? reason ?? this.#endReason
    this.#finish()
  }

  /** The reason in a will, when it is the goodbye of this very link. */
  #wordOf(will: Uint8Array | undefined): number | undefined {
    if (will === undefined) return undefined
    const decoded = decodeUp(will, greetingBytesMax)
    if (Result.isFailure(decoded) || decoded.success.type !== "goodbye") return undefined
    return this.#isCurrent(decoded.success) ? boardReason(decoded.success.reason, "link-lost") : undefined
  }

  /** The node leaves: tells the board to come back elsewhere, and ends soon after. */
  drain(): void {
    if (this.#state === "closed" || this.#isDraining) return
    this.#isDraining = true
    this.#endReason = goodbyeReason("draining")
    if (this.#welcome === undefined) {
      this.#sendError({ code: codes.Draining, fatal: true, retry: this.#drainRetry() })
      return this.#end("draining")
    }
    this.#goodbye("draining", this.#drainRetry())
    this.#ports.host.schedule(drainMillis, () => this.#end("draining"))
  }

  // Greeting and attaching.

  #greet(hello: Hello, ticket: number, now: number): void {
    const known = this.#hello
    // A board that counts anew: what its last boot sent can never be offered under the new one's epoch.
    if (known !== undefined && known.boot !== hello.boot) this.#forget()
    this.#answered(ticket, now)
    if (this.#id !== undefined && hello.id !== this.#id) {
      this.#sendError({ code: codes.WrongId, frameType: 1, fatal: true })
      this.#ports.evidence({ type: "link.denied", id: this.#id, what: `hello of ${hello.id}` })
      return this.#end("refused")
    }
    if (this.#isDraining) return
    if (known !== undefined && known.boot === hello.boot && known.link === hello.link) {
      // The board repeated its hello before our answer reached it.
      if (this.#welcome !== undefined && this.#state === "attached")
        this.#send({ ...this.#welcome, wall: this.#ports.host.now() })
      return
    }
    if (known === undefined)
      this.#unlisten = this.#ports.links.listen(this.connection, (message) => this.#down(message))
    this.#id = hello.id
    this.#endReason = goodbyeReason("link-lost")
    this.#hello = hello
    this.#helloAt = now
    this.#welcome = undefined
    this.#state = "attaching"
    this.#attempt++
    this.#cancelAttach()
    this.#attach(now, true)
  }

  #forget(): void {
    // Their outcomes may still come, and must not count among the new boot's numbers.
    for (const held of this.#held) held.isSettled = true
    this.#held = []
    this.#next = 0
    this.#inFlight = 0
    this.#numbers = new Numbers(0)
    this.#resume()
  }

  /** The cell is gone: ask for the next one. The board notices nothing. */
  #reattach(): void {
    if (this.#state !== "attached") return
    this.#state = "attaching"
    this.#counters.moved()
    this.#attach(this.#ports.host.monotonic(), false)
  }

  #attach(now: number, isFirst: boolean): void {
    this.#attachingSince = now
    this.#arm(now + attachMillis)
    if (isFirst || now - this.#attachedAt >= calmMillis) {
      this.#attachDelay = 0
      this.#nextAttachAt = now
    }
    this.#ask(++this.#attempt)
  }

  #ask(attempt: number): void {
    const { host } = this.#ports
    const wait = this.#nextAttachAt - host.monotonic()
    this.#attachDelay = Math.min(reattachMillisMax, Math.max(reattachMillisMin, this.#attachDelay * 2))
    this.#nextAttachAt = host.monotonic() + Math.max(0, wait) + this.#attachDelay
    if (wait > 0) this.#cancelAttach = host.schedule(wait, () => this.#askNow(attempt))
    else this.#askNow(attempt)
  }

  #askNow(attempt: number): void {
    const { hello, id } = { hello: this.#hello, id: this.#id }
    if (hello === undefined || id === undefined || attempt !== this.#attempt || this.#state !== "attaching") return
    this.#ports.attach(id, this.#request(hello), (outcome) => {
      if (this.#state === "closed") {
        // The actor may have taken the attach after it heard of our end.
        if (Result.isSuccess(outcome)) this.#tellLost()
        return
      }
      if (attempt === this.#attempt && this.#state === "attaching") this.#answeredAttach(outcome, hello, attempt)
    })
  }

  #request(hello: Hello): PayloadOf<Device, "Attach"> {
    return {
      node: this.#ports.links.node,
      connection: this.connection,
      boot: hello.boot,
      link: hello.link,
      up: hello.up + (this.#ports.host.monotonic() - this.#helloAt),
      profile: hello.profile,
      firmware: hello.firmware,
      caps: hello.caps,
      rx: hello.rx,
      requests: Math.max(1, hello.requests ?? 1),
      desired: hello.desired ?? 0,
      leaseMillis: this.#terms.leaseMillis,
      ...(hello.reset === undefined ? {} : { reset: hello.reset })
    }
  }

  #answeredAttach(outcome: AttachOutcome, hello: Hello, attempt: number): void {
    if (Result.isSuccess(outcome)) return this.#attached(outcome.success, hello)
    const error = outcome.failure
    switch (error._tag) {
      case "Unavailable":
      case "Timeout":
      case "Backpressure":
      case "Expired":
        // A quarantine ends by a person's hand, everything else by itself: try on, until the attach has taken too long.
        if (error._tag === "Unavailable" && error.cause === "quarantined")
          return this.#turnAway(
            { code: codes.Quarantined, retry: Math.ceil(error.retryAfterMs ?? 60_000) },
            "unavailable"
          )
        return this.#ask(attempt)
      case "LinkStale":
        this.#goodbye("superseded")
        return this.#end("superseded", goodbyeReason("superseded"))
      case "DeviceRetired":
        return this.#turnAway({ code: codes.Retired }, "refused")
      case "PolicyDenied":
      case "ZoneDenied":
      case "Unauthenticated":
        return this.#turnAway({ code: codes.Unauthenticated }, "refused")
      default:
        return this.#turnAway({ code: codes.Internal, retry: reattachMillisMax }, "internal")
    }
  }

  #attached(attached: Attached, hello: Hello): void {
    const now = this.#ports.host.monotonic()
    const isFirst = this.#welcome === undefined
    this.#state = "attached"
    this.#attachedAt = now
    this.#heardAt = now
    this.#owner = attached.owner
    this.#epoch = attached.epoch
    if (isFirst) this.#numbers = new Numbers(attached.last)
    else this.#numbers.durable(attached.last)
    this.#welcome = {
      type: "welcome",
      epoch: attached.epoch,
      version: protocolVersion,
      last: attached.last,
      wall: this.#ports.host.now(),
      heartbeat: this.#terms.heartbeatMillis,
      lease: this.#terms.leaseMillis,
      rx: this.#terms.frameBytesMax,
      window: this.#terms.window,
      ackMode: this.#transport.ackMode,
      // Only this gateway knows whether it holds what the board would send again.
      sync: isFirst ? attached.sync : attached.sync | sync.doNotResend,
      desired: attached.desired,
      node: this.#ports.links.node.slice(0, 64),
      ...(this.#terms.framesPerSecond > 0 ? { rate: Math.min(65_535, this.#terms.framesPerSecond) } : {})
    }
    this.#send(this.#welcome)
    if (isFirst) {
      this.#attachDelay = 0
      this.#nextAttachAt = now
      if (!this.#wasAttached) this.#counters.attached()
      this.#wasAttached = true
      this.#ports.presence.publish(hello.id, { online: true, at: this.#ports.host.now(), reason: "attach" })
    }
    this.#arm(now + this.#terms.leaseMillis)
    this.#next = 0
    this.#inFlight = 0
    const early = this.#early
    this.#early = []
    for (const message of early) this.#down(message)
    this.#pump()
  }

  #turnAway(error: { readonly code: number; readonly retry?: number }, ending: Ending): void {
    this.#sendError({ ...error, fatal: true })
    this.#end(ending, goodbyeReason("refused"))
  }

  // Up.

  #mayGoOn(throttle: Throttle, frame: UpFrame, now: number): boolean {
    switch (throttle.count(frame.seq > 0, now)) {
      case "ok":
        return true
      case "slow-down": {
        const interval = Math.ceil(1_000 / this.#terms.framesPerSecond)
        if (this.#welcome !== undefined) this.#send({ type: "flow", epoch: this.#epoch, interval })
        return true
      }
      case "flood":
        if (this.#id !== undefined) this.#ports.evidence({ type: "link.flood", id: this.#id })
        this.#goodbye("too-many-errors", floodRetryMillis)
        this.#end("flood", goodbyeReason("too-many-errors"))
        return false
    }
  }

  #isCrowded(): boolean {
    return this.#held.length >= this.#terms.window || (this.#throttle?.isCrowded ?? false)
  }

  /** Bytes that are no frame of a board. One that has a number is consumed: its refusal is stored in its place. */
  #refuse(refusal: FrameRefused, ticket: number, now: number): void {
    this.#counters.refused()
    const { code, detail, seq = 0, frameType, field, request } = refusal
    const isFatal = code === codes.Version
    const error: ErrorDown = {
      type: "error",
      epoch: this.#epoch,
      code,
      ...(detail === "" ? {} : { detail }),
      ...(frameType === undefined ? {} : { frameType }),
      // Any board takes a frame with a path of a few steps; one that names long keys could be lost on it.
      ...(field === undefined || pathBytes(field) > pathBytesMax ? {} : { field }),
      ...(request === undefined ? {} : { req: request }),
      ...(seq > 0 ? { refusedSeq: seq } : {}),
      ...(isFatal ? { fatal: true } : {})
    }
    if (isFatal) {
      this.#send(error)
      return this.#end("protocol")
    }
    if (!mayAnswer(refusal)) this.#answered(ticket, now)
    else if (this.#welcome !== undefined && seq > 0) {
      const trace: UpFrame = {
        type: "event",
        seq,
        name: "link.refused",
        level: 1,
        data: { code, frame: String(frameType ?? 0) }
      }
      this.#hold(trace, encodeUp(trace), ticket, now, error)
    } else {
      this.#send(error)
      this.#answered(ticket, now, "malformed")
    }
    if (code === codes.Malformed || code === codes.UnknownType || code === codes.EMSGSIZE) this.#bad(code, now)
  }

  #bad(code: number, now: number): void {
    this.#badAt = this.#badAt.filter((at) => now - at < burstMillis)
    this.#badAt.push(now)
    if (this.#badAt.length < burstFrames) return
    if (this.#id !== undefined) this.#ports.evidence({ type: "link.malformed-burst", id: this.#id, code })
    this.#goodbye("too-many-errors", floodRetryMillis)
    this.#end("protocol", goodbyeReason("too-many-errors"))
  }

  /** A frame before the welcome. A numbered one stays unacknowledged: the board sends it again after the welcome. */
  #tooEarly(frame: UpFrame, bytes: Uint8Array, ticket: number, now: number): void {
    const { seq } = frame
    this.#counters.refused()
    if (frame.type !== "error") {
      const frameType = frameTypeOf(bytes)
      const req = requestOf(frame)
      this.#sendError({
        code: codes.NotAttached,
        frameType,
        ...(seq > 0 ? { refusedSeq: seq } : {}),
        ...(req === undefined ? {} : { req })
      })
    }
    this.#answered(ticket, now, seq > 0 ? "early" : "durable")
  }

  #parted(
    reason: number,
    boot: number,
    link: number,
    ticket: number,
    frame: UpFrame,
    bytes: Uint8Array,
    now: number
  ): void {
    if (!this.#isCurrent({ boot, link })) return this.#answered(ticket, now)
    this.#endReason = boardReason(reason, "normal")
    if (this.#welcome === undefined || this.#held.length === 0) {
      this.#answered(ticket, now)
      return this.#part()
    }
    // Its acknowledgement is behind those of the frames before it, and the actor hears of the end after them.
    this.#push({ ticket, frame, bytes, at: now, refusal: undefined, verdict: "durable", isSettled: true })
  }

  /** The board has said goodbye and all it sent is consumed. It closes the connection itself, or we do. */
  #part(): void {
    if (this.#state === "closed" || this.#state === "parting") return
    this.#state = "parting"
    this.#ports.host.schedule(partingMillis, () => {
      // A board may have said hello again meanwhile.
      if (this.#state === "parting") this.#end("goodbye")
    })
  }

  #isCurrent({ boot, link }: { readonly boot: number; readonly link: number }): boolean {
    return this.#hello !== undefined && this.#hello.boot === boot && this.#hello.link === link
  }

  /** Done with a frame that no cell needs to see; its acknowledgement waits for those before it. */
  #answered(ticket: number, now: number, verdict: Verdict = "durable"): void {
    if (ticket === noTicket || this.#state === "closed") return
    if (this.#held.length === 0) return this.#transport.acknowledge(ticket, verdict)
    this.#push({ ticket, frame: stand, bytes: noBytes, at: now, refusal: undefined, verdict, isSettled: true })
  }

  #hold(frame: UpFrame, bytes: Uint8Array, ticket: number, now: number, refusal: ErrorDown | undefined): void {
    if (this.#state === "parting") return
    const verdict = refusal === undefined ? "durable" : "malformed"
    this.#push({ ticket, frame, bytes, at: now, refusal, verdict, isSettled: false })
    this.#arm(now + consumeMillis)
    this.#pump()
  }

  /** A board that sends more than it may is read no further until what it sent is consumed. */
  #push(held: Held): void {
    this.#held.push(held)
    if (!this.#isPaused && this.#held.length >= 2 * this.#terms.window) {
      this.#isPaused = true
      this.#counters.paused()
      this.#transport.pause(true)
    }
  }

  #pump(): void {
    while (this.#state === "attached" && this.#inFlight < this.#terms.window) {
      const held = this.#held[this.#next]
      if (held === undefined) return
      this.#next++
      if (held.isSettled) continue
      this.#inFlight++
      const epoch = this.#epoch
      const { frame, bytes } = held
      const id = this.#id ?? ""
      this.#ports.links.offer(this.#owner, { id, epoch, connection: this.connection, frame, bytes }, (outcome) =>
        this.#outcome(held, epoch, outcome)
      )
    }
  }

  #outcome(held: Held, epoch: number, outcome: FrameOutcome): void {
    if (this.#state === "closed") return
    const isCurrent = epoch === this.#epoch
    if (isCurrent) this.#inFlight--
    switch (outcome._tag) {
      case "Consumed":
        // That a command is over was said ahead of this, under an epoch the board has left: the copy under the new one
        // brings it again. Acknowledged without it, the board would begin the command.
        if (held.isSettled || (!isCurrent && held.frame.type === "progress")) break
        if (held.refusal !== undefined) this.#send({ ...held.refusal, epoch: this.#epoch })
        this.#settle(held)
        break
      case "NotHere":
        if (isCurrent) this.#reattach()
        if (held.frame.type === "heartbeat" || isLossy(held.frame)) this.#settle(held)
        break
      case "Superseded":
        // While an attach is under way its answer says which link is the newer one.
        if (!isCurrent || this.#state !== "attached") break
        this.#goodbye("superseded")
        return this.#end("superseded", goodbyeReason("superseded"))
      case "Beyond":
        // Neither acknowledged nor offered again: the board's numbers have a gap that no later frame fills.
        break
    }
    this.#pump()
  }

  #settle(held: Held): void {
    if (held.isSettled) return
    held.isSettled = true
    this.#counters.acknowledged()
    const { seq } = held.frame
    if (seq > 0) {
      this.#numbers.consumed(seq)
      if (this.#transport.ackMode === 1) this.#ackSoon()
    }
    this.#release()
  }

  /** Acknowledges from the front: in the order of receipt (MQTT-4.6.0-2). */
  #release(): void {
    for (let head = this.#held[0]; head?.isSettled === true; head = this.#held[0]) {
      this.#held.shift()
      if (this.#next > 0) this.#next--
      if (head.ticket !== noTicket) this.#transport.acknowledge(head.ticket, head.verdict)
      if (head.frame.type === "goodbye") return this.#part()
    }
    this.#resume()
  }

  #resume(): void {
    if (!this.#isPaused || this.#held.length > this.#terms.window) return
    this.#isPaused = false
    this.#heardAt = this.#ports.host.monotonic()
    this.#arm(this.#heardAt + this.#terms.leaseMillis)
    this.#transport.pause(false)
  }

  /** One ack frame for all that one turn of the event loop consumed, and a pause before the next. */
  #ackSoon(): void {
    if (this.#acksDue) return
    this.#acksDue = true
    const { host } = this.#ports
    const wait = this.#ackedAt + ackMillis - host.monotonic()
    if (wait > 0) host.schedule(wait, () => this.#sendAcks())
    else host.defer(() => this.#sendAcks())
  }

  #sendAcks(): void {
    this.#acksDue = false
    // After another hello the next welcome says what is consumed.
    if (this.#state === "closed" || this.#hello === undefined || this.#welcome === undefined) return
    this.#ackedAt = this.#ports.host.monotonic()
    this.#send({ type: "ack", epoch: this.#epoch, last: this.#numbers.last, boot: this.#hello.boot })
  }

  // Down.

  #down(message: ToGateway): void {
    if (this.#state === "closed") return
    if (message._tag === "Broken") {
      if (message.node === this.#owner) this.#reattach()
      return
    }
    if (message.epoch !== this.#epoch) {
      // The new cell's first frames may overtake the answer to the attach that made it.
      const isEarly = this.#state === "attaching" && message.epoch > this.#epoch
      if (isEarly && this.#early.length < earlyMessagesMax) this.#early.push(message)
      return
    }
    if (this.#welcome === undefined) return
    switch (message._tag) {
      case "Frames":
        for (const bytes of message.frames) this.#sendBytes(bytes)
        return
      case "Moved":
        return this.#reattach()
      case "Close": {
        const name = goodbyeReasons[message.reason] ?? "normal"
        this.#goodbye(name, message.retryMillis)
        return this.#end(endingOf(name), message.reason)
      }
    }
  }

  #sendBytes(bytes: Uint8Array): void {
    const type = frameTypeOf(bytes)
    if (this.#hello !== undefined && bytes.length > this.#hello.rx) {
      this.#counters.dropped()
      return
    }
    this.#counters.sent(bytes.length)
    this.#transport.send(bytes, qosOf(type), lifeOf(bytes))
  }

  #send(frame: DownFrame): void {
    const bytes = encodeDown(frame)
    this.#counters.sent(bytes.length)
    this.#transport.send(bytes, qosOf(frameTypeOf(bytes)), undefined)
  }

  #sendError(error: {
    readonly code: number
    readonly detail?: string
    readonly frameType?: number
    readonly refusedSeq?: number
    readonly req?: number | string
    readonly fatal?: boolean
    readonly retry?: number
  }): void {
    this.#send({ type: "error", epoch: this.#epoch, ...error })
  }

  #goodbye(reason: (typeof goodbyeReasons)[number], retryMillis?: number): void {
    const retry = retryMillis === undefined ? {} : { retry: Math.round(retryMillis) }
    this.#send({ type: "goodbye", epoch: this.#epoch, reason: goodbyeReason(reason), ...retry })
  }

  #drainRetry(): number {
    return Math.floor(this.#ports.host.random() * drainMillis)
  }

  // Time and end.

  /** One timer for all deadlines: it looks again when the earliest may have passed. */
  #arm(due: number): void {
    if (due >= this.#tickAt) return
    this.#cancelTick()
    this.#tickAt = due
    const { host } = this.#ports
    this.#cancelTick = host.schedule(Math.max(0, due - host.monotonic()), () => this.#tick())
  }

  #tick(): void {
    this.#tickAt = Number.POSITIVE_INFINITY
    if (this.#state === "closed" || this.#state === "parting") return
    const now = this.#ports.host.monotonic()
    if (this.#state === "waiting") {
      if (now - this.#openedAt >= helloMillis) return this.#end("protocol")
      return this.#arm(this.#openedAt + helloMillis)
    }
    const oldest = this.#held[0]
    if (oldest !== undefined && now - oldest.at >= consumeMillis) {
      if (this.#id !== undefined) this.#ports.evidence({ type: "link.stuck", id: this.#id })
      return this.#end("unavailable")
    }
    if (this.#state === "attaching") {
      if (now - this.#attachingSince >= attachMillis) {
        const retry = reattachMillisMax + Math.floor(this.#ports.host.random() * reattachMillisMax)
        this.#sendError({ code: codes.Unavailable, retry, fatal: true })
        return this.#end("unavailable")
      }
      this.#arm(this.#attachingSince + attachMillis)
    } else if (!this.#isPaused) {
      if (now - this.#heardAt >= this.#terms.leaseMillis) return this.#end("silent")
      this.#arm(this.#heardAt + this.#terms.leaseMillis)
    }
    if (oldest !== undefined) this.#arm(oldest.at + consumeMillis)
  }

  #end(ending: Ending, reason?: number): void {
    if (this.#state === "closed") return
    if (reason !== undefined) this.#endReason = reason
    this.#finish()
    this.#transport.close(ending)
  }

  #finish(): void {
    this.#state = "closed"
    this.#cancelTick()
    this.#cancelAttach()
    this.#unlisten?.()
    this.#held = []
    this.#early = []
    this.#counters.closed(this.#wasAttached)
    if (this.#wasAttached) {
      const name = goodbyeReasons[this.#endReason] ?? "normal"
      // A board that has another link now is not offline: that link says so, here or on another node.
      if (name !== "superseded" && this.#id !== undefined)
        this.#ports.presence.publish(this.#id, { online: false, at: this.#ports.host.now(), reason: name })
      this.#tellLost()
    }
    this.#closed()
  }

  #tellLost(): void {
    if (this.#id === undefined) return
    const { node } = this.#ports.links
    this.#ports.lost(this.#id, { node, connection: this.connection, reason: this.#endReason })
  }
}

const noBytes = new Uint8Array(0)
/** Stands in the order of acknowledgements for a frame that is dealt with. */
const stand: UpFrame = { type: "heartbeat", seq: 0, up: 0, epoch: 0 }

/** Unnumbered frames whose loss only costs a little detail. */
const isLossy = (frame: UpFrame): boolean =>
  frame.seq === 0 && (frame.type === "report" || frame.type === "log" || frame.type === "value")

/** Beside it an error of the smallest frame has room for its other fields and a detail of ours. */
const pathBytesMax = 256

const pathBytes = (path: ReadonlyArray<number | string>): number =>
  path.reduce<number>((sum, step) => sum + 5 + (typeof step === "string" ? Buffer.byteLength(step) : 0), 0)

/** The reasons behind a lost link are the cluster's; a board that gives one of those, or one unknown, gave `other`. */
const boardReason = (reason: number, other: (typeof goodbyeReasons)[number]): number =>
  reason <= goodbyeReason("link-lost") ? reason : goodbyeReason(other)

function goodbyeReason(name: (typeof goodbyeReasons)[number]): number {
  return goodbyeReasons.indexOf(name)
}

const endingOf = (reason: (typeof goodbyeReasons)[number]): Ending => {
  switch (reason) {
    case "superseded":
      return "superseded"
    case "draining":
      return "draining"
    case "refused":
    case "retired":
    case "quarantined":
      return "refused"
    case "too-many-errors":
      return "flood"
    default:
      return "goodbye"
  }
}
