/** Frames of commands, and of what a board says of its own accord. */
import type { TwinValue } from "../TwinValue.ts"
import type { Down, Up } from "./Head.ts"

/** A command. */
export interface Invoke extends Down {
  readonly type: "invoke"
  readonly id: string
  readonly name: string
  readonly args?: TwinValue
  /** Life left when sent, 1…86 400 000. */
  readonly ttl: number
  /** Absent is the board itself. */
  readonly program?: string
  /** False when absent. */
  readonly idempotent?: boolean
  /** Id of the event that led to it, for logs. */
  readonly cause?: string
  readonly fence?: number
}

/** A command was accepted, or part of it is done. */
export interface Progress extends Up {
  readonly type: "progress"
  readonly id: string
  /** 0…1. */
  readonly done?: number
  /** For people. */
  readonly note?: string
}

/** End of a command; code 0 is done. */
export interface ResultFrame extends Up {
  readonly type: "result"
  readonly id: string
  readonly code: number
  readonly value?: TwinValue
  readonly detail?: string
  /** Run time. */
  readonly took?: number
  /** Answered from the board's journal; false when absent. */
  readonly again?: boolean
}

/** Asks to end a command early. */
export interface Cancel extends Down {
  readonly type: "cancel"
  readonly id: string
}

/** Names of the levels of events and log lines, by number. */
export const levels = ["error", "warn", "info", "debug", "trace"] as const

/** Something happened on the board. */
export interface EventFrame extends Up {
  readonly type: "event"
  readonly at?: number
  readonly name: string
  readonly data?: TwinValue
  /** A number of `levels`; 2 when absent. */
  readonly level?: number
  readonly program?: string
  /** Records lost before this one. */
  readonly dropped?: number
}

/** A line of text. */
export interface Log extends Up {
  readonly type: "log"
  readonly at?: number
  readonly level: number
  readonly text: string
  readonly program?: string
  readonly dropped?: number
}
