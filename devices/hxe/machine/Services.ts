/** What a program can ask of whoever runs it. */
import type { Machine } from "./Machine.ts"

/**
 * How a supervisor call ended:
 * - `done`: the program goes on; results stand in its registers.
 * - `unknown`: there is no such call; the machine writes `errorWords.unknownCall` to R0 and goes on.
 * - `exit`: the program ends; its status is what R0 holds.
 * - `waiting`: the program waits. The call counts as executed; whoever wakes it writes its results with `setRegister` and
 *   calls `run` again.
 */
export type ServiceResult = "done" | "unknown" | "exit" | "waiting"

/** The supervisor calls of a machine. */
export interface Services {
  /**
   * Called with the machine as the call finds it: `pc` behind the instruction, `steps` without it. It may read and write
   * registers, memory and flags, and may run a command handler on the same machine.
   */
  readonly call: (module: number, fn: number, machine: Machine) => ServiceResult
}

/** Services that know no call. */
export const noServices: Services = { call: () => "unknown" }
