/** The immune system of a VSM: its id is that of the VSM. It weighs what speaks against somebody, and turns away who means harm. */
import { Schema } from "effect"
import * as Contract from "../Contract.ts"
import { HolonError } from "../Errors.ts"
import {
  Bar,
  Efficacy,
  Incident,
  Mitigation,
  MitigationState,
  proofsMax,
  Sign,
  SignKind,
  Stage,
  Subject,
  Suspect,
  signsMax,
  Template,
  Terms,
  ThreatsView,
  Ttl
} from "./Threat.ts"

const MitigationId = Schema.String.check(
  Schema.isPattern(/^[a-z0-9][a-z0-9-]{0,62}\.[0-9]{1,15}$/, { expected: "the id of a mitigation, as root.17" })
)
const Reason = Schema.String.check(Schema.isMinLength(1), Schema.isMaxLength(200))
const act = { error: HolonError, audience: "operator", capability: "threat.govern", creates: false } as const
const judged = {
  /** The subject had done no harm: the same evidence counts for half from now on. */
  isFalseAlarm: Schema.optionalKey(Schema.Boolean)
}

/** What rests of an immune system. */
export const ImmuneState = Schema.Struct({
  /** Number of the last mitigation. */
  last: Schema.Int,
  suspects: Schema.ReadonlyMap(Schema.String, Suspect),
  mitigations: Schema.ReadonlyMap(Schema.String, Mitigation),
  terms: Terms,
  efficacies: Schema.Record(Schema.String, Efficacy),
  /** By signature: by how much less its evidence counts. */
  discounts: Schema.Record(Schema.String, Schema.Finite),
  incidents: Schema.Array(Incident),
  /** How far it has read the event stream; absent until it was told to begin, and for all but the root's. */
  cursor: Schema.optionalKey(Schema.String),
  /** It reads the event stream for all VSMs. */
  isReading: Schema.Boolean
})
export type ImmuneState = typeof ImmuneState.Type

const done = {
  mitigation: Schema.String,
  subject: Subject,
  template: Template,
  level: Schema.Finite,
  signature: Schema.String,
  reason: Schema.String,
  by: Schema.String,
  ids: Schema.Array(Schema.String)
}

/** The immune system: kind of the actor. */
export const Immune = Contract.make("immune", {
  about: "weighs what speaks against somebody, and turns away who means harm, for a time and within safe bounds",
  state: ImmuneState,
  messages: {
    GetThreats: Contract.query({
      success: ThreatsView,
      audience: "operator",
      capability: "threat.read",
      about: "who is suspected of what, the gravest first, and what is done about it, the newest first"
    }),
    Watch: Contract.watch({
      success: ThreatsView,
      audience: "operator",
      capability: "threat.read",
      about: "as GetThreats, again whenever that changes"
    }),
    Report: Contract.once({
      payload: {
        subject: Subject,
        reason: Reason,
        /** How much it speaks against the subject: 0.5, the most, has it watched. */
        weight: Schema.Finite.check(Schema.isBetween({ minimum: 0.01, maximum: 0.5 })),
        ids: Schema.optionalKey(
          Schema.Array(Schema.String.check(Schema.isMaxLength(64))).check(Schema.isMaxLength(proofsMax))
        )
      },
      error: HolonError,
      audience: "operator",
      capability: "threat.report",
      creates: false,
      about: "a person or a pattern says that something speaks against somebody"
    }),
    Mitigate: Contract.once({
      ...act,
      payload: { subject: Subject, template: Template, ttlMillis: Ttl, reason: Reason },
      success: Mitigation,
      about: "has something done against somebody for a time; more than an hour needs a second person"
    }),
    Approve: Contract.once({
      ...act,
      payload: { mitigation: MitigationId, ttlMillis: Schema.optionalKey(Ttl) },
      success: Mitigation,
      about: "approves a proposal, and may say for how long; it begins when enough people have"
    }),
    Reject: Contract.once({
      ...act,
      payload: { mitigation: MitigationId, ...judged },
      success: Mitigation,
      about: "takes a proposal away"
    }),
    Lift: Contract.once({
      ...act,
      payload: { mitigation: MitigationId, ...judged },
      success: Mitigation,
      about: "ends what is done against somebody, at once"
    }),
    SetTerms: Contract.idempotent({
      ...act,
      payload: {
        isAutomatic: Schema.optionalKey(Terms.fields.isAutomatic),
        mitigateMillis: Schema.optionalKey(Terms.fields.mitigateMillis),
        isolateMillis: Schema.optionalKey(Terms.fields.isolateMillis)
      },
      success: ThreatsView,
      about: "says whether anything is done without a person, and how long it lasts"
    }),

    Begin: Contract.idempotent({ about: "it reads the event stream from now on" }),
    Evidence: Contract.once({
      payload: { signs: Schema.Array(Sign).check(Schema.isMaxLength(signsMax)) },
      about: "nodes, and the reader of the event stream, have seen something"
    }),
    PolicyDeployed: Contract.idempotent({
      payload: { mitigation: Schema.String },
      creates: false,
      about: "the keeper of the policies has put the policy of a mitigation into force"
    }),
    PolicyRefused: Contract.idempotent({
      payload: { mitigation: Schema.String, reason: Schema.String },
      creates: false,
      about: "the keeper of the policies does not take the policy of a mitigation"
    }),
    WatchBars: Contract.watch({
      success: Schema.Array(Bar),
      about: "who is to be turned away at the doors, again whenever that changes"
    })
  },
  events: {
    /** Somebody is suspected, or more than before; with what speaks against it. */
    "immune.suspected": Schema.Struct({
      subject: Subject,
      level: Schema.Finite,
      stage: Stage,
      kinds: Schema.Array(SignKind),
      ids: Schema.Array(Schema.String)
    }),
    /** A person is asked; `reason` says why. */
    "immune.proposed": Schema.Struct({ ...done, until: Schema.Finite }),
    "immune.approved": Schema.Struct({ mitigation: Schema.String, by: Schema.String, missing: Schema.Int }),
    /** Something is done from now on; with the text of the policy, where one does it. */
    "immune.mitigated": Schema.Struct({ ...done, until: Schema.Finite, policy: Schema.optionalKey(Schema.String) }),
    /** A rule of safety forbids what would be done. */
    "immune.withheld": Schema.Struct({
      subject: Subject,
      template: Template,
      level: Schema.Finite,
      rule: Schema.String
    }),
    "immune.ended": Schema.Struct({
      ...done,
      state: MitigationState,
      isFalseAlarm: Schema.optionalKey(Schema.Boolean)
    }),
    "immune.set": Terms
  },
  audited: {
    "immune.suspected": "security",
    "immune.proposed": "security",
    "immune.approved": "security",
    "immune.mitigated": "security",
    "immune.withheld": "security",
    "immune.ended": "security",
    "immune.set": "policy"
  }
})
export type Immune = typeof Immune
