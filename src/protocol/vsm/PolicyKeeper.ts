/** The keeper of the policies of a VSM: its id is that of the VSM. What it says is in force becomes an epoch that all nodes decide by. */
import { Schema } from "effect"
import * as Contract from "../Contract.ts"
import { HolonError } from "../Errors.ts"
import { NotedDecision } from "../policy/NotedDecision.ts"
import { PolicyName } from "../policy/Policy.ts"
import { Zone } from "../Zone.ts"
import { PolicyState, PolicyView, Tally } from "./PolicyView.ts"
import { VsmId } from "./VsmId.ts"

const count = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))
const instant = Schema.Finite
const version = Schema.optionalKey(Schema.Int.check(Schema.isGreaterThan(0)))
const act = { error: HolonError, audience: "operator" } as const
const known = { ...act, creates: false } as const
const read = { audience: "operator", capability: "policy.read" } as const

/** Bytes of the text of a policy. */
export const sourceMax = 65_536
/** Decisions of one message. */
export const decisionsMax = 32
const Source = Schema.String.check(Schema.isMinLength(1), Schema.isMaxLength(sourceMax))
const Reason = Schema.String.check(Schema.isMaxLength(512))
/** How long a trial takes: a minute where nothing is said, ms. */
const TrialMillis = Schema.Int.check(Schema.isBetween({ minimum: 1000, maximum: 3_600_000 }))

/** What must be made known to all nodes: written down with the change, and gone once it is known. */
export const Publication = Schema.Struct({
  /** Counts what this keeper has made known. */
  revision: count,
  /** When it is to be in force, at the earliest. */
  at: instant,
  /** Keys of the policies that it is about. */
  rows: Schema.Array(Schema.String)
})
export type Publication = typeof Publication.Type

/** What rests of a keeper. */
export const PolicyKeeperState = Schema.Struct({
  /** By name and version. */
  policies: Schema.ReadonlyMap(Schema.String, PolicyView),
  revision: count,
  /** The epoch that it has made last. */
  epoch: count,
  pending: Schema.optionalKey(Publication)
})
export type PolicyKeeperState = typeof PolicyKeeperState.Type

/** The policies of a VSM, by name and version. */
export const PolicyList = Schema.Struct({
  vsm: VsmId,
  /** The epoch that it has made last. */
  epoch: count,
  policies: Schema.Array(PolicyView)
})
export type PolicyList = typeof PolicyList.Type

const changed = { name: PolicyName, version: count, by: Schema.String }
const inForce = { ...changed, epoch: count, from: instant }

/** The keeper: kind of the actor. */
export const PolicyKeeper = Contract.make("policy", {
  about: "keeps the policies of a VSM: staged, approved, tried, in force, taken back",
  state: PolicyKeeperState,
  messages: {
    GetPolicies: Contract.query({
      ...read,
      payload: { state: Schema.optionalKey(PolicyState) },
      success: PolicyList,
      about: "its policies, the newest version of each name, or all versions that are in one state"
    }),
    GetPolicy: Contract.query({
      ...read,
      payload: { name: PolicyName, version },
      success: PolicyView,
      error: HolonError,
      about: "one policy, its newest version where none is said"
    }),
    Watch: Contract.watch({
      ...read,
      payload: { name: PolicyName, version },
      success: Schema.NullOr(PolicyView),
      about: "as GetPolicy, again whenever that changes; null for one that is not known"
    }),
    Stage: Contract.once({
      ...act,
      payload: { source: Source },
      success: PolicyView,
      capability: "policy.write",
      about: "adds a version of a policy that waits to be activated; Watch shows its impact once that is known"
    }),
    Approve: Contract.once({
      ...known,
      payload: { name: PolicyName, version },
      success: PolicyView,
      capability: "policy.approve",
      about: "agrees to a staged policy; one that moves things needs two people"
    }),
    Activate: Contract.once({
      ...known,
      payload: {
        name: PolicyName,
        version,
        /** When it is in force; as soon as all nodes can know of it when absent. */
        at: Schema.optionalKey(instant),
        /** It is tried in these zones first. */
        canaryZones: Schema.optionalKey(Schema.NonEmptyArray(Zone).check(Schema.isMaxLength(16))),
        canaryMillis: Schema.optionalKey(TrialMillis)
      },
      success: PolicyView,
      capability: "policy.activate",
      about: "puts a staged policy into force, on all nodes at one instant; Watch shows when"
    }),
    Rollback: Contract.once({
      ...known,
      payload: { name: PolicyName, toVersion: version, reason: Schema.optionalKey(Reason) },
      success: PolicyView,
      capability: "policy.activate",
      about: "takes a policy back: for its version before, or the one that is named"
    }),
    Withdraw: Contract.once({
      ...known,
      payload: { name: PolicyName, reason: Schema.optionalKey(Reason) },
      success: PolicyView,
      capability: "policy.activate",
      about: "ends a policy, staged or in force; nothing takes its place"
    }),

    Found: Contract.idempotent({
      about: "brings the keeper of the root into being, with the policy that allows everything"
    }),
    Deploy: Contract.once({
      payload: { source: Source, mitigation: Schema.String, answerTo: VsmId },
      error: HolonError,
      about:
        "the immune system puts a policy of class immune into force; its actor `immune` is told PolicyDeployed or PolicyRefused"
    }),
    Revoke: Contract.once({
      ...known,
      audience: "internal",
      payload: { name: PolicyName, reason: Reason },
      about: "the immune system ends a policy of class immune"
    }),
    NoteDecisions: Contract.once({
      payload: { decisions: Schema.Array(NotedDecision).check(Schema.isMaxLength(decisionsMax)) },
      about: "a node has denied acts, or let them through with a duty; each becomes an event"
    }),
    NoteTrial: Contract.idempotent({
      payload: {
        node: Schema.String,
        name: PolicyName,
        version: count,
        /** All that the node has counted of this trial. */
        tried: Tally,
        before: Tally,
        rest: Tally
      },
      creates: false,
      about: "what a node has counted of a trial so far"
    })
  },
  events: {
    "policy.staged": Schema.Struct({ ...changed, class: Schema.String, needs: count }),
    "policy.approved": Schema.Struct(changed),
    "policy.activated": Schema.Struct(inForce),
    "policy.trial-begun": Schema.Struct({ ...inForce, zones: Schema.Array(Zone), until: instant }),
    /** It was taken back by itself, `by` is `canary`, or by somebody. */
    "policy.rolled-back": Schema.Struct({ ...changed, reason: Schema.String, toVersion: Schema.optionalKey(count) }),
    "policy.withdrawn": Schema.Struct({ ...changed, reason: Schema.String }),
    "policy.expired": Schema.Struct({ name: PolicyName, version: count }),
    /** An act was denied by policies. */
    "policy.denied": NotedDecision,
    /** An act was let through, with a duty. */
    "policy.obliged": NotedDecision
  },
  audited: {
    "policy.staged": "policy",
    "policy.approved": "policy",
    "policy.activated": "policy",
    "policy.trial-begun": "policy",
    "policy.rolled-back": "policy",
    "policy.withdrawn": "policy",
    "policy.expired": "policy",
    "policy.denied": "policy",
    "policy.obliged": "policy"
  }
})
export type PolicyKeeper = typeof PolicyKeeper
