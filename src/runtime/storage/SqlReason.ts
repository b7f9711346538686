/** What PostgreSQL or the connection to it said, as one sentence: the error of the client only says that a query failed. */

const maxDepth = 8

const inner = (cause: unknown): unknown => {
  if (typeof cause !== "object" || cause === null) return undefined
  // Node tries every address of a name and reports them together, without a message of their own.
  if (cause instanceof AggregateError) return cause.errors[0]
  if ("reason" in cause && typeof cause.reason === "object") return cause.reason
  return "cause" in cause ? cause.cause : undefined
}

const said = (cause: unknown): string => {
  if (typeof cause === "string") return cause
  if (typeof cause !== "object" || cause === null) return ""
  return "message" in cause && typeof cause.message === "string" ? cause.message : ""
}

/** The innermost message of an error and its causes. */
export const sqlReason = (error: unknown): string => {
  let found = ""
  let cause = error
  for (let depth = 0; depth < maxDepth && cause !== undefined; depth++) {
    found = said(cause) || found
    cause = inner(cause)
  }
  return found === "" ? String(error) : found
}
