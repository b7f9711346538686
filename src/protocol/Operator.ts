/** What the world says to an operator, the actor of one account that comes in with a token. Its id is the account's name. */
import { Schema } from "effect"
import * as Contract from "./Contract.ts"

/** Acts that one refusal can name apart; what a flood tries beyond them is counted together. */
export const refusedActsMax = 16

/** One act that was refused for want of a right: once, or `count` times in the same way. Times are ms since 1970. */
export const RefusedAct = Schema.Struct({
  /** The right that it needs. */
  capability: Schema.String,
  /** The message or the operation, as `Invoke` or `pushImage`. */
  message: Schema.String,
  /** Whom or what it was for, as `device/press-1`. */
  target: Schema.String,
  count: Schema.Int.check(Schema.isGreaterThan(0)),
  first: Schema.Finite,
  last: Schema.Finite
})
export type RefusedAct = typeof RefusedAct.Type

/** Something that an operator has done which no actor does, such as a change of the patterns. */
export const Order = Schema.Struct({
  /** The right that it needs. */
  capability: Schema.String,
  /** The operation, as `PatternRemove`. */
  operation: Schema.String,
  /** What it is done to. */
  target: Schema.String.check(Schema.isMaxLength(4096)),
  /** What else there is to say of it. */
  said: Schema.optionalKey(Schema.Json)
})
export type Order = typeof Order.Type

/** Newest last. */
const Refusals = Schema.Struct({ refusals: Schema.Array(RefusedAct) })

/** The operator: kind of the actor that stands for one account. */
export const Operator = Contract.make("operator", {
  about: "one account that comes in with a token: what it was refused, and what it ordered that no actor does",
  state: Refusals,
  messages: {
    NoteRefusals: Contract.once({
      payload: { refusals: Schema.Array(RefusedAct).check(Schema.isMaxLength(refusedActsMax + 1)) },
      about: "a node has refused acts of this operator; each becomes an event"
    }),
    NoteOrder: Contract.once({
      payload: Order.fields,
      about: "this operator orders something that no actor does: it is done once this is durable"
    }),
    GetRefusals: Contract.query({
      success: Refusals,
      audience: "operator",
      capability: "operator.read",
      about: "what this operator was refused last, newest last"
    })
  },
  events: {
    /** An act was refused for want of a right. */
    "operator.refused": RefusedAct,
    /** Something was ordered that no actor does, and was about to be done. */
    "operator.ordered": Order
  },
  audited: {
    "operator.ordered": "change",
    "operator.refused": "security"
  }
})
export type Operator = typeof Operator
