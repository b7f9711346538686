/** What a supervisor hears of its quarantined actors. */
import { Schema } from "effect"
import * as Contract from "./Contract.ts"

/** One actor that was put into quarantine. `since`, ms since 1970, tells a later quarantine of it from this one. */
export const Quarantined = Schema.Struct({
  kind: Schema.String,
  id: Schema.String,
  since: Schema.Finite,
  cause: Schema.String
})
export type Quarantined = typeof Quarantined.Type

/** Name of the message in the contract of every kind that supervises. */
export const escalationTag = "Escalate"

/**
 * The message itself. It comes from each node at most once a second, with all that was quarantined there meanwhile, and
 * again with whatever the supervisor has not acknowledged: it may name an actor twice.
 */
export const Escalate = Contract.idempotent({
  payload: { actors: Schema.Array(Quarantined) },
  about: "names actors that were quarantined"
})
