/** What a board hands to its outbox: numbered frames before they have their number. */
import type {
  DesiredAck,
  EventFrame,
  ImageStatus,
  ProgramStatus,
  Progress,
  Report,
  ResultFrame
} from "../../src/protocol/Frame.ts"

type Unnumbered<F> = F extends { readonly seq: number } ? Omit<F, "seq"> : never

/** A report without its number. */
export type ReportLetter = Unnumbered<Report>

/** A result without its number. */
export type ResultLetter = Unnumbered<ResultFrame>

/** An event without its number. */
export type EventLetter = Unnumbered<EventFrame>

/** A frame that gets its number when it is first put on the wire. */
export type Letter = Unnumbered<Report | DesiredAck | Progress | ResultFrame | EventFrame | ImageStatus | ProgramStatus>

/** The first progress of a command: it asks whether the command may run, and must not be lost. */
export const asksToStart = (letter: Letter): boolean => letter.type === "progress" && letter.done === 0
