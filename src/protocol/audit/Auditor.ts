/** What the world says to an auditor: it chains what the units of its VSM did, were refused and decided. Its id is the VSM's. */
import { Schema } from "effect"
import * as Contract from "../Contract.ts"
import { HolonError } from "../Errors.ts"
import { VsmId } from "../vsm/VsmId.ts"

const count = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))

/** What an auditor remembers of its chain beside the tables: who rewrites them does not rewrite this. */
export const Witness = Schema.Struct({
  /** The last segment that it sealed, and the hash of its head, in hex. */
  segment: count,
  head: Schema.String
})
export type Witness = typeof Witness.Type

/** What rests of an auditor. Its chain rests in tables. */
const AuditorState = Schema.Struct({
  /** The time from which on it reads the journal, ms. */
  since: Schema.Finite,
  witness: Schema.optionalKey(Witness),
  /** Of the root's: the VSMs whose auditors it has begun. */
  begun: Schema.Array(VsmId)
})
export type AuditorState = typeof AuditorState.Type

/** How far an auditor is. */
export const AuditorView = Schema.Struct({
  since: Schema.Finite,
  witness: Schema.optionalKey(Witness),
  /** Records chained by this activation, and when it looked at the journal last, ms. */
  chained: count,
  lookedAt: Schema.optionalKey(Schema.Finite)
})
export type AuditorView = typeof AuditorView.Type

const seq = Schema.Int.check(Schema.isGreaterThanOrEqualTo(1))
const Reason = Schema.String.check(Schema.isMinLength(1), Schema.isMaxLength(256))

/** The auditor: kind of the actor. */
export const Auditor = Contract.make("auditor", {
  about: "chains what the units of a VSM did, were refused and decided, so that it can be proved",
  state: AuditorState,
  messages: {
    Begin: Contract.idempotent({
      payload: { since: Schema.Finite },
      about: "chain from now on, beginning with what was journalled at this time; one that has begun goes on as it does"
    }),
    GetProgress: Contract.query({
      success: AuditorView,
      audience: "operator",
      capability: "audit.read",
      about: "what it remembers of its chain, and when it looked last"
    }),
    Erase: Contract.once({
      payload: { seq, reason: Reason },
      success: Schema.Struct({ seq }),
      error: HolonError,
      audience: "operator",
      creates: false,
      capability: "audit.erase",
      about:
        "take away what a record says, such as what is known of a person: its hash stays, and so does a record of who had it taken away and why"
    })
  },
  events: {
    /** A payload is to be taken away. It is, in the transaction that chains this. */
    "audit.erased": Schema.Struct({ seq, reason: Reason })
  },
  audited: { "audit.erased": "policy" }
})
export type Auditor = typeof Auditor
