/** What a board that takes images and runs programs brings to its agent. A board without it declines their frames. */
import type { Chunk, ImageAck, ImageOffer, ImageOp } from "../../src/protocol/frame/ImageFrames.ts"
import type {
  MailSend,
  MailTap,
  ProgramCtl,
  ValueGet,
  ValueSet,
  ValueWatch
} from "../../src/protocol/frame/ProgramFrames.ts"
import type { Application } from "./Application.ts"
import type {
  AnswerLetter,
  EventLetter,
  ImageStatusLetter,
  MailLetter,
  ProgramStatusLetter,
  ValueLetter
} from "./Letter.ts"

/** The answer to a request with a number; code 0 is done. */
export type Reply = Omit<AnswerLetter, "type" | "req">

/** State of a transfer or of the slots, before it is a letter. */
export type ImageState = Omit<ImageStatusLetter, "type" | "req">

/** A frame that says what the board holds of a transfer. */
export type Held = Omit<ImageAck, "type" | "seq">

/** What programs may say, linked or not: letters wait, the rest is lost when nobody listens. */
export interface ProgramVoice {
  readonly letter: (letter: ImageStatusLetter | ProgramStatusLetter | ValueLetter | MailLetter | EventLetter) => void
  readonly acknowledge: (held: Held) => void
  /** A line of a program's own output. `level` is a number of the protocol's levels. */
  readonly log: (level: number, text: string, program: string) => void
}

/** Programs and images of one boot of a board. Nothing here waits, and a request is answered by what its call returns. */
export interface Programs {
  /** Image kinds the board takes, for hello. */
  readonly kinds: ReadonlyArray<number>
  /** Boots what is kept. Called once, before the first link. */
  readonly start: () => void
  /** Ends; `orderly` while there is time to store what waits. */
  readonly stop: (orderly: boolean) => void
  /** Starts or resumes a transfer; answered by `acknowledge`. */
  readonly offer: (frame: ImageOffer) => void
  /** A piece of it; answered by `acknowledge`, at times for several. */
  readonly chunk: (frame: Chunk) => void
  readonly operate: (frame: ImageOp) => ImageState
  readonly control: (frame: ProgramCtl) => Reply
  readonly getValues: (frame: ValueGet) => Reply
  readonly setValue: (frame: ValueSet) => Reply
  readonly watchValue: (frame: ValueWatch) => Reply
  readonly sendMail: (frame: MailSend) => Reply
  readonly tapMail: (frame: MailTap) => Reply
  /** Names of the board's commands about its programs as a whole; none when absent. */
  readonly commands?: ReadonlySet<string>
  /** Runs a command that names a program, or one of these. */
  readonly execute: Application["execute"]
  /** Where the board's images stand, for a cluster that does not know. */
  readonly imageStates: () => ReadonlyArray<ImageState>
  /** All programs. */
  readonly programStatus: () => ProgramStatusLetter
}
