/** The dispatcher of a VSM: takes orders, has them done, and says what came of them. Its id is that of the VSM. */
import { Schema } from "effect"
import * as Contract from "../Contract.ts"
import { HolonError } from "../Errors.ts"
import { Arguments, Capability, Targets } from "../intent/Intent.ts"
import { utteranceMax } from "../intent/Token.ts"
import { OpId, Priority } from "./Claim.ts"
import { lifeMillisMax, OpOutcome, OpState, OpSummary, OpView } from "./Op.ts"

const op = { op: OpId }
const read = { audience: "operator", capability: "vsm.read" } as const

/** What somebody wants done: words, or a capability with whom it is for. */
export const orderFields = {
  /** In the words of `holon ask`. */
  text: Schema.optionalKey(Schema.String.check(Schema.isMinLength(1), Schema.isMaxLength(utteranceMax))),
  capability: Schema.optionalKey(Capability),
  targets: Schema.optionalKey(Targets),
  args: Schema.optionalKey(Arguments),
  /** A repeat of it by the same asker gets the order that the first one began. */
  idempotencyKey: Schema.optionalKey(Schema.String.check(Schema.isMinLength(1), Schema.isMaxLength(128))),
  priority: Schema.optionalKey(Priority),
  /** How long it may take, a minute unless said, ms. */
  lifeMillis: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: lifeMillisMax }))),
  /** Says what would be done, and does nothing. */
  dryRun: Schema.optionalKey(Schema.Boolean)
}

/** The dispatcher: kind of the actor. */
export const Dispatcher = Contract.make("dispatcher", {
  about: "takes orders for the units of a VSM, and sees to it that each is carried out once and comes to one end",
  state: Schema.Struct({ ops: Schema.ReadonlyMap(OpId, OpView) }),
  messages: {
    DispatchIntent: Contract.once({
      payload: orderFields,
      success: OpView,
      error: HolonError,
      audience: "operator",
      capability: "vsm.dispatch",
      about: "gives an order: words, or a capability with targets; WatchOp says what becomes of it"
    }),
    CancelOp: Contract.idempotent({
      payload: op,
      success: OpView,
      error: HolonError,
      audience: "operator",
      capability: "vsm.dispatch",
      creates: false,
      about: "withdraws what has not been begun, and asks boards to stop what has"
    }),
    OpStatus: Contract.query({ ...read, payload: op, success: OpView, error: HolonError, about: "one order" }),
    WatchOp: Contract.watch({
      ...read,
      payload: op,
      success: OpView,
      error: HolonError,
      about: "one order, again whenever it changes, until its state is ended"
    }),
    ListOps: Contract.query({
      ...read,
      payload: {
        state: Schema.optionalKey(OpState),
        limit: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 500 })))
      },
      success: Schema.Struct({ ops: Schema.Array(OpSummary) }),
      about: "orders under way and those that ended of late, newest first"
    })
  },
  events: {
    "op.started": Schema.Struct({ op: OpId, capability: Capability, targets: Schema.Int, by: Schema.String }),
    "op.ended": Schema.Struct({
      op: OpId,
      capability: Schema.optionalKey(Capability),
      outcome: OpOutcome,
      targets: Schema.Int,
      failed: Schema.Int,
      durationMillis: Schema.Finite
    })
  },
  audited: { "op.started": "command", "op.ended": "command" }
})
export type Dispatcher = typeof Dispatcher
