/** The frames of images, programs, values and mail between a board's link and its programs. */
import { codes } from "../../src/protocol/Codes.ts"
import type { DownFrame, UpFrame } from "../../src/protocol/Frame.ts"
import type { Chunk, ImageOffer, ImageOp } from "../../src/protocol/frame/ImageFrames.ts"
import { sync } from "../../src/protocol/frame/LinkFrames.ts"
import type {
  MailSend,
  MailTap,
  ProgramCtl,
  ValueGet,
  ValueSet,
  ValueWatch
} from "../../src/protocol/frame/ProgramFrames.ts"
import { AnswerMemory } from "./AnswerMemory.ts"
import type { ImageStatusLetter, Letter } from "./Letter.ts"
import type { Held, ImageState, Programs, ProgramVoice, Reply } from "./Programs.ts"

/** Answers that are remembered, for each request the board takes at a time. */
const answersPerRequest = 2

type Ask = ProgramCtl | ValueGet | ValueSet | ValueWatch | MailSend | MailTap

/** A frame that programs answer. */
export type ProgramFrame = ImageOffer | Chunk | ImageOp | Ask

/** Whether it is one. */
export const isProgramFrame = (frame: DownFrame): frame is ProgramFrame => {
  switch (frame.type) {
    case "image-offer":
    case "chunk":
    case "image-op":
    case "program-ctl":
    case "value-get":
    case "value-set":
    case "value-watch":
    case "mail-send":
    case "mail-tap":
      return true
    default:
      return false
  }
}

/** What the frames of programs get from their agent. */
export interface ProgramPorts {
  readonly push: (letter: Letter) => void
  /** Puts an unnumbered frame on the link, or loses it where there is none. */
  readonly send: (frame: UpFrame, qos: 0 | 1) => void
  readonly log: (level: number, text: string, program: string) => void
  /** A bug of the programs. */
  readonly report: (what: string, cause: unknown) => void
}

/** Hands frames to the programs of a board and their answers back. */
export class ProgramFrames {
  readonly #ports: ProgramPorts
  readonly #programs: Programs
  readonly #replies: AnswerMemory<Reply>
  readonly #states: AnswerMemory<ImageState>

  constructor(requests: number, ports: ProgramPorts, programs: (voice: ProgramVoice) => Programs) {
    this.#ports = ports
    this.#replies = new AnswerMemory(answersPerRequest * requests)
    this.#states = new AnswerMemory(answersPerRequest * requests)
    this.#programs = programs({
      letter: ports.push,
      acknowledge: (held) => this.#acknowledge(held),
      log: ports.log
    })
  }

  get programs(): Programs {
    return this.#programs
  }

  /** The board starts. One whose programs cannot be booted is linked all the same. */
  start(): void {
    try {
      this.#programs.start()
    } catch (cause) {
      this.#ports.report("the programs cannot be booted", cause)
    }
  }

  /** A frame arrived, for the first time or again. */
  take(frame: ProgramFrame): void {
    switch (frame.type) {
      case "image-offer":
        return this.#transfer(frame, () => this.#programs.offer(frame))
      case "chunk":
        return this.#transfer(frame, () => this.#programs.chunk(frame))
      case "image-op":
        return this.#operate(frame)
      default:
        return this.#ask(frame)
    }
  }

  /** A link is up; `bits` say what the cluster does not know. */
  welcomed(bits: number): void {
    if (bits & sync.imageStatus) {
      for (const state of this.#programs.imageStates()) this.#ports.push(letterOf(state))
    }
    if (bits & sync.programStatus) this.#ports.push(this.#programs.programStatus())
  }

  #acknowledge(held: Held): void {
    this.#ports.send({ type: "image-ack", seq: 0, ...held }, 0)
  }

  #transfer(frame: ImageOffer | Chunk, run: () => void): void {
    try {
      run()
    } catch (cause) {
      this.#ports.report(`${frame.type} of transfer ${frame.xfer} failed`, cause)
      this.#acknowledge({ xfer: frame.xfer, next: 0, state: 4, code: codes.Internal })
    }
  }

  #operate(frame: ImageOp): void {
    let state = this.#states.recall(frame)
    if (state === undefined) {
      try {
        state = this.#programs.operate(frame)
      } catch (cause) {
        this.#ports.report(`image-op ${frame.op} failed`, cause)
        state = { xfer: frame.xfer ?? 0, state: 4, code: codes.Internal }
      }
      this.#states.keep(frame, state)
    }
    this.#ports.push(letterOf(state, frame.req))
  }

  #ask(frame: Ask): void {
    let reply = this.#replies.recall(frame)
    if (reply === undefined) {
      try {
        reply = this.#replyOf(frame)
      } catch (cause) {
        this.#ports.report(`${frame.type} failed`, cause)
        reply = { code: codes.Internal }
      }
      this.#replies.keep(frame, reply)
    }
    this.#ports.send({ type: "answer", seq: 0, req: frame.req, ...reply }, 1)
  }

  #replyOf(frame: Ask): Reply {
    switch (frame.type) {
      case "program-ctl":
        return this.#programs.control(frame)
      case "value-get":
        return this.#programs.getValues(frame)
      case "value-set":
        return this.#programs.setValue(frame)
      case "value-watch":
        return this.#programs.watchValue(frame)
      case "mail-send":
        return this.#programs.sendMail(frame)
      case "mail-tap":
        return this.#programs.tapMail(frame)
    }
  }
}

const letterOf = (state: ImageState, req?: number): ImageStatusLetter => ({
  type: "image-status",
  ...state,
  ...(req === undefined ? {} : { req })
})
