/** How the ends of tasks are told: error tokens in events, and the codes of the link. */
import { codes } from "../../../src/protocol/Codes.ts"
import type { FaultReason } from "../machine/ErrorWord.ts"
import type { TaskEnd } from "./Task.ts"

const tokens: Readonly<Record<FaultReason, string>> = {
  stackUnderflow: "stack_underflow",
  stackOverflow: "stack_overflow",
  memoryFault: "memory_fault",
  divisionByZero: "division_by_zero",
  illegalOpcode: "illegal_opcode",
  programCounterRange: "pc_out_of_range"
}

/** The name of a fault in events. */
export const faultToken = (reason: FaultReason): string => tokens[reason]

/** The end of a task that faulted. */
export const faultEnd = (reason: FaultReason, status: number): TaskEnd => ({
  status,
  code: reason === "stackOverflow" || reason === "stackUnderflow" ? codes.StackOverflow : codes.Trap,
  detail: tokens[reason]
})

/** The end of a task by its own will: good with 0, else failed with that number. */
export const returnedEnd = (status: number): TaskEnd =>
  status === 0 ? { status, code: codes.ok, detail: "" } : { status, code: codes.ExitCode, detail: `exit ${status | 0}` }
