/** Runs a command handler of a program in the midst of whatever the program does. */
import type { Machine } from "./Machine.ts"
import { registerCount } from "./MemoryMap.ts"
import type { Services } from "./Services.ts"
import type { Stop } from "./Stop.ts"

/** What a handler is called with. */
export interface HandlerCall {
  /** Byte offset of its first instruction. */
  readonly entry: number
  /** R0 at the start; R1 is 0, and the other registers hold whatever the program left there. */
  readonly argument: number
  /** Most instructions it may execute, its return among them. */
  readonly budget: number
}

/** How a handler ended. Only one that returned has a result; the stop of any other says what it did instead. */
export type HandlerResult =
  | { readonly kind: "returned"; readonly result: number }
  | { readonly kind: "failed"; readonly stop: Exclude<Stop, { readonly kind: "returned" }> }

/**
 * Runs a handler to its return on the program's own stack, then puts registers and context back, so that the program does
 * not see that it was interrupted. What the handler wrote to memory and the instructions it retired stay. It may run while a
 * service of the same machine is being called, or while the program waits.
 */
export const runHandler = (machine: Machine, call: HandlerCall, services: Services): HandlerResult => {
  const context = machine.saveContext()
  const registers = Array.from({ length: registerCount }, (_, index) => machine.register(index))
  machine.pc = call.entry
  machine.callDepth = 0
  machine.setRegister(0, call.argument)
  machine.setRegister(1, 0)
  const stop = machine.run(call.budget, services)
  machine.restoreContext({ ...context, steps: machine.steps })
  for (const [index, value] of registers.entries()) machine.setRegister(index, value)
  return stop.kind === "returned" ? { kind: "returned", result: stop.status } : { kind: "failed", stop }
}
