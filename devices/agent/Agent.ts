/**
 * A board's link to the cluster as a plain state machine: it connects, greets, keeps the link alive, hands frames to the
 * outbox, the commands and the desired version, and starts over when the link is lost. Time, wire and storage come from
 * outside, so that the same code runs in a process and in a simulator's virtual time.
 */
import { Result } from "effect"
import { codes } from "../../src/protocol/Codes.ts"
import type { DownFrame, UpFrame } from "../../src/protocol/Frame.ts"
import { decodeDown, encodeUp, mayAnswer } from "../../src/protocol/FrameCodec.ts"
import {
  type Ack,
  type ErrorDown,
  type Flow,
  type GoodbyeDown,
  type HeartbeatDown,
  sync,
  type Welcome
} from "../../src/protocol/frame/LinkFrames.ts"
import type { TwinPatch } from "../../src/protocol/TwinValue.ts"
import type { Application, Applied, Voice } from "./Application.ts"
import { Backoff } from "./Backoff.ts"
import type { Clock } from "./Clock.ts"
import { Commands } from "./Commands.ts"
import { DesiredVersion } from "./Desired.ts"
import { type Downfall, fallOfClose, fallOfError, fallOfGoodbye } from "./Downfall.ts"
import { pointerOf } from "./Fields.ts"
import { type AgentOptions, helloOf, protocolVersion } from "./Hello.ts"
import type { Journal } from "./Journal.ts"
import type { Letter } from "./Letter.ts"
import { type Limits, Outbox } from "./Outbox.ts"
import { isProgramFrame, ProgramFrames } from "./ProgramFrames.ts"
import type { Programs, ProgramVoice } from "./Programs.ts"
import { Silence } from "./Silence.ts"
import type { CloseCause, Connection, Transport } from "./Transport.ts"
import { declineOf, nothingKept } from "./Unsupported.ts"
import { WallClock } from "./WallClock.ts"

/** A transport that is not up by then is given up, ms. */
const openMillis = 10_000

/** Why a link ended before it began. */
const nobodyThere = "no connection"

/** Distance of the hellos that go unanswered, ms, and how many there are. */
const helloMillis = 2000
const hellosMax = 5

/** Least distance of heartbeats, ms. A lease is at least two of them and a second. */
const heartbeatMillisMin = 1000

/** A link that held this long starts the backoff over, ms. */
const steadyMillis = 30_000

/** How long a goodbye may take at the end, ms. */
const farewellMillis = 1000

/** Links of one boot are counted in 16 bits. */
const linkMax = 65_535

/** What an agent gets from outside. */
export interface AgentPorts {
  readonly clock: Clock
  readonly transport: Transport
  /** A number for each start of the board, ≥ 1 and never used before by it. */
  readonly nextBoot: () => number
  /** Where commands are kept over a restart; absent where nothing is kept. */
  readonly journal?: Journal
  /** Images and programs; absent where the board takes none. */
  readonly programs?: (voice: ProgramVoice) => Programs
  /** A bug of the application, to be logged. */
  readonly report: (what: string, cause: unknown) => void
  /** Each step of the link, for a log or a lamp. */
  readonly observe?: (step: LinkStep) => void
}

/** States of a link, on the board's side. */
export type LinkState = "down" | "opening" | "greeting" | "up" | "closing" | "stopped"

/** One step of the link; `why` says what ended it, `retryMillis` when the next one begins. */
export interface LinkStep {
  readonly state: LinkState
  /** The cluster does not want this board, or has another of its name: time alone does not mend that. */
  readonly isRefused?: boolean
  readonly why?: string
  readonly retryMillis?: number
}

