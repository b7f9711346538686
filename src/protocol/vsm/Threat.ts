/** What the immune system knows of somebody who may mean harm, and what it does about it. Times are ms since 1970. */
import { Schema } from "effect"
import { Zone } from "../Zone.ts"
import { VsmId } from "./VsmId.ts"

const count = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))
const instant = Schema.Finite
const share = Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 1 }))
const said = Schema.String.check(Schema.isMaxLength(200))

/** What somebody is of whom something is suspected. */
export const subjectKinds = ["device", "user", "address"] as const
export type SubjectKind = (typeof subjectKinds)[number]

/** Of whom something is suspected: `device/press-1`, `user/ada`, `address/10.0.0.7`. Of an IPv6 address the first half counts. */
export const Subject = Schema.String.check(
  Schema.isPattern(/^(device|user|address)\/[ -~\u00a0-\ud7ff\ue000-\ufffd]{1,128}$/, {
    expected: "device/ID, user/NAME or address/IP"
  })
)
export type Subject = typeof Subject.Type

const isSubject = Schema.is(Subject)

/** The subject of that name; nothing for a name that no subject can have. */
export const subjectOf = (kind: SubjectKind, id: string): Subject | undefined => {
  const subject = `${kind}/${id}`
  return isSubject(subject) ? subject : undefined
}

/** Kind and name of a subject. */
export const partsOf = (subject: Subject): { readonly kind: SubjectKind; readonly id: string } => {
  const slash = subject.indexOf("/")
  const word = subject.slice(0, slash)
  return { kind: subjectKinds.find((kind) => kind === word) ?? "address", id: subject.slice(slash + 1) }
}

/**
 * What may speak against a subject. `bad-input` could not be read, `refused-act` was refused by a right or a policy, `reported` was
 * said by a person or a pattern, `known` looks like an incident of before.
 */
export const signKinds = [
  "wrong-token",
  "bad-input",
  "malformed-burst",
  "flood",
  "replay",
  "duplicate-id",
  "denied-topic",
  "refused-act",
  "stale-fence",
  "reported",
  "known"
] as const
export const SignKind = Schema.Literals(signKinds)
export type SignKind = typeof SignKind.Type

/** Events that prove something, at most. */
export const proofsMax = 8
const Proofs = Schema.Array(Schema.String.check(Schema.isMaxLength(64))).check(Schema.isMaxLength(proofsMax))

/** How often one word can say that something was seen. */
export const countMax = 1_000_000_000

/** Something that was seen of a subject, as often as it was since the last word of it. */
export const Sign = Schema.Struct({
  kind: SignKind,
  subject: Subject,
  count: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: countMax })),
  /** The zone it was in. */
  zone: Schema.optionalKey(Zone),
  /** Others who come in from the same address with right credentials. */
  others: Schema.optionalKey(count),
  /** How much a report counts. */
  weight: Schema.optionalKey(share),
  ids: Schema.optionalKey(Proofs)
})
export type Sign = typeof Sign.Type

/** Signs that one message brings. */
export const signsMax = 64

/** A piece of evidence, as it was when it was found; it counts for half as much every ten minutes. */
export const Evidence = Schema.Struct({ kind: SignKind, weight: share, at: instant })
export type Evidence = typeof Evidence.Type

/** `none`, or what the threat calls for. */
export const stages = ["none", "watch", "mitigate", "isolate"] as const
export const Stage = Schema.Literals(stages)
export type Stage = typeof Stage.Type

/** Somebody against whom something speaks. */
export const Suspect = Schema.Struct({
  subject: Subject,
  zone: Schema.optionalKey(Zone),
  evidence: Schema.Array(Evidence),
  /** Signs of the last minute that are no evidence yet: kind, when, how many. */
  signs: Schema.Array(Schema.Tuple([SignKind, instant, count])),
  since: instant,
  lastAt: instant,
  /** The highest stage that was said on the event stream, until nothing speaks against it any more. */
  stage: Stage,
  /** The highest stage about which something was done, or decided. */
  answered: Stage,
  /** Others who come in from the same address. */
  others: Schema.optionalKey(count),
  ids: Proofs
})
export type Suspect = typeof Suspect.Type

