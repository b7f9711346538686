/** What of a machine a context switch saves. */

/** A machine but for its code, memory and registers. The registers of a task lie in its memory and stay there. */
export interface MachineContext {
  readonly pc: number
  readonly sp: number
  readonly psw: number
  readonly callDepth: number
  readonly registerBase: number
  readonly stackLimit: number
  readonly steps: number
}
