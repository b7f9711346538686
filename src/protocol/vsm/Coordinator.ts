/** The coordinator of a VSM: who may act on what for how long, whose turn it is, and who may turn a knob. Its id is that of the VSM. */
import { Schema } from "effect"
import * as Contract from "../Contract.ts"
import { HolonError } from "../Errors.ts"
import {
  ClaimState,
  ClaimView,
  holdMillisMax,
  OpId,
  Priority,
  Resource,
  SlotView,
  Wanted,
  waitMillisMax,
  wantedMax
} from "./Claim.ts"
import { KnobId, KnobState, KnobView, proposalFields, SetpointVerdict } from "./Knob.ts"
import { judgedFields, NodeStanding } from "./Vitals.ts"

const count = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))
const between = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))
const holdMillis = Schema.optionalKey(between(1, holdMillisMax))
const waitMillis = Schema.optionalKey(between(0, waitMillisMax))
const lease = Schema.String
const act = { error: HolonError, audience: "operator", capability: "vsm.coordinate" } as const
const known = { ...act, creates: false } as const
const read = { audience: "operator", capability: "vsm.read" } as const
const Topic = Schema.String.check(
  Schema.isPattern(/^[a-z0-9][a-z0-9._-]{0,63}$/, {
    expected: "lower-case letters, digits, dots, hyphens and underscores, at most 64, a letter or digit first"
  })
)

/** How a node stood when it was last heard of. */
export const NodeStood = Schema.Struct({ node: Schema.String, standing: NodeStanding, since: Schema.Finite })
export type NodeStood = typeof NodeStood.Type

const nodeFields = { node: Schema.String, address: Schema.String, why: Schema.Array(Schema.String), by: Schema.String }

/** What rests of a coordinator. */
export const CoordinatorState = Schema.Struct({
  /** The last fence that was given. */
  fence: count,
  /** The VSM has retired: nothing is claimed of it until one of its id begins. */
  isRetired: Schema.optionalKey(Schema.Boolean),
  claims: Schema.ReadonlyMap(Schema.String, ClaimView),
  slots: Schema.ReadonlyMap(Schema.String, SlotView),
  /** Virtual time of the queue, and where in it each topic last had a turn. */
  virtual: Schema.Finite,
  tags: Schema.ReadonlyMap(Schema.String, Schema.Finite),
  /** By unit and knob. */
  knobs: Schema.ReadonlyMap(Schema.String, KnobState),
  /** Nodes that did not always serve, by address: how each stands, and since when. */
  nodes: Schema.ReadonlyMap(Schema.String, NodeStood)
})
export type CoordinatorState = typeof CoordinatorState.Type

