/** What a board hands to its outbox: numbered frames before they have their number. */

import type { EventFrame, Progress, ResultFrame } from "../../src/protocol/frame/CommandFrames.ts"
import type { ImageStatus } from "../../src/protocol/frame/ImageFrames.ts"
import type { Answer, Mail, ProgramStatus, ValueFrame } from "../../src/protocol/frame/ProgramFrames.ts"
import type { DesiredAck, Report } from "../../src/protocol/frame/TwinFrames.ts"

type Unnumbered<F> = F extends { readonly seq: number } ? Omit<F, "seq"> : never

/** A report without its number. */
export type ReportLetter = Unnumbered<Report>

/** A result without its number. */
export type ResultLetter = Unnumbered<ResultFrame>

/** An event without its number. */
export type EventLetter = Unnumbered<EventFrame>

/** The state of a transfer or of the slots without its number. */
export type ImageStatusLetter = Unnumbered<ImageStatus>

/** The state of programs without its number. */
export type ProgramStatusLetter = Unnumbered<ProgramStatus>

/** Watched values without their number. */
export type ValueLetter = Unnumbered<ValueFrame>

/** A message of a tapped mailbox without its number. */
export type MailLetter = Unnumbered<Mail>

/** An answer to a request; it never gets a number. */
export type AnswerLetter = Unnumbered<Answer>

/** A frame that gets its number when it is first put on the wire. */
export type Letter =
  | ReportLetter
  | ResultLetter
  | EventLetter
  | Unnumbered<DesiredAck | Progress>
  | ImageStatusLetter
  | ProgramStatusLetter
  | ValueLetter
  | MailLetter

/** The first progress of a command: it asks whether the command may run, and must not be lost. */
export const asksToStart = (letter: Letter): boolean => letter.type === "progress" && letter.done === 0
