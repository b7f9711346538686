/** The states of one transfer of an image to this board, as a table: what is not in it does not happen. */
import { Result } from "effect"

/** The states by their number in load PDUs. Both are on boards: they are for ever. */
export const transferStateCodes = {
  IDLE: 0,
  LOADING: 1,
  VERIFY: 2,
  READY: 3,
  FAILED: 4,
  ABORTING: 5
} as const

/** Where a transfer stands. A transfer that is not there is IDLE. */
export type TransferState = keyof typeof transferStateCodes

/** All states, in the order of their numbers. */
export const transferStates: ReadonlyArray<TransferState> = ["IDLE", "LOADING", "VERIFY", "READY", "FAILED", "ABORTING"]

/** What moves a transfer. */
export type TransferTrigger =
  /** Somebody starts a transfer, or loads a whole file. */
  | "begin"
  /** A chunk was taken. */
  | "write"
  /** A chunk shows that the image is of no use. */
  | "writeRejected"
  /** More bytes than were announced, or than the board takes. */
  | "overflow"
  /** More sequence gaps than are tolerated. */
  | "gapsExceeded"
  /** The timer of the state ran out. */
  | "timeout"
  /** The sender says that all was sent. */
  | "end"
  /** The program is registered. */
  | "verified"
  /** A check of the whole image failed. */
  | "verifyFailed"
  /** Somebody gives the transfer up. */
  | "abort"
  /** Everything an aborted transfer held is free. */
  | "cleaned"
  /** A failed transfer lingered long enough. */
  | "purge"
  /** The program lives on; its transfer is over. */
  | "close"

/** All triggers. */
export const transferTriggers: ReadonlyArray<TransferTrigger> = [
  "begin",
  "write",
  "writeRejected",
  "overflow",
  "gapsExceeded",
  "timeout",
  "end",
  "verified",
  "verifyFailed",
  "abort",
  "cleaned",
  "purge",
  "close"
]

const table: Readonly<Record<TransferState, Readonly<Partial<Record<TransferTrigger, TransferState>>>>> = {
  IDLE: { begin: "LOADING" },
  LOADING: {
    write: "LOADING",
    writeRejected: "FAILED",
    overflow: "FAILED",
    gapsExceeded: "FAILED",
    timeout: "FAILED",
    end: "VERIFY",
    abort: "ABORTING"
  },
  // Once registration has begun it runs to its end within one step, so an abort never meets half a program.
  VERIFY: { verified: "READY", verifyFailed: "FAILED", timeout: "FAILED", abort: "ABORTING" },
  READY: { close: "IDLE" },
  FAILED: { purge: "IDLE", abort: "ABORTING" },
  ABORTING: { cleaned: "IDLE" }
}

/** A trigger that the state does not know: answered EBUSY, and nothing changes. */
export interface TransitionRefused {
  readonly state: TransferState
  readonly trigger: TransferTrigger
}

/** The state after the trigger, or the refusal that leaves everything as it is. */
export const nextTransferState = (
  state: TransferState,
  trigger: TransferTrigger
): Result.Result<TransferState, TransitionRefused> => {
  const next = table[state][trigger]
  return next === undefined ? Result.fail({ state, trigger }) : Result.succeed(next)
}
