/** The other end of a board's link, in the hands of a test: it hears what the board sends and says what the test wants. */
import { Agent, type LinkStep } from "../../../devices/agent/Agent.ts"
import type { Applied, Command, Execution, Voice } from "../../../devices/agent/Application.ts"
import type { AgentOptions } from "../../../devices/agent/Hello.ts"
import type { Journal } from "../../../devices/agent/Journal.ts"
import type { Programs, ProgramVoice } from "../../../devices/agent/Programs.ts"
import type {
  Carriage,
  CloseCause,
  Connection,
  ConnectionEvents,
  Opening,
  Transport
} from "../../../devices/agent/Transport.ts"
import type { DownFrame, UpFrame } from "../../../src/protocol/Frame.ts"
import { decodeUp, encodeDown } from "../../../src/protocol/FrameCodec.ts"
import type { Welcome } from "../../../src/protocol/frame/LinkFrames.ts"
import type { TwinMap, TwinPatch } from "../../../src/protocol/TwinValue.ts"
import { VirtualTime } from "../VirtualTime.ts"

const frameOf = (bytes: Uint8Array): UpFrame => {
  const decoded = decodeUp(bytes, 262_144)
  if (decoded._tag === "Failure") throw new Error(`the board sent ${Buffer.from(bytes).toString("hex")}`)
  return decoded.success
}

/** One connection as the peer sees it. */
export class Line implements Connection {
  readonly opening: Opening
  readonly events: ConnectionEvents
  readonly bytes: Array<Uint8Array> = []
  readonly carriages: Array<Carriage> = []
  closed: "orderly" | "cut" | undefined

  constructor(opening: Opening, events: ConnectionEvents) {
    this.opening = opening
    this.events = events
  }

  send(bytes: Uint8Array, carriage: Carriage): void {
    if (this.closed !== undefined) throw new Error("the board sends on a connection it has closed")
    this.bytes.push(bytes)
    this.carriages.push(carriage)
  }

  close(orderly: boolean): void {
    this.closed = orderly ? "orderly" : "cut"
  }

  get frames(): Array<UpFrame> {
    return this.bytes.map(frameOf)
  }

  /** What the board sent of one type. */
  of<T extends UpFrame["type"]>(type: T): Array<Extract<UpFrame, { readonly type: T }>> {
    return this.frames.filter((frame): frame is Extract<UpFrame, { readonly type: T }> => frame.type === type)
  }

  /** Numbers of what was sent, in order, repeats too. */
  get seqs(): Array<number> {
    return this.frames.map(({ seq }) => seq).filter((seq) => seq > 0)
  }

  say(frame: DownFrame): void {
    this.events.received(encodeDown(frame))
  }

  puback(...seqs: ReadonlyArray<number>): void {
    for (const seq of seqs) this.events.acknowledged(seq)
  }

  lose(cause: CloseCause = "lost"): void {
    this.closed = "cut"
    this.events.closed(cause)
  }
}

/** A welcome with the usual values. */
export const welcome = (fields: Partial<Welcome> = {}): Welcome => ({
  type: "welcome",
  epoch: 5,
  version: 1,
  last: 0,
  wall: 1_790_000_000_000,
  heartbeat: 10_000,
  lease: 25_000,
  rx: 65_536,
  window: 4,
  ackMode: 0,
  sync: 0,
  desired: 0,
  ...fields
})

/** What a test may set of its board. */
export interface RigOptions {
  readonly agent?: Partial<AgentOptions>
  readonly journal?: Journal
  readonly programs?: (voice: ProgramVoice) => Programs
  readonly random?: () => number
  readonly wall?: () => number | undefined
  readonly apply?: (delta: TwinPatch) => Applied
  readonly state?: () => TwinMap
  readonly boot?: number
  readonly time?: VirtualTime
}

/** A command the board executes. */
export interface Run {
  readonly command: Command
  readonly execution: Execution
  cancelled: boolean
}

/** A board on a scripted peer, in virtual time. */
export class Rig {
  readonly time: VirtualTime
  readonly lines: Array<Line> = []
  readonly steps: Array<LinkStep> = []
  readonly runs: Array<Run> = []
  readonly reports: Array<string> = []
  readonly agent: Agent
  voice: Voice

  constructor(options: RigOptions = {}) {
    this.time = options.time ?? new VirtualTime()
    const transport: Transport = {
      open: (opening, events) => {
        const line = new Line(opening, events)
        this.lines.push(line)
        return line
      }
    }
    let boot = options.boot ?? 7
    let voice: Voice | undefined
    this.agent = new Agent(
      { id: "press-1", profile: "sim-press", firmware: "1.0.0", rx: 65_536, requests: 8, ...options.agent },
      {
        clock: this.time.clock(options.random, options.wall),
        transport,
        nextBoot: () => boot++,
        report: (what) => this.reports.push(what),
        observe: (step) => this.steps.push(step),
        ...(options.journal === undefined ? {} : { journal: options.journal }),
        ...(options.programs === undefined ? {} : { programs: options.programs })
      },
      (given) => {
        voice = given
        return {
          execute: (command, execution) => {
            const run: Run = { command, execution, cancelled: false }
            this.runs.push(run)
            return {
              cancel: () => {
                run.cancelled = true
              },
              endsWithLife: command.name === "mortal"
            }
          },
          applyDesired: options.apply ?? ((delta) => ({ reported: delta })),
          state: options.state ?? (() => ({ led: "off" }))
        }
      }
    )
    if (voice === undefined) throw new Error("the agent gave its application no voice")
    this.voice = voice
  }

  /** The connection made last. */
  get line(): Line {
    const line = this.lines.at(-1)
    if (line === undefined) throw new Error("the board has opened no connection")
    return line
  }

  /** Starts the board and brings its link up. */
  up(fields: Partial<Welcome> = {}): Line {
    this.agent.start()
    return this.welcomed(fields)
  }

  /** Brings the connection made last up. */
  welcomed(fields: Partial<Welcome> = {}): Line {
    const line = this.line
    line.events.opened()
    line.say(welcome(fields))
    return line
  }

  /** Lets the backoff pass: the next connection is being opened. */
  reopen(): Line {
    while (this.agent.state === "down") this.time.step()
    return this.line
  }

  /** Loses the link and brings the next one up. */
  again(fields: Partial<Welcome> = {}): Line {
    this.line.lose()
    this.reopen()
    return this.welcomed({ epoch: this.agent.epoch + 1, ...fields })
  }
}