/**
 * What is done. `bar`: connections from the address are cut. `isolate`: the device's board is turned away. `revoke`: the account's
 * token is not accepted. `throttle`, `deny`: a policy that limits, or denies, what the account asks for.
 */
export const templates = ["bar", "isolate", "throttle", "deny", "revoke"] as const
export const Template = Schema.Literals(templates)
export type Template = typeof Template.Type

/** The longest that a mitigation lasts without a person, and with two of them, ms. */
export const automaticMillisMax = 3_600_000
export const approvedMillisMax = 86_400_000
export const ttlMillisMin = 1000
export const Ttl = Schema.Int.check(Schema.isBetween({ minimum: ttlMillisMin, maximum: approvedMillisMax }))

/**
 * `proposed` waits for a person, `approved` until the fleet was counted; all others but `active` are over. `failed`: whoever should
 * have done it could not, or a rule of safety forbids it.
 */
export const mitigationStates = [
  "proposed",
  "approved",
  "active",
  "expired",
  "lifted",
  "rejected",
  "lapsed",
  "failed"
] as const
export const MitigationState = Schema.Literals(mitigationStates)
export type MitigationState = typeof MitigationState.Type

/** Something that is done against a threat, or proposed. */
export const Mitigation = Schema.Struct({
  /** The VSM whose immune system it is of, a dot, and a number. */
  id: Schema.String,
  subject: Subject,
  template: Template,
  state: MitigationState,
  /** How grave the threat was. */
  level: share,
  /** Kinds of the evidence, which it is judged by later. */
  signature: Schema.String,
  /** Where the subject was. */
  zone: Schema.optionalKey(Zone),
  ttlMillis: Ttl,
  /** The policy that does it, where one does. */
  policy: Schema.optionalKey(Schema.String),
  /** What a person said of it, or why one is asked. */
  reason: said,
  /** Who began it: a person, or `immune`. */
  by: Schema.String,
  approvals: Schema.Array(Schema.String),
  /** How many different people must approve. */
  needed: count,
  createdAt: instant,
  /** Proposals lapse then, what is active ends. */
  until: instant,
  endedAt: Schema.optionalKey(instant),
  ids: Proofs
})
export type Mitigation = typeof Mitigation.Type

/** Whether it is not over. */
export const isOpen = ({ state }: Mitigation): boolean =>
  state === "proposed" || state === "approved" || state === "active"

/** How often a template did good against a signature, and how often not. */
export const Efficacy = Schema.Struct({ good: count, bad: count })
export type Efficacy = typeof Efficacy.Type

/** What an incident looked like: how often each thing was seen. */
export const Incident = Schema.Struct({ at: instant, vector: Schema.Record(Schema.String, Schema.Finite) })
export type Incident = typeof Incident.Type

/** What people set. */
export const Terms = Schema.Struct({
  /** Whether anything is done without a person. */
  isAutomatic: Schema.Boolean,
  /** How long a mitigation lasts from 0.7 on, and from 0.9 on, ms. */
  mitigateMillis: Schema.Int.check(Schema.isBetween({ minimum: ttlMillisMin, maximum: automaticMillisMax })),
  isolateMillis: Schema.Int.check(Schema.isBetween({ minimum: ttlMillisMin, maximum: automaticMillisMax }))
})
export type Terms = typeof Terms.Type

/** A subject as people see it. */
export const ThreatView = Schema.Struct({
  subject: Subject,
  zone: Schema.optionalKey(Zone),
  level: share,
  stage: Stage,
  since: instant,
  lastAt: instant,
  kinds: Schema.Array(SignKind),
  others: Schema.optionalKey(count),
  ids: Proofs
})
export type ThreatView = typeof ThreatView.Type

/** What the immune system of a VSM knows and does, the gravest and the newest first. */
export const ThreatsView = Schema.Struct({
  vsm: VsmId,
  threats: Schema.Array(ThreatView),
  mitigations: Schema.Array(Mitigation),
  terms: Terms,
  /** By template and signature with a space between them. */
  efficacies: Schema.Record(Schema.String, Efficacy)
})
export type ThreatsView = typeof ThreatsView.Type

/** Who is turned away at the doors of every node. */
export const Bar = Schema.Struct({ subject: Subject, until: instant, mitigation: Schema.String })
export type Bar = typeof Bar.Type
