/** Commands every simulated board knows. */
import { codes } from "../../src/protocol/Codes.ts"
import { argument, type CommandRun } from "../agent/CommandTable.ts"
import type { Powered } from "./SimulatedApplication.ts"

/** Bounds of a `sleep` command, ms. */
const sleepMillisMax = 60_000

/** `ping`, `sleep` and `reboot`. */
export const commonCommands = ({ clock, shell }: Powered): Readonly<Record<string, CommandRun>> => ({
  /** Answers its arguments. */
  ping: ({ args }) => ({ code: codes.ok, value: args ?? "pong" }),
  /** Ends after `millis`; can be cancelled. */
  sleep: ({ args }, execution) => {
    const millis = argument(args, "millis")
    if (typeof millis !== "number") return { code: codes.EINVAL, detail: "millis is a number" }
    if (!(millis >= 0 && millis <= sleepMillisMax))
      return { code: codes.ERANGE, detail: `millis is 0…${sleepMillisMax}` }
    const cancel = clock.schedule(millis, () => execution.finish({ code: codes.ok, value: millis }))
    return {
      cancel: () => {
        cancel()
        execution.finish({ code: codes.ECANCELED })
      }
    }
  },
  /** The board restarts; the command itself never ends by a result unless a journal tells of it. */
  reboot: () => {
    clock.schedule(0, () => shell.reboot(1))
    return undefined
  }
})
