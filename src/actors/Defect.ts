/** Reports of defects: who is answered `Internal` finds the cause in the log by its trace id. */
import type { Host } from "./Host.ts"

/** Reports a defect; answers the trace id it stands under. */
export const reportDefect = (host: Host, what: string, cause: unknown): string => {
  const traceId = Math.floor(host.random() * 2 ** 48)
    .toString(16)
    .padStart(12, "0")
  host.report(`${what}, trace ${traceId}`, cause)
  return traceId
}
