/** The dispatcher of a VSM: takes orders, has them done, and says what came of them. Its id is that of the VSM. */
import { Schema } from "effect"
import { Asker } from "../Asker.ts"
import * as Contract from "../Contract.ts"
import { HolonError } from "../Errors.ts"
import { Arguments, Capability, Intent, Targets } from "../intent/Intent.ts"
import { utteranceMax } from "../intent/Token.ts"
import { Priority } from "./Claim.ts"
import {
  Act,
  ActEnd,
  type Chunk,
  type Ended,
  lifeMillisMax,
  Meant,
  type Op,
  OpOutcome,
  OpRef,
  OpState,
  OpSummary,
  OpView,
  targetsMax
} from "./Op.ts"
import { Refusal } from "./Spawn.ts"
import { VsmId } from "./VsmId.ts"
import { VsmPath } from "./VsmState.ts"

const op = { op: OpRef }
const count = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))
const ends = Schema.Array(ActEnd).check(Schema.isMaxLength(targetsMax))
const read = { audience: "operator", capability: "vsm.read" } as const

/** What somebody wants done: words, or a capability with whom it is for. */
export const orderFields = {
  /** In the words of `holon ask`. */
  text: Schema.optionalKey(Schema.String.check(Schema.isMinLength(1), Schema.isMaxLength(utteranceMax))),
  capability: Schema.optionalKey(Capability),
  targets: Schema.optionalKey(Targets),
  args: Schema.optionalKey(Arguments),
  /** With a capability: the words that were understood as it, for who looks at the op later. */
  said: Schema.optionalKey(Schema.String.check(Schema.isMaxLength(utteranceMax))),
  /** A repeat of it by the same asker gets the order that the first one began. */
  idempotencyKey: Schema.optionalKey(Schema.String.check(Schema.isMinLength(1), Schema.isMaxLength(128))),
  priority: Schema.optionalKey(Priority),
  /** How long it may take, a minute unless said, ms. */
  lifeMillis: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: lifeMillisMax }))),
  /** Says what would be done, and does nothing. */
  dryRun: Schema.optionalKey(Schema.Boolean)
}

/** A page of ops that have ended: written once, and forgotten as a whole. */
export interface Page {
  readonly number: number
  readonly ended: ReadonlyArray<Ended>
  /** Where one stands, by its op and by the key it was given under. */
  readonly byOp: ReadonlyMap<string, Ended>
  readonly byKey: ReadonlyMap<string, Ended>
  /** Targets of all of them, and when the last one ended. */
  readonly chunks: number
  readonly endedAt: number
}

/** How often acts of a capability came to a good end here, and how often not. */
export const Tally = Schema.Struct({ done: count, failed: count })
export type Tally = typeof Tally.Type

/** What rests of a dispatcher. All maps but the last are by op. */
export interface DispatcherState {
  /** Those under way, oldest first. */
  readonly ops: ReadonlyMap<string, Op>
  /** What they consist of, once that is known, and what came of it so far. */
  readonly acts: ReadonlyMap<string, ReadonlyArray<Act>>
  readonly chunks: ReadonlyMap<string, ReadonlyArray<Chunk>>
  /** Those that ended last, oldest first, and pages of those before. */
  readonly recent: ReadonlyMap<string, Ended>
  readonly pages: ReadonlyArray<Page>
  /** By capability. */
  readonly tallies: ReadonlyMap<string, Tally>
}

const isDispatcherState = (value: unknown): value is DispatcherState =>
  typeof value === "object" && value !== null && "ops" in value && "pages" in value

/** The dispatcher: kind of the actor. */
export const Dispatcher = Contract.make("dispatcher", {
  about: "takes orders for the units of a VSM, and sees to it that each is carried out once and comes to one end",
  state: Schema.declare<DispatcherState>(isDispatcherState, { expected: "the state of a dispatcher" }),
  messages: {
    DispatchIntent: Contract.idempotent({
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
    }),

    Delegate: Contract.idempotent({
      payload: {
        /** The op as it is known below, and the one above that it is a part of. */
        op: OpRef,
        parent: OpRef,
        path: VsmPath,
        asker: Asker,
        intent: Schema.optionalKey(Intent),
        title: Schema.optionalKey(Schema.String),
        priority: Priority,
        until: Schema.Finite,
        acts: Schema.Array(Act).check(Schema.isMinLength(1), Schema.isMaxLength(targetsMax))
      },
      about: "the dispatcher above hands on what is to be done by units of this VSM; it is told Reported"
    }),
    CancelDelegated: Contract.idempotent({
      payload: op,
      creates: false,
      about: "the dispatcher above wants what it handed on no more"
    }),
    Reported: Contract.idempotent({
      payload: { op: OpRef, from: VsmId, ends, isEnded: Schema.Boolean },
      creates: false,
      about: "a dispatcher below says what came of acts that were handed to it"
    }),
    Progress: Contract.idempotent({
      payload: {
        op: OpRef,
        batch: count,
        ends,
        progress: Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 1 })),
        note: Schema.optionalKey(Schema.String.check(Schema.isMaxLength(256))),
        /** What the op was found to mean, where it does not know that itself yet. */
        meant: Schema.optionalKey(Meant)
      },
      creates: false,
      about: "how far the acts of an op are that are under way"
    })
  },
  events: {
    /** It was taken. Its capability is absent until a text is understood. */
    "op.started": Schema.Struct({
      op: OpRef,
      by: Schema.String,
      path: VsmPath,
      text: Schema.optionalKey(Schema.String),
      capability: Schema.optionalKey(Capability)
    }),
    "op.ended": Schema.Struct({
      op: OpRef,
      capability: Schema.optionalKey(Capability),
      outcome: OpOutcome,
      targets: Schema.Int,
      failed: Schema.Int,
      durationMillis: Schema.Finite,
      refusal: Schema.optionalKey(Refusal)
    })
  },
  audited: { "op.started": "command", "op.ended": "command" }
})
export type Dispatcher = typeof Dispatcher
