/** A decision that somebody may ask about later: a denial, or one with a duty. It has all that it was decided by. */
import { Schema } from "effect"
import { Decision } from "./Decision.ts"
import { PolicyRequest } from "./Request.ts"

/** See the file. Times are ms since 1970. */
export const NotedDecision = Schema.Struct({
  /** A UUIDv7, made by the node that decided. */
  id: Schema.String,
  at: Schema.Finite,
  /** Node that decided. */
  node: Schema.String,
  /** The message or the operation, and whom or what it was for, as `device/press-1`. */
  message: Schema.String,
  target: Schema.String,
  /** From the root to the VSM whose policies were asked. */
  path: Schema.Array(Schema.String),
  /** Facts are those that some policy asks for. */
  request: PolicyRequest,
  decision: Decision,
  /** How often the same was decided of the same since the last word about it. */
  count: Schema.Int.check(Schema.isGreaterThan(0))
})
export type NotedDecision = typeof NotedDecision.Type
