/** Why a machine stopped. */
import type { FaultReason } from "./ErrorWord.ts"

/**
 * Why `run` came back:
 * - `budget`: as many instructions as asked for were retired.
 * - `waiting`: a service has the program wait.
 * - `returned`: a return outside every call; `status` is R0 and the counter stays at the return.
 * - `exited`: a service ended the program; `status` is R0.
 * - `break`: a breakpoint instruction with its `code`, at `pc`; the machine stands behind it.
 * - `fault`: the instruction at `pc` could not be executed and changed nothing but R0; `status` is the error word.
 */
export type Stop =
  | { readonly kind: "budget" }
  | { readonly kind: "waiting" }
  | { readonly kind: "returned"; readonly status: number }
  | { readonly kind: "exited"; readonly status: number }
  | { readonly kind: "break"; readonly code: number; readonly pc: number }
  | { readonly kind: "fault"; readonly reason: FaultReason; readonly status: number; readonly pc: number }
