/**
 * The gateway's side of one link: from an open connection over hello and attach to its end. It carries frames between a
 * board and the cell that mirrors it, keeps what is not acknowledged, and attaches again when the cell moves, without
 * disturbing the board. It knows neither sockets nor clocks: those come from outside.
 */
import { Result } from "effect"
import type { FrameOutcome, ToGateway } from "../../actors/Links.ts"
import { codes } from "../../protocol/Codes.ts"
import type { SuccessOf } from "../../protocol/Contract.ts"
import type { Device } from "../../protocol/Device.ts"
import type { UpFrame } from "../../protocol/Frame.ts"
import { decodeUp, encodeUp, type FrameRefused, mayAnswer, requestOf } from "../../protocol/FrameCodec.ts"
import {
  type ErrorDown,
  type GoodbyeUp,
  goodbyeReasons,
  type Hello,
  type Welcome
} from "../../protocol/frame/LinkFrames.ts"
import { AckFrames } from "./AckFrames.ts"
import { Alarm } from "./Alarm.ts"
import { AttachAttempts } from "./AttachAttempts.ts"
import type { AttachOutcome, AttachPorts } from "./Attacher.ts"
import { Backlog, type Held } from "./Backlog.ts"
import { Burst } from "./Burst.ts"
import { frameTypeOf } from "./DownBytes.ts"
import { boardReason, endingOf, goodbyeReason } from "./Goodbyes.ts"
import { attachRequest, type LinkSide, refusedAttach, welcomeOf } from "./Greeting.ts"
import type { LinkCounters } from "./LinkCounters.ts"
import {
  attachMillis,
  burstFrames,
  ceilingBytesMax,
  consumeMillis,
  drainMillis,
  earlyMessagesMax,
  floodRetryMillis,
  greetingBytesMax,
  helloMillis,
  type LinkTerms,
  partingMillis,
  reattachMillisMax
} from "./LinkTerms.ts"
import { type Ending, type LinkTransport, noTicket, type Verdict } from "./LinkTransport.ts"
import { errorOf, traceOf } from "./Refusal.ts"
import { Throttle } from "./Throttle.ts"
import { ToBoard } from "./ToBoard.ts"

/** What a link is made of. */
export interface LinkOptions {
  readonly ports: AttachPorts
  readonly terms: LinkTerms
  readonly counters: LinkCounters
  readonly transport: LinkTransport
  /** The id the connection's credential speaks for; absent where anybody may attach (loopback in development). */
  readonly id?: string
  /** Called when whoever has not said who he is is turned away for bad frames. */
  readonly garbled?: () => void
  /** Called once, after the end. */
  readonly closed?: () => void
}

type State = "waiting" | "attaching" | "attached" | "parting" | "closed"

const linkLost = goodbyeReason("link-lost")

/** One link. Its methods are called by the transport; callbacks run on the host. */
export class Link {
  readonly connection: number
  readonly #ports: AttachPorts
  readonly #terms: LinkTerms
  readonly #counters: LinkCounters
  readonly #transport: LinkTransport
  readonly #side: LinkSide
  readonly #garbled: (() => void) | undefined
  readonly #closed: (() => void) | undefined
  readonly #throttle: Throttle | undefined
  readonly #toBoard: ToBoard
  readonly #attempts: AttachAttempts
  readonly #backlog: Backlog
  /** Where ack frames acknowledge. */
  readonly #acks: AckFrames | undefined
  readonly #alarm: Alarm
  readonly #badFrames = new Burst(burstFrames)
  readonly #openedAt: number
  #heardAt: number
  #state: State = "waiting"
  #id: string | undefined
  #unlisten: (() => void) | undefined
  #hello: Hello | undefined
  #helloAt = 0
  #welcome: Welcome | undefined
  #wasAttached = false
  #owner = ""
  /** Messages of a cell that came before the answer to the attach that made it. */
  #early: Array<ToGateway> = []
  #isPaused = false
  #isDraining = false
  #endReason = linkLost