/** The coordinator: kind of the actor. */
export const Coordinator = Contract.make("coordinator", {
  about: "grants claims with fences, gives turns, and keeps controllers from fighting over a knob",
  state: CoordinatorState,
  messages: {
    Claim: Contract.idempotent({
      ...act,
      payload: {
        claims: Schema.Array(Wanted).check(Schema.isMinLength(1), Schema.isMaxLength(wantedMax)),
        /** What it is for; the id of the request when absent. */
        op: Schema.optionalKey(OpId),
        priority: Schema.optionalKey(Priority),
        /** How long it holds without being renewed; 30 s unless said. */
        holdMillis,
        /** How long it is waited for; not at all unless said. */
        waitMillis
      },
      success: ClaimView,
      about: "claims resources, all or none; WatchClaim says when one that waits is granted, and when it is lost"
    }),
    Renew: Contract.idempotent({
      ...known,
      payload: { lease },
      success: ClaimView,
      about: "holds a claim for as long again, from now"
    }),
    Release: Contract.idempotent({
      ...known,
      payload: { lease },
      success: ClaimView,
      about: "gives a claim back, or waits for it no longer"
    }),
    GetClaims: Contract.query({
      ...read,
      payload: { resource: Schema.optionalKey(Resource), state: Schema.optionalKey(ClaimState) },
      success: Schema.Struct({ claims: Schema.Array(ClaimView), fence: count }),
      about: "claims that are held or waited for, and those that ended within the last minute, oldest first"
    }),
    WatchClaim: Contract.watch({
      ...read,
      payload: { lease },
      success: Schema.NullOr(ClaimView),
      about: "one claim, again whenever it changes; null for one that is not known any more"
    }),
    ReserveSlot: Contract.once({
      ...act,
      payload: {
        topic: Topic,
        /** Share of its topic; 1 unless said. */
        weight: Schema.optionalKey(Schema.Finite.check(Schema.isBetween({ minimum: 0.1, maximum: 10 }))),
        holdMillis,
        waitMillis
      },
      success: SlotView,
      about: "asks for one of the eight turns, which topics get by their weights; WatchSlot says when it is there"
    }),
    ReleaseSlot: Contract.idempotent({
      ...known,
      payload: { slot: lease },
      success: SlotView,
      about: "gives a turn back, or waits for it no longer"
    }),
    WatchSlot: Contract.watch({
      ...read,
      payload: { slot: lease },
      success: Schema.NullOr(SlotView),
      about: "one turn, again whenever it changes; null for one that is not known any more"
    }),
    GetSlots: Contract.query({
      ...read,
      success: Schema.Struct({ slots: Schema.Array(SlotView) }),
      about: "turns that are held or waited for, oldest first"
    }),
    ProposeSetpoint: Contract.once({
      ...act,
      payload: proposalFields,
      success: SetpointVerdict,
      about: "a controller wants to turn a knob; it is told to what it may, and how much it had better want"
    }),
    GetKnobs: Contract.query({
      ...read,
      payload: { unit: Schema.optionalKey(KnobId.fields.unit) },
      success: Schema.Struct({ knobs: Schema.Array(KnobView) }),
      about: "knobs that were turned of late: reversals, amplitude, period, and which are held back"
    }),
    Retired: Contract.idempotent({ about: "the VSM has retired: whatever was claimed of it is given back" }),
    Begun: Contract.idempotent({ about: "a VSM of an id that has retired begins: it has units again" }),
    NodeJudged: Contract.idempotent({
      payload: judgedFields,
      about: "a node was taken out of service, or came back; the coordinator of the root hears of it"
    })
  },
  events: {
    /** A stronger claim took what this one had. */
    "claim.wounded": Schema.Struct({ lease, op: Schema.String, by: Schema.String, lostTo: Schema.String }),
    /** Its holder did not renew it. */
    "claim.expired": Schema.Struct({ lease, op: Schema.String, by: Schema.String }),
    "slot.expired": Schema.Struct({ slot: lease, topic: Schema.String, by: Schema.String }),
    /** A knob oscillated and is held back. */
    "knob.damped": Schema.Struct({
      ...KnobId.fields,
      owner: Schema.String,
      gain: Schema.Finite,
      reversals: Schema.Int,
      amplitude: Schema.Finite,
      opposing: Schema.Int
    }),
    "knob.freed": KnobId,
    /** It was held back three times within ten minutes. `intensity` is how much that hurts, 0 to 1. */
    "knob.oscillating": Schema.Struct({ ...KnobId.fields, owner: Schema.String, intensity: Schema.Finite }),
    /** Its peers took it out of service: it lives, and does not work. The record of how it was is all that is left to look into it. */
    "node.quarantined": Schema.Struct(judgedFields),
    /** It lives and does not work, and serves on because too few would be left: a person decides. */
    "node.zombie": Schema.Struct(judgedFields),
    /** A person took it out of service. */
    "node.excluded": Schema.Struct(nodeFields),
    /** Nobody has anything against it any more; it does trial jobs for a minute. */
    "node.probation": Schema.Struct(nodeFields),
    /** It serves again. */
    "node.readmitted": Schema.Struct(nodeFields)
  },
  audited: {
    "node.quarantined": "security",
    "node.zombie": "security",
    "node.excluded": "security",
    "node.readmitted": "security"
  }
})
export type Coordinator = typeof Coordinator
