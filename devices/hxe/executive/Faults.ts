/** How the ends of tasks are told: error tokens in events, and the codes of the link. */
import { codes } from "../../../src/protocol/Codes.ts"
import type { Code } from "../machine/Code.ts"
import type { FaultReason } from "../machine/ErrorWord.ts"
import { opcodes } from "../machine/Opcodes.ts"
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

const hex = (number: number, digits: number): string => number.toString(16).toUpperCase().padStart(digits, "0")

const mnemonics: ReadonlyMap<number, string> = new Map(Object.entries(opcodes).map(([name, opcode]) => [opcode, name]))

/** What stands at an address of the code, as people look for it in a listing: `DIV at 0x10`. */
const placeOf = (pc: number, code: Code | undefined): string => {
  const address = `0x${hex(pc, 2)}`
  if (code === undefined || pc + 4 > code.length) return address
  const word = code.view.getUint32(pc)
  return `${mnemonics.get(word >>> 24) ?? `word ${hex(word, 8)}`} at ${address}`
}

/** The end of a task that faulted at `pc` of its code. The detail is its token, and behind a colon the instruction. */
export const faultEnd = (reason: FaultReason, status: number, pc: number, code: Code | undefined): TaskEnd => ({
  status,
  code: reason === "stackOverflow" || reason === "stackUnderflow" ? codes.StackOverflow : codes.Trap,
  // Where a program has left its code there is nothing to name.
  detail: `${tokens[reason]}:${placeOf(pc, reason === "programCounterRange" ? undefined : code)}`
})

/** The end of a task by its own will: good with 0, else failed with that number. */
export const returnedEnd = (status: number): TaskEnd =>
  status === 0 ? { status, code: codes.ok, detail: "" } : { status, code: codes.ExitCode, detail: `exit ${status | 0}` }