/** The agent of one boot of one board. */
export class Agent {
  readonly #options: AgentOptions
  readonly #ports: AgentPorts
  readonly #clock: Clock
  readonly #application: Application
  readonly #outbox: Outbox
  readonly #commands: Commands
  readonly #desired: DesiredVersion
  readonly #programs: ProgramFrames | undefined
  readonly #backoff: Backoff
  readonly #wallClock = new WallClock()
  #state: LinkState = "down"
  #boot: number
  /** Links of this boot that got as far as a hello. */
  #link = 0
  /** Grows with each connection, so that nothing is taken from an old one. */
  #session = 0
  #connection: Connection | undefined
  #epoch = 0
  #ackMode = 0
  #heartbeatMillis = 10_000
  #leaseMillis = 25_000
  #limits: Limits | undefined
  #helloAt = 0
  #upAt = 0
  /** Our silence, which a heartbeat ends, and the cluster's, which ends the link. */
  readonly #own: Silence
  readonly #theirs: Silence
  /** Timer of the state's next step. */
  #cancelStep: (() => void) | undefined

  constructor(options: AgentOptions, ports: AgentPorts, application: (voice: Voice) => Application) {
    this.#options = options
    this.#ports = ports
    this.#clock = ports.clock
    this.#boot = ports.nextBoot()
    this.#backoff = new Backoff(ports.clock.random)
    this.#own = new Silence(ports.clock, () => {
      this.#heartbeat()
      this.#own.watch(this.#pulseMillis)
    })
    this.#theirs = new Silence(ports.clock, () => this.#fall({ delay: "next", why: "silence" }))
    const voice: Voice = {
      report: (state, samples) => this.#report(state, samples),
      event: (name, data, level) => this.#event(name, data, level),
      log: (level, text) => this.#log(level, text),
      now: ports.clock.board,
      wall: () => this.wall()
    }
    this.#outbox = new Outbox(options.waitingMax ?? 512, {
      now: ports.clock.board,
      schedule: ports.clock.schedule,
      wire: (bytes, seq) => this.#put(bytes, seq, 1),
      state: () => this.#application.state()
    })
    const push = (letter: Letter) => this.#outbox.push(letter)
    this.#commands = new Commands(options.idsMax ?? 4096, {
      clock: ports.clock,
      execute: (command, execution) => {
        const programs = this.#programs?.programs
        const isTheirs = command.program !== undefined || programs?.commands?.has(command.name) === true
        return (isTheirs && programs !== undefined ? programs : this.#application).execute(command, execution)
      },
      push,
      busy: (req, retry) => this.#send({ type: "error", seq: 0, code: codes.EAGAIN, frameType: 11, req, retry }),
      report: ports.report,
      ...(ports.journal === undefined ? {} : { journal: ports.journal })
    })
    this.#desired = new DesiredVersion({
      apply: (delta) => this.#apply(delta),
      push,
      now: ports.clock.board
    })
    this.#programs =
      ports.programs === undefined
        ? undefined
        : new ProgramFrames(
            options.requests,
            {
              push,
              send: (frame, qos) => {
                if (this.#state === "up") this.#send(frame, qos)
              },
              log: (level, text, program) => this.#log(level, text, program),
              report: ports.report
            },
            ports.programs
          )
    // Last, because an application may speak while it is made.
    this.#application = application(voice)
  }

  get state(): LinkState {
    return this.#state
  }

  get boot(): number {
    return this.#boot
  }

  /** Epoch of the last welcome; 0 before the first. */
  get epoch(): number {
    return this.#epoch
  }

  /** Letters and frames the cluster has not taken yet. */
  get owed(): number {
    return this.#outbox.queued + this.#outbox.unacknowledged
  }

  /** UTC by the cluster's clock, else by the board's own. */
  wall(): number | undefined {
    const offset = this.#wallClock.offset
    return offset === undefined ? this.#clock.wall() : this.#clock.board() + offset
  }

  /** Begins, once. */
  start(): void {
    this.#programs?.start()
    this.#commands.resume()
    this.#open()
  }

  /** Ends in order: goodbye, at most a second for it to arrive, closed. `done` is called once nothing of it runs. */
  stop(reason: number, done: () => void): void {
    if (this.#state === "stopped") return done()
    const linked = this.#state === "up" || this.#state === "greeting"
    this.#quiet()
    this.#commands.stop()
    this.#programs?.programs.stop(true)
    const finish = () => {
      if (this.#state === "stopped") return
      this.#quiet()
      this.#leave(true)
      this.#step({ state: "stopped" })
      done()
    }
    if (!linked) return finish()
    this.#step({ state: "closing" })
    this.#cancelStep = this.#clock.schedule(farewellMillis, finish)
    const goodbye: UpFrame = { type: "goodbye", seq: 0, reason, boot: this.#boot, link: this.#link }
    this.#send(goodbye, 1, finish)
  }

  /** Ends at once and without a word, as when the power goes. */
  cut(): void {
    this.#quiet()
    this.#commands.stop()
    this.#programs?.programs.stop(false)
    this.#leave(false)
    this.#state = "stopped"
  }

  #report(state: Parameters<Voice["report"]>[0], samples: Parameters<Voice["report"]>[1]): void {
    const at = Math.floor(this.#clock.board())
    const isEmpty = state === undefined || Object.keys(state).length === 0
    if (isEmpty && samples === undefined) return
    this.#outbox.push({
      type: "report",
      at,
      ...(isEmpty ? {} : { state }),
      ...(samples === undefined ? {} : { samples })
    })
  }

  #event(name: string, data: Parameters<Voice["event"]>[1], level: number | undefined): void {
    this.#outbox.push({
      type: "event",
      at: Math.floor(this.#clock.board()),
      name,
      ...(data === undefined ? {} : { data }),
      ...(level === undefined ? {} : { level })
    })
  }

  #apply(delta: TwinPatch): Applied {
    try {
      return this.#application.applyDesired(delta)
    } catch (cause) {
      this.#ports.report("desired values could not be applied", cause)
      return { refused: Object.fromEntries(Object.keys(delta).map((key) => [pointerOf([key]), codes.Internal])) }
    }
  }

  #log(level: number, text: string, program?: string): void {
    if (this.#state !== "up") return this.#outbox.countDropped()
    const at = Math.floor(this.#clock.board())
    this.#send({ type: "log", seq: 0, at, level, text, ...(program === undefined ? {} : { program }) }, 0)
  }

  #open(server?: string): void {
    if (this.#link >= linkMax || this.#outbox.exhausted) this.#renewBoot()
    const session = ++this.#session
    const link = this.#link + 1
    this.#step({ state: "opening" })
    const mine = () => this.#session === session
    this.#cancelStep = this.#clock.schedule(openMillis, () => this.#fall({ delay: "next", why: nobodyThere }))
    const will = encodeUp({ type: "goodbye", seq: 0, reason: 4, boot: this.#boot, link })
    this.#connection = this.#ports.transport.open(
      { id: this.#options.id, will, ...(server === undefined ? {} : { server }) },
      {
        opened: () => {
          if (mine() && this.#state === "opening") this.#greet(link)
        },
        received: (bytes) => {
          if (mine()) this.#receive(bytes)
        },
        acknowledged: (seq) => {
          if (mine()) this.#acknowledged(seq)
        },
        closed: (cause: CloseCause, elsewhere?: string) => {
          if (!mine() || this.#state === "closing") return
          const fall = fallOfClose(cause, elsewhere, this.#clock.random)
          this.#fall(this.#state === "opening" && cause === "lost" ? { ...fall, why: nobodyThere } : fall)
        }
      }
    )
  }

  #renewBoot(): void {
    this.#boot = this.#ports.nextBoot()
    this.#link = 0
    this.#outbox.renumber()
  }

  #greet(link: number): void {
    this.#quiet()
    this.#link = link
    this.#helloAt = this.#clock.board()
    this.#step({ state: "greeting" })
    const hello = encodeUp(this.#hello())
    let sent = 0
    const again = () => {
      if (sent === hellosMax) return this.#fall({ delay: "next", why: "no answer to the hello" })
      sent++
      this.#cancelStep = this.#clock.schedule(helloMillis, again)
      this.#put(hello, 0, 1)
    }
    again()
  }

  #hello(): UpFrame {
    const own = this.#clock.wall()
    return helloOf(this.#options, {
      boot: this.#boot,
      link: this.#link,
      up: this.#helloAt,
      wall: this.wall(),
      keepsWall: own !== undefined,
      keepsCommands: this.#ports.journal !== undefined,
      desired: this.#desired.applied,
      sent: this.#outbox.sent,
      dropped: this.#outbox.dropped,
      ...(this.#programs === undefined ? {} : { kinds: this.#programs.programs.kinds })
    })
  }

  #receive(bytes: Uint8Array): void {
    this.#theirs.broken()
    const decoded = decodeDown(bytes, this.#options.rx)
    if (Result.isSuccess(decoded)) return this.#take(decoded.success)
    const { epoch, request, ...refused } = decoded.failure
    if (this.#state !== "up" || !mayAnswer(decoded.failure)) return
    if (epoch !== undefined && epoch !== this.#epoch) return
    this.#send({ type: "error", seq: 0, ...refused, ...(request === undefined ? {} : { req: request }) })
  }

  #take(frame: DownFrame): void {
    if (frame.type === "welcome") return this.#welcome(frame)
    if (frame.type === "error") return this.#refusal(frame)
    if (frame.type === "goodbye" && this.#state === "greeting") return this.#goodbye(frame)
    // A gateway that was frozen and wakes up speaks under an epoch that is over.
    if (this.#state !== "up" || frame.epoch !== this.#epoch) return
    switch (frame.type) {
      case "heartbeat":
        return this.#answered(frame)
      case "ack":
        return this.#consumed(frame)
      case "goodbye":
        return this.#goodbye(frame)
      case "flow":
        return this.#flow(frame)
      case "desired":
        if (frame.doc === undefined) return this.#desired.receive(frame)
        return this.#send({ type: "error", seq: 0, code: codes.ENOTSUP, frameType: 9, field: [4] })
      case "invoke":
        return this.#commands.invoke(frame)
      case "cancel":
        return this.#commands.cancel(frame.id)
      default: {
        if (this.#programs !== undefined && isProgramFrame(frame)) return this.#programs.take(frame)
        const decline = declineOf(frame)
        if (decline.numbered !== undefined) this.#outbox.push(decline.numbered)
        else this.#send(decline.frame, decline.qos)
      }
    }
  }

  #welcome(frame: Welcome): void {
    const first = this.#state === "greeting"
    // A hello that was repeated too early is answered by a second copy of the same welcome.
    if (!first && (this.#state !== "up" || frame.epoch <= this.#epoch)) return
    if (frame.version !== protocolVersion) return this.#fall({ delay: "next", why: `version ${frame.version}` })
    const now = this.#clock.board()
    if (first) {
      this.#quiet()
      this.#wallClock.observe(this.#helloAt, now, frame.wall)
      this.#upAt = now
    }
    this.#epoch = frame.epoch
    this.#ackMode = frame.ackMode
    this.#heartbeatMillis = frame.heartbeat
    this.#leaseMillis = frame.lease
    this.#limits = {
      frameBytesMax: frame.rx,
      window: frame.window,
      intervalMillis: frame.rate === undefined || frame.rate === 0 ? 0 : 1000 / frame.rate
    }
    this.#state = "up"
    const resend = (frame.sync & sync.doNotResend) === 0
    const covered = this.#outbox.open(this.#limits, frame.last, resend)
    if (frame.sync & sync.fullReport) this.#outbox.pushFull()
    for (const letter of covered) this.#commands.covered(letter)
    if (this.#programs !== undefined) this.#programs.welcomed(frame.sync)
    else for (const letter of nothingKept(frame.sync)) this.#outbox.push(letter)
    this.#watch()
    if (first) this.#step({ state: "up" })
    this.#outbox.pump()
  }

  #refusal(frame: ErrorDown): void {
    if (this.#state === "greeting") {
      const fall = fallOfError(frame, true)
      if (fall !== undefined) this.#fall(fall)
      return
    }
    if (this.#state !== "up") return
    const letter = frame.refusedSeq === undefined ? undefined : this.#outbox.refused(frame.refusedSeq)
    if (letter?.type === "progress") this.#commands.forbid(letter.id, frame.code)
    if (typeof frame.req === "string") this.#commands.forbid(frame.req, frame.code)
    const fall = fallOfError(frame, false)
    if (fall !== undefined) this.#fall(fall)
  }

  #goodbye(frame: GoodbyeDown): void {
    this.#fall(fallOfGoodbye(frame, this.#clock.random))
  }

  #answered(frame: HeartbeatDown): void {
    this.#wallClock.observe(frame.up, this.#clock.board(), frame.wall)
  }

  #acknowledged(seq: number): void {
    if (this.#state !== "up" || this.#ackMode !== 0) return
    this.#theirs.broken()
    const letter = this.#outbox.acknowledge(seq)
    if (letter === undefined) return
    this.#commands.acknowledged(letter)
    this.#outbox.pump()
  }

  #consumed(frame: Ack): void {
    if (frame.boot !== this.#boot) return
    for (const letter of this.#outbox.acknowledgeUpTo(frame.last)) this.#commands.acknowledged(letter)
    this.#outbox.pump()
  }

  #flow(frame: Flow): void {
    const limits = this.#limits
    if (limits === undefined) return
    this.#limits = {
      frameBytesMax: limits.frameBytesMax,
      window: frame.window ?? limits.window,
      intervalMillis: frame.interval ?? limits.intervalMillis
    }
    this.#heartbeatMillis = frame.heartbeat ?? this.#heartbeatMillis
    this.#leaseMillis = frame.lease ?? this.#leaseMillis
    this.#watch()
    this.#outbox.limit(this.#limits)
  }

  #watch(): void {
    this.#own.watch(this.#pulseMillis)
    this.#theirs.watch(Math.max(this.#leaseMillis, 2 * this.#pulseMillis + heartbeatMillisMin))
  }

  /** What the cluster wants, within reason: a heartbeat without a pause would leave time for nothing else. */
  get #pulseMillis(): number {
    return Math.max(heartbeatMillisMin, this.#heartbeatMillis)
  }

  #heartbeat(): void {
    this.#send(
      {
        type: "heartbeat",
        seq: 0,
        up: Math.floor(this.#clock.board()),
        queued: this.#outbox.queued,
        dropped: this.#outbox.dropped,
        epoch: this.#epoch,
        ...this.#application.vitals?.()
      },
      0
    )
  }

  #send(frame: UpFrame, qos: 0 | 1 = 1, taken?: () => void): void {
    this.#put(encodeUp(frame), 0, qos, taken)
  }

  #put(bytes: Uint8Array, seq: number, qos: 0 | 1, taken?: () => void): void {
    this.#own.broken()
    this.#connection?.send(bytes, taken === undefined ? { seq, qos } : { seq, qos, taken })
  }

  #fall({ delay, why, server }: Downfall): void {
    const wasUp = this.#state === "up"
    this.#quiet()
    this.#leave(false)
    if (wasUp) {
      for (const letter of this.#outbox.close()) this.#commands.givenUp(letter)
      if (this.#clock.board() - this.#upAt >= steadyMillis) this.#backoff.reset()
    }
    const retryMillis = delay === "next" ? this.#backoff.next() : delay === "cap" ? this.#backoff.atCap() : delay
    const isRefused = delay === "cap" || why === "superseded"
    this.#step({ state: "down", why, retryMillis, ...(isRefused ? { isRefused } : {}) })
    this.#cancelStep = this.#clock.schedule(retryMillis, () => this.#open(server))
  }

  /** Forgets the connection: whatever it still says is not heard. */
  #leave(orderly: boolean): void {
    this.#session++
    this.#connection?.close(orderly)
    this.#connection = undefined
  }

  #quiet(): void {
    this.#cancelStep?.()
    this.#cancelStep = undefined
    this.#own.stop()
    this.#theirs.stop()
  }

  #step(step: LinkStep): void {
    this.#state = step.state
    this.#ports.observe?.(step)
  }
}
