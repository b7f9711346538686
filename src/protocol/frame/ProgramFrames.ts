/** Frames about the programs of a board: orders, states, values and mail. */
import type { TwinValue } from "../TwinValue.ts"
import type { Down, Up } from "./Head.ts"

/** Numbers of `ProgramCtl.op`. */
export const programOps = {
  list: 0,
  start: 1,
  stop: 2,
  pause: 3,
  resume: 4,
  kill: 5,
  restart: 6,
  remove: 7,
  eval: 8,
  /** Answered with what the program offers: values, commands and mailboxes. */
  describe: 9
} as const

/** An order about a program. */
export interface ProgramCtl extends Down {
  readonly type: "program-ctl"
  readonly req: number
  /** A number of `programOps`. */
  readonly op: number
  readonly program?: string
  readonly args?: TwinValue
  /** For a stop; 5000 when absent. */
  readonly grace?: number
}

/** State of one or of all programs. */
export interface ProgramStatus extends Up {
  readonly type: "program-status"
  readonly programs: ReadonlyArray<ProgramEntry>
  /** The list is complete; false when absent. */
  readonly all?: boolean
  readonly at?: number
}

/** One program as the board sees it. */
export interface ProgramEntry {
  readonly name?: string
  readonly state?: number
  readonly kind?: number
  /** Whole, or its first 8 bytes. */
  readonly sha256?: Uint8Array
  readonly version?: string
  readonly restarts?: number
  readonly exit?: number
  readonly code?: number
  /** 0…1. */
  readonly cpu?: number
  /** Bytes. */
  readonly mem?: number
  readonly up?: number
  readonly pid?: number
  readonly detail?: string
}

/** Number or name of a program's value. */
export type ValueId = number | string

/** Reads values of a program. */
export interface ValueGet extends Down {
  readonly type: "value-get"
  readonly req: number
  readonly program: string
  /** Absent is all. */
  readonly ids?: ReadonlyArray<ValueId>
}

/** Sets a value of a program. */
export interface ValueSet extends Down {
  readonly type: "value-set"
  readonly req: number
  readonly program: string
  readonly id: ValueId
  readonly value: number | string
  /** Authorisation level, 0…3. */
  readonly level?: number
}

/** Starts or ends the watch of a value. */
export interface ValueWatch extends Down {
  readonly type: "value-watch"
  readonly req: number
  readonly program: string
  readonly id: ValueId
  readonly on: boolean
  readonly epsilon?: number
  /** Least time between two values. */
  readonly rate?: number
}

/** Watched values. */
export interface ValueFrame extends Up {
  readonly type: "value"
  readonly program: string
  readonly values: ReadonlyArray<ValueSample>
}

/** One watched value. */
export interface ValueSample {
  readonly id: ValueId
  readonly value: number | string
  readonly at: number
}

/** Puts a message into a mailbox of a program. */
export interface MailSend extends Down {
  readonly type: "mail-send"
  readonly req: number
  readonly program?: string
  readonly target: string
  readonly data: Uint8Array
  readonly channel?: number
}

/** Starts or ends the tap of a mailbox. */
export interface MailTap extends Down {
  readonly type: "mail-tap"
  readonly req: number
  readonly program?: string
  readonly target: string
  readonly on: boolean
  /** Messages per second. */
  readonly rate?: number
}

/** A message of a tapped or exported mailbox. */
export interface Mail extends Up {
  readonly type: "mail"
  readonly program?: string
  readonly target: string
  readonly data: Uint8Array
  readonly flags?: number
  readonly channel?: number
  /** Process id of the sender. */
  readonly source?: number
  readonly at?: number
}

/** Answer to a request with `req`; code 0 is done. */
export interface Answer extends Up {
  readonly type: "answer"
  readonly req: number
  readonly code: number
  /** Of a value-get: one `[id, value, code]` for each id, value null where it could not be read. */
  readonly value?: TwinValue | ReadonlyArray<readonly [id: ValueId, value: TwinValue | null, code: number]>
  readonly detail?: string
}
