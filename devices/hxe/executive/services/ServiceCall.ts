/** What a supervisor call has at hand: the program that calls, and the parts of the executive it may use. */
import type { Machine } from "../../machine/Machine.ts"
import type { ServiceResult } from "../../machine/Services.ts"
import type { Commands } from "../Commands.ts"
import type { Emit } from "../Events.ts"
import type { Mailboxes } from "../Mailboxes.ts"
import type { ProgramFiles } from "../ProgramFiles.ts"
import type { ProgramHal } from "../ProgramHal.ts"
import type { ProgramTimers } from "../ProgramTimers.ts"
import type { Task, Wait } from "../Task.ts"
import type { Values } from "../Values.ts"

/** The parts of the executive that calls use. */
export interface ServiceParts {
  readonly now: () => number
  readonly emit: Emit
  readonly mailboxes: Mailboxes
  readonly values: Values
  readonly commands: Commands
  readonly timers: ProgramTimers
  readonly hal: ProgramHal
  /** The files of a program, by its name; none on a board without files. */
  readonly filesOf: (program: string) => ProgramFiles | undefined
  /** Parks the calling task. */
  readonly park: (task: Task, wait: Wait) => void
  /** Runs a command of the calling task at once. */
  readonly runCommand: (task: Task, oid: number, token: string | undefined) => { status: number; result: number }
}

/** One call. */
export interface ServiceCall extends ServiceParts {
  readonly task: Task
  readonly machine: Machine
  /** Called by a command handler, which may not wait. */
  readonly isHandler: boolean
}

/** Bytes that cost a program as much as one instruction. */
const bytesPerInstruction = 16

/** Has a program pay with coming turns for bytes that a call moved, so that large calls take no time from others. */
export const chargeBytes = (task: Task, bytes: number): void => {
  task.debt += Math.floor(bytes / bytesPerInstruction)
}

/** The calls of one module. */
export type ServiceModule = (fn: number, call: ServiceCall) => ServiceResult

/** Writes results to R0, R1, … and lets the program go on. */
export const answer = (machine: Machine, ...results: ReadonlyArray<number>): ServiceResult => {
  for (const [index, result] of results.entries()) machine.setRegister(index, result)
  return "done"
}
