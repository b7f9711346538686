/** The clock a lease is judged by: it never steps, and it goes on while the process is stopped. */
import { Context } from "effect"

/** Milliseconds since some instant of this process. */
export const Monotonic: Context.Reference<() => number> = Context.Reference("holon/runtime/Monotonic", {
  defaultValue: () => () => performance.now()
})