  constructor({ ports, terms, counters, transport, id, garbled, closed }: LinkOptions) {
    const { host } = ports
    this.#ports = ports
    this.#terms = terms
    this.#counters = counters
    this.#transport = transport
    this.#garbled = garbled
    this.#closed = closed
    this.#id = id
    this.connection = ports.nextConnection()
    this.#side = { node: ports.links.node, connection: this.connection, terms, ackMode: transport.ackMode }
    this.#openedAt = host.monotonic()
    this.#heardAt = this.#openedAt
    this.#throttle = terms.framesPerSecond > 0 ? new Throttle(terms.framesPerSecond, this.#openedAt) : undefined
    this.#toBoard = new ToBoard(transport, counters)
    this.#attempts = new AttachAttempts(host, (attach) => this.#ask(attach))
    this.#backlog = new Backlog(terms.window)
    this.#acks = transport.ackMode === 1 ? new AckFrames(host, (last) => this.#acknowledge(last)) : undefined
    this.#alarm = new Alarm(host, () => this.#look())
    this.#alarm.by(this.#openedAt + helloMillis)
    counters.opened()
  }

  get state(): State {
    return this.#state
  }

  /** Epoch of the last welcome; 0 before it. */
  get epoch(): number {
    return this.#toBoard.epoch
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
    if (frame.type === "goodbye") return this.#parted(frame, bytes, ticket, now)
    if (this.#welcome === undefined) return this.#tooEarly(frame, bytes, ticket, now)
    switch (frame.type) {
      case "heartbeat":
        this.#toBoard.send({ type: "heartbeat", epoch: this.epoch, up: frame.up, wall: this.#ports.host.now() })
        if (this.#state !== "attached") return this.#answered(ticket, now)
        break
      case "proof":
      case "enrol":
      case "sealed":
        this.#toBoard.refuse({ code: codes.ENOTSUP, frameType: frameTypeOf(bytes) })
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
    if (this.#welcome !== undefined) this.#toBoard.goodbye("superseded")
    this.#end("superseded", goodbyeReason("superseded"))
  }

  /** The connection ended: broken, with the goodbye the board left behind for that, or in an orderly way without one. */
  lost({ will, reason }: { readonly will?: Uint8Array | undefined; readonly reason?: number }): void {
    if (this.#state === "closed") return
    // A board that said why it leaves, or was told to, is not lost: its process may end before its client has parted.
    if (this.#endReason === linkLost) this.#endReason = this.#wordOf(will) ?? reason ?? linkLost
    this.#finish()
  }

  /** The node leaves: tells the board to come back elsewhere, and ends soon after. */
  drain(): void {
    if (this.#state === "closed" || this.#isDraining) return
    this.#isDraining = true
    this.#endReason = goodbyeReason("draining")
    const retry = Math.floor(this.#ports.host.random() * drainMillis)
    if (this.#welcome === undefined) {
      this.#toBoard.refuse({ code: codes.Draining, fatal: true, retry })
      return this.#end("draining")
    }
    this.#toBoard.goodbye("draining", retry)
    this.#ports.host.schedule(drainMillis, () => this.#end("draining"))
  }

  // Greeting and attaching.

  #greet(hello: Hello, ticket: number, now: number): void {
    const known = this.#hello
    // A board that counts anew: what its last boot sent can never be offered under the new one's epoch.
    if (known !== undefined && known.boot !== hello.boot) {
      this.#backlog.forget()
      this.#resume()
    }
    this.#answered(ticket, now)
    if (this.#id !== undefined && hello.id !== this.#id) {
      this.#toBoard.refuse({ code: codes.WrongId, frameType: 1, fatal: true })
      this.#ports.evidence({ type: "link.denied", id: this.#id, what: `hello of ${hello.id}` })
      return this.#end("refused")
    }
    if (this.#isDraining) return
    if (known !== undefined && known.boot === hello.boot && known.link === hello.link) {
      // The board repeated its hello before our answer reached it.
      if (this.#welcome !== undefined && this.#state === "attached")
        this.#toBoard.send({ ...this.#welcome, wall: this.#ports.host.now() })
      return
    }
    if (known === undefined)
      this.#unlisten = this.#ports.links.listen(this.connection, (message) => this.#down(message))
    this.#id = hello.id
    this.#endReason = linkLost
    this.#hello = hello
    this.#helloAt = now
    this.#toBoard.bytesMax = hello.rx
    this.#welcome = undefined
    this.#attach(now)
  }

  /** The cell is gone: ask for the next one. The board notices nothing. */
  #reattach(): void {
    if (this.#state !== "attached") return
    this.#counters.moved()
    this.#attach(this.#ports.host.monotonic())
  }

  #attach(now: number): void {
    this.#state = "attaching"
    this.#alarm.by(now + attachMillis)
    this.#attempts.begin(now)
  }

  #ask(attach: number): void {
    const { hello, id } = { hello: this.#hello, id: this.#id }
    if (hello === undefined || id === undefined || !this.#isUnderWay(attach)) return
    const age = this.#ports.host.monotonic() - this.#helloAt
    this.#ports.attach(id, attachRequest(hello, age, this.#side), (outcome) => {
      // The actor may have taken the attach after it heard of our end.
      if (this.#state === "closed" && Result.isSuccess(outcome)) this.#tellLost()
      if (this.#isUnderWay(attach)) this.#answeredAttach(outcome, hello)
    })
  }

  #isUnderWay(attach: number): boolean {
    return this.#state === "attaching" && attach === this.#attempts.current
  }

  #answeredAttach(outcome: AttachOutcome, hello: Hello): void {
    if (Result.isSuccess(outcome)) return this.#attached(outcome.success, hello)
    const refused = refusedAttach(outcome.failure)
    if (refused === "again") return this.#attempts.again()
    if (refused === "superseded") {
      this.#ports.evidence({ type: "link.replayed", id: hello.id })
      return this.#superseded()
    }
    const { ending, ...error } = refused
    this.#toBoard.refuse({ ...error, fatal: true })
    this.#end(ending, goodbyeReason("refused"))
  }

  #attached(attached: SuccessOf<Device, "Attach">, hello: Hello): void {
    const { host, presence } = this.#ports
    const now = host.monotonic()
    const isFirst = this.#welcome === undefined
    this.#state = "attached"
    this.#heardAt = now
    this.#owner = attached.owner
    this.#toBoard.epoch = attached.epoch
    if (isFirst) this.#acks?.restart(attached.last)
    else this.#acks?.welcomed(attached.last)
    this.#welcome = welcomeOf(attached, isFirst, host.now(), this.#side)
    this.#toBoard.send(this.#welcome)
    this.#attempts.granted(now)
    if (isFirst) {
      if (!this.#wasAttached) this.#counters.attached()
      this.#wasAttached = true
      presence.arrived(hello.id, this.connection, host.now())
    }
    this.#alarm.by(now + this.#terms.leaseMillis)
    this.#backlog.rewind()
    const early = this.#early
    this.#early = []
    for (const message of early) this.#down(message)
    this.#pump()
  }

  #superseded(): void {
    this.#toBoard.goodbye("superseded")
    this.#end("superseded", goodbyeReason("superseded"))
  }

  // Up.

  #mayGoOn(throttle: Throttle, frame: UpFrame, now: number): boolean {
    switch (throttle.count(frame.seq > 0, now)) {
      case "ok":
        return true
      case "slow-down": {
        const interval = Math.ceil(1_000 / this.#terms.framesPerSecond)
        if (this.#welcome !== undefined) this.#toBoard.send({ type: "flow", epoch: this.epoch, interval })
        return true
      }
      case "flood":
        if (this.#id !== undefined) this.#ports.evidence({ type: "link.flood", id: this.#id })
        this.#turnAway("flood")
        return false
    }
  }

  /** Nothing a board of ours does: it may come back when it has calmed down. */
  #turnAway(ending: Ending): void {
    this.#toBoard.goodbye("too-many-errors", floodRetryMillis)
    this.#end(ending, goodbyeReason("too-many-errors"))
  }

  #isCrowded(): boolean {
    return this.#backlog.length >= this.#terms.window || (this.#throttle?.isCrowded ?? false)
  }

  /** Bytes that are no frame of a board. One that has a number is consumed: its refusal is stored in its place. */
  #refuse(refused: FrameRefused, ticket: number, now: number): void {
    this.#counters.refused()
    const { code, seq = 0 } = refused
    const error = errorOf(refused, this.epoch)
    if (code === codes.Version) {
      this.#toBoard.send({ ...error, fatal: true })
      return this.#end("protocol")
    }
    if (!mayAnswer(refused)) this.#answered(ticket, now)
    else if (this.#welcome !== undefined && seq > 0) {
      const trace = traceOf(refused, seq)
      this.#hold(trace, encodeUp(trace), ticket, now, error)
    } else {
      this.#toBoard.send(error)
      this.#answered(ticket, now, "malformed")
    }
    const isBad = code === codes.Malformed || code === codes.UnknownType || code === codes.EMSGSIZE
    if (!isBad || !this.#badFrames.note(now)) return
    if (this.#id !== undefined) this.#ports.evidence({ type: "link.malformed-burst", id: this.#id, code })
    else this.#garbled?.()
    this.#turnAway("protocol")
  }

  /** A frame before the welcome. A numbered one stays unacknowledged: the board sends it again after the welcome. */
  #tooEarly(frame: UpFrame, bytes: Uint8Array, ticket: number, now: number): void {
    const { seq } = frame
    this.#counters.refused()
    const req = requestOf(frame)
    if (frame.type !== "error")
      this.#toBoard.refuse({
        code: isUnserved(frame) ? codes.ENOTSUP : codes.NotAttached,
        frameType: frameTypeOf(bytes),
        ...(seq > 0 ? { refusedSeq: seq } : {}),
        ...(req === undefined ? {} : { req })
      })
    this.#answered(ticket, now, seq > 0 ? "early" : "durable")
  }

  #parted(frame: GoodbyeUp, bytes: Uint8Array, ticket: number, now: number): void {
    if (!this.#isCurrent(frame)) return this.#answered(ticket, now)
    this.#endReason = boardReason(frame.reason, "normal")
    if (this.#welcome === undefined || this.#backlog.length === 0) {
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

  /** The reason in a will, when it is the goodbye of this very link. */
  #wordOf(will: Uint8Array | undefined): number | undefined {
    if (will === undefined) return undefined
    const decoded = decodeUp(will, greetingBytesMax)
    if (Result.isFailure(decoded) || decoded.success.type !== "goodbye") return undefined
    return this.#isCurrent(decoded.success) ? boardReason(decoded.success.reason, "link-lost") : undefined
  }

  #isCurrent({ boot, link }: { readonly boot: number; readonly link: number }): boolean {
    return this.#hello !== undefined && this.#hello.boot === boot && this.#hello.link === link
  }

  /** Done with a frame that no cell needs to see; its acknowledgement waits for those before it. */
  #answered(ticket: number, now: number, verdict: Verdict = "durable"): void {
    if (ticket === noTicket || this.#state === "closed") return
    if (this.#backlog.length === 0) return this.#transport.acknowledge(ticket, verdict)
    this.#push({ ticket, frame: stand, bytes: noBytes, at: now, refusal: undefined, verdict, isSettled: true })
  }

  #hold(frame: UpFrame, bytes: Uint8Array, ticket: number, now: number, refusal: ErrorDown | undefined): void {
    if (this.#state === "parting") return
    const verdict = refusal === undefined ? "durable" : "malformed"
    this.#push({ ticket, frame, bytes, at: now, refusal, verdict, isSettled: false })
    this.#alarm.by(now + consumeMillis)
    this.#pump()
  }

  /** A board that sends more than it may is read no further until what it sent is consumed. */
  #push(held: Held): void {
    this.#backlog.push(held)
    if (!this.#isPaused && this.#backlog.length >= 2 * this.#terms.window) {
      this.#isPaused = true
      this.#counters.paused()
      this.#transport.pause(true)
    }
  }

  #pump(): void {
    while (this.#state === "attached") {
      const held = this.#backlog.offer()
      if (held === undefined) return
      const { epoch, connection } = this
      const { frame, bytes } = held
      const id = this.#id ?? ""
      this.#ports.links.offer(this.#owner, { id, epoch, connection, frame, bytes }, (outcome) =>
        this.#outcome(held, epoch, outcome)
      )
    }
  }

  #outcome(held: Held, epoch: number, outcome: FrameOutcome): void {
    if (this.#state === "closed") return
    const isCurrent = epoch === this.epoch
    if (isCurrent) this.#backlog.answered()
    switch (outcome._tag) {
      case "Consumed":
        // That a command is over was said ahead of this, under an epoch the board has left: the copy under the new one
        // brings it again. Acknowledged without it, the board would begin the command.
        if (held.isSettled || (!isCurrent && held.frame.type === "progress")) break
        if (held.refusal !== undefined) this.#toBoard.send({ ...held.refusal, epoch: this.epoch })
        this.#settle(held)
        break
      case "NotHere":
        if (isCurrent) this.#reattach()
        if (held.frame.type === "heartbeat" || isLossy(held.frame)) this.#settle(held)
        break
      case "Superseded":
        // While an attach is under way its answer says which link is the newer one.
        if (isCurrent && this.#state === "attached") return this.#superseded()
        break
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
    if (held.frame.seq > 0) this.#acks?.consumed(held.frame.seq)
    for (let head = this.#backlog.release(); head !== undefined; head = this.#backlog.release()) {
      if (head.ticket !== noTicket) this.#transport.acknowledge(head.ticket, head.verdict)
      if (head.frame.type === "goodbye") return this.#part()
    }
    this.#resume()
  }

  #resume(): void {
    if (!this.#isPaused || this.#backlog.length > this.#terms.window) return
    this.#isPaused = false
    this.#heardAt = this.#ports.host.monotonic()
    this.#alarm.by(this.#heardAt + this.#terms.leaseMillis)
    this.#transport.pause(false)
  }

  #acknowledge(last: number): void {
    // After another hello the next welcome says what is consumed.
    if (this.#state === "closed" || this.#hello === undefined || this.#welcome === undefined) return
    this.#toBoard.send({ type: "ack", epoch: this.epoch, last, boot: this.#hello.boot })
  }

  // Down.

  #down(message: ToGateway): void {
    if (this.#state === "closed") return
    if (message._tag === "Broken") {
      if (message.node === this.#owner) this.#reattach()
      return
    }
    if (message.epoch !== this.epoch) {
      // The new cell's first frames may overtake the answer to the attach that made it.
      const isEarly = this.#state === "attaching" && message.epoch > this.epoch
      if (isEarly && this.#early.length < earlyMessagesMax) this.#early.push(message)
      return
    }
    if (this.#welcome === undefined) return
    switch (message._tag) {
      case "Frames":
        for (const bytes of message.frames) this.#toBoard.pass(bytes)
        return
      case "Moved":
        return this.#reattach()
      case "Close": {
        const name = goodbyeReasons[message.reason] ?? "normal"
        this.#toBoard.goodbye(name, message.retryMillis)
        return this.#end(endingOf(name), message.reason)
      }
    }
  }

  // Time and end.

  /** Looks which deadline has passed, and sets the alarm for the next. */
  #look(): void {
    if (this.#state === "closed" || this.#state === "parting") return
    const now = this.#ports.host.monotonic()
    if (this.#state === "waiting") {
      if (now - this.#openedAt >= helloMillis) return this.#end("protocol")
      return this.#alarm.by(this.#openedAt + helloMillis)
    }
    const { oldest } = this.#backlog
    if (oldest !== undefined && now - oldest.at >= consumeMillis) {
      if (this.#id !== undefined) this.#ports.evidence({ type: "link.stuck", id: this.#id })
      return this.#end("unavailable")
    }
    if (this.#state === "attaching") {
      const { since } = this.#attempts
      if (now - since >= attachMillis) {
        const retry = reattachMillisMax + Math.floor(this.#ports.host.random() * reattachMillisMax)
        this.#toBoard.refuse({ code: codes.Unavailable, retry, fatal: true })
        return this.#end("unavailable")
      }
      this.#alarm.by(since + attachMillis)
    } else if (!this.#isPaused) {
      if (now - this.#heardAt >= this.#terms.leaseMillis) return this.#end("silent")
      this.#alarm.by(this.#heardAt + this.#terms.leaseMillis)
    }
    if (oldest !== undefined) this.#alarm.by(oldest.at + consumeMillis)
  }

  #end(ending: Ending, reason?: number): void {
    if (this.#state === "closed") return
    if (reason !== undefined) this.#endReason = reason
    this.#finish()
    this.#transport.close(ending)
  }

  #finish(): void {
    this.#state = "closed"
    this.#alarm.cancel()
    this.#attempts.cancel()
    this.#unlisten?.()
    this.#backlog.forget()
    this.#early = []
    this.#counters.closed(this.#wasAttached)
    if (this.#wasAttached) {
      const { host, presence } = this.#ports
      const name = goodbyeReasons[this.#endReason] ?? "normal"
      // A board that has another link now is not offline: that link says so, here or on another node.
      if (this.#id !== undefined)
        presence.left(this.#id, this.connection, host.now(), name === "superseded" ? undefined : name)
      this.#tellLost()
    }
    this.#closed?.()
  }

  #tellLost(): void {
    if (this.#id === undefined) return
    const { node, connection } = this.#side
    this.#ports.lost(this.#id, { node, connection, reason: this.#endReason })
  }
}

const noBytes = new Uint8Array(0)
/** Stands in the order of acknowledgements for a frame that is dealt with. */
const stand: UpFrame = { type: "heartbeat", seq: 0, up: 0, epoch: 0 }

/** Frames for which there is nothing here yet, before a welcome and after. */
const isUnserved = ({ type }: UpFrame): boolean => type === "proof" || type === "enrol" || type === "sealed"

/** Unnumbered frames whose loss only costs a little detail. */
const isLossy = (frame: UpFrame): boolean =>
  frame.seq === 0 && (frame.type === "report" || frame.type === "log" || frame.type === "value")
