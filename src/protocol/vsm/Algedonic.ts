/** The algedonic channel of a VSM: its id is that of the VSM. What hurts below comes in here, whatever else stands still. */
import { Schema } from "effect"
import * as Contract from "../Contract.ts"
import { HolonError } from "../Errors.ts"
import { Acknowledgement, CareLevel, Feeling, Filter, Metric, Signal, Source, Thresholds } from "./Signal.ts"
import { VsmId } from "./VsmId.ts"
import { VsmPath } from "./VsmState.ts"

const Action = Schema.String.check(Schema.isMaxLength(512))
const SignalId = Schema.String.check(
  Schema.isPattern(/^[a-z0-9][a-z0-9-]{0,62}\.[0-9]{1,15}$/, { expected: "the id of a signal, as line-1.17" })
)
const act = { error: HolonError, audience: "operator", creates: false } as const

/** Filters and thresholds of one channel, at most. */
export const settingsMax = 32

/** What rests of a channel. */
export const AlgedonicState = Schema.Struct({
  /** From the root to the VSM; absent until it has said so. */
  path: Schema.optionalKey(VsmPath),
  /** Number of the last signal that was felt here. */
  last: Schema.Int,
  signals: Schema.ReadonlyMap(Schema.String, Signal),
  /** By metric, where people have set them. */
  thresholds: Schema.Record(Metric, Thresholds),
  filters: Schema.Array(Filter),
  /** The worst that the VSM was told of, and when it is told again. */
  saidPain: Schema.optionalKey(Schema.Finite),
  sayAt: Schema.optionalKey(Schema.Finite)
})
export type AlgedonicState = typeof AlgedonicState.Type

/** What people see of it, worst first. */
export const ChannelView = Schema.Struct({
  vsm: VsmId,
  path: Schema.optionalKey(VsmPath),
  signals: Schema.Array(Signal),
  thresholds: Schema.Record(Metric, Thresholds),
  filters: Schema.Array(Filter)
})
export type ChannelView = typeof ChannelView.Type

const felt = {
  signal: Schema.String,
  source: Schema.String,
  metric: Schema.String,
  intensity: Schema.Finite,
  count: Schema.Int,
  ids: Schema.Array(Schema.String)
}

/** The channel: kind of the actor. */
export const Algedonic = Contract.make("algedonic", {
  about: "takes in what hurts in a VSM and does not rest until somebody takes care of it",
  state: AlgedonicState,
  messages: {
    GetSignals: Contract.query({
      success: ChannelView,
      audience: "operator",
      capability: "signal.read",
      about: "the signals that it keeps, the worst first, with its thresholds and filters"
    }),
    Watch: Contract.watch({
      success: ChannelView,
      audience: "operator",
      capability: "signal.read",
      about: "as GetSignals, again whenever that changes"
    }),
    Raise: Contract.once({
      ...act,
      payload: Feeling.fields,
      success: Schema.NullOr(Signal),
      capability: "signal.raise",
      about: "somebody says that something hurts, or does good; null where it does not hurt at all"
    }),
    Ack: Contract.once({
      ...act,
      payload: { signal: SignalId, level: Schema.optionalKey(CareLevel), action: Action },
      success: Signal,
      capability: "signal.ack",
      about: "somebody takes care of it: nobody else is asked, unless it becomes worse"
    }),
    Resolve: Contract.once({
      ...act,
      payload: { signal: SignalId },
      success: Signal,
      capability: "signal.ack",
      about: "it is over; what is felt from now on is a new signal"
    }),
    SetThresholds: Contract.idempotent({
      ...act,
      payload: { metric: Metric, thresholds: Schema.NullOr(Thresholds) },
      success: ChannelView,
      capability: "signal.govern",
      about: "says from where on a metric hurts; those that have a threshold may only be made more sensitive"
    }),
    SetFilter: Contract.idempotent({
      ...act,
      payload: Filter.fields,
      success: ChannelView,
      capability: "signal.govern",
      about: "weaker pains of a metric ask nobody; 0 takes the filter away, and agony passes every one"
    }),

    Placed: Contract.idempotent({ payload: { path: VsmPath }, about: "the VSM stands there in the tree" }),
    Feel: Contract.idempotent({ payload: Feeling.fields, about: "something hurts, does good, or is over" }),
    Tend: Contract.idempotent({
      payload: { source: Source, metric: Metric, action: Action },
      creates: false,
      about: "the VSM itself takes care of what is felt there"
    }),
    Climb: Contract.idempotent({
      payload: {
        child: VsmId,
        hops: Schema.Int,
        signal: Signal,
        /** All above were told by who feels it: it need not be passed on. */
        isToAll: Schema.optionalKey(Schema.Boolean)
      },
      about: "nobody below has taken care of it in time, or it is too strong to wait"
    }),
    Acked: Contract.idempotent({
      payload: { signal: SignalId, ack: Acknowledgement, teller: VsmId },
      creates: false,
      about: "somebody above or below takes care of it"
    }),
    Resolved: Contract.idempotent({
      payload: { signal: SignalId },
      creates: false,
      about: "it is over, above or below"
    })
  },
  events: {
    /** A signal was opened, or opened again because it became worse. */
    "algedonic.felt": Schema.Struct({ ...felt, valence: Schema.String, ackBy: Schema.optionalKey(Schema.Finite) }),
    /** The next one is asked. */
    "algedonic.climbed": Schema.Struct({ ...felt, to: Schema.String }),
    /** A person is asked; again, after longer and longer, until one has acknowledged it. */
    "algedonic.person-called": Schema.Struct({ ...felt, calls: Schema.Int, path: Schema.Array(VsmId) }),
    "algedonic.acknowledged": Schema.Struct({
      ...felt,
      by: Schema.String,
      level: Schema.String,
      action: Schema.String
    }),
    /** `why` is `resolved` by somebody, `over` by itself, or `quiet` after it was taken care of. */
    "algedonic.resolved": Schema.Struct({ ...felt, why: Schema.Literals(["resolved", "over", "quiet"]) }),
    /** More hurts than is kept apart: the weakest of it stands as one signal. */
    "algedonic.flooded": Schema.Struct(felt),
    "algedonic.set": Schema.Struct({ metric: Schema.String })
  },
  audited: {
    "algedonic.acknowledged": "decision",
    "algedonic.resolved": "decision",
    "algedonic.set": "policy"
  }
})
export type Algedonic = typeof Algedonic
