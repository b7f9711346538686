/**
 * What the REPL and the command line say to a node over `/rpc`. They know no actor: kinds and messages come from the
 * registry as JSON Schema, payloads travel as JSON.
 */
import { Schema } from "effect"
import { Rpc, RpcGroup, RpcMiddleware } from "effect/rpc"
import { Refused } from "../../actors/Actors.ts"
import { ImageMissing, ImageStoreUnavailable } from "../../actors/ImageSource.ts"
import { KeptPattern, StoredPattern } from "../../events/Patterns.ts"
import { AuditIssuer, AuditPage, WhyView } from "../../protocol/audit/AuditView.ts"
import { Proof } from "../../protocol/audit/Proof.ts"
import { Verdict } from "../../protocol/audit/Verdict.ts"
import { ConditionInvalid } from "../../protocol/condition/ConditionInvalid.ts"
import { DeviceStatus } from "../../protocol/Device.ts"
import { HolonError, PolicyDenied, RateLimited, Unauthenticated, ZoneDenied } from "../../protocol/Errors.ts"
import { ImageAmbiguous } from "../../protocol/image/ImageErrors.ts"
import { ImpactReport } from "../../protocol/policy/Impact.ts"
import { TwinSectionSchema } from "../../protocol/TwinSchema.ts"
import { NodeStanding } from "../../protocol/vsm/Vitals.ts"
import { VsmId } from "../../protocol/vsm/VsmId.ts"
import { ExplainedDecision, Would } from "../../systems/policy/rule/PolicyDesk.ts"
import { AskView, askFields } from "./AskApi.ts"
import { auditQueryFields, pageMax } from "./AuditApi.ts"
import { ConditionParameters, Where } from "./DeviceQueries.ts"
import { eventQueryFields, PlacedEventView, TraceId, TraceView } from "./EventQueries.ts"
import type { CurrentAsker } from "./Gatekeeper.ts"
import { GivenPattern, GivenPatterns } from "./GivenPattern.ts"
import { Needs } from "./Needs.ts"
import { PatternError, PatternPage, PatternSwitch, PutPatterns, TrialView } from "./PatternDesk.ts"
import { PatternStats } from "./PatternStats.ts"
import { Draft } from "./PolicyApi.ts"

/** A token stands in the `authorization` header of each request; it entitles to what the operation {@link Needs}. */
export class Authenticated extends RpcMiddleware.Service<Authenticated, { provides: CurrentAsker }>()(
  "holon/gateways/http/Authenticated",
  {
    error: Schema.Union([Unauthenticated, PolicyDenied, ZoneDenied, RateLimited])
  }
) {}

/** One message of a kind, for completion and checks before anything is sent. */
export const MessageView = Schema.Struct({
  name: Schema.String,
  about: Schema.String,
  delivery: Schema.Literals(["query", "idempotent", "once", "watch"]),
  audience: Schema.Literals(["internal", "board", "operator", "public"]),
  /** JSON Schema of the payload; unknown fields are refused. Its order of properties is the order of arguments. */
  payload: Schema.Json,
  success: Schema.Json,
  /** Why it is refused for now: not every node knows it yet. */
  heldBack: Schema.optionalKey(Schema.String)
})
export type MessageView = typeof MessageView.Type

/** One kind of actor. */
export const KindView = Schema.Struct({
  kind: Schema.String,
  about: Schema.String,
  messages: Schema.Array(MessageView)
})
export type KindView = typeof KindView.Type

/** One line of `holon devices ls`. */
export const DeviceLine = Schema.Struct({
  id: Schema.String,
  status: DeviceStatus,
  desired: TwinSectionSchema,
  reported: TwinSectionSchema
})
export type DeviceLine = typeof DeviceLine.Type

/** A page of devices in order of their ids; `next` continues after it. */
export const DevicePage = Schema.Struct({
  devices: Schema.Array(DeviceLine),
  next: Schema.optionalKey(Schema.String),
  /** How old the answer to a search is: whatever was stored before `at` (ms) is in it. */
  asOf: Schema.optionalKey(Schema.Struct({ at: Schema.Finite, behindMillis: Schema.Finite }))
})
export type DevicePage = typeof DevicePage.Type

/** What actors of one kind answer to a query from what is stored of them, in order of their ids; `next` continues after it. */
export const LookPage = Schema.Struct({
  items: Schema.Array(Schema.Struct({ id: Schema.String, value: Schema.Json })),
  next: Schema.optionalKey(Schema.String)
})
export type LookPage = typeof LookPage.Type

/** One line of `holon nodes ls`. */
export const NodeLine = Schema.Struct({
  node: Schema.String,
  address: Schema.String,
  isHealthy: Schema.Boolean,
  isReady: Schema.Boolean,
  heartbeatAgeMillis: Schema.Finite,
  shards: Schema.Int,
  startedAt: Schema.Finite,
  standing: NodeStanding,
  /** What speaks against a node that does not serve. */
  why: Schema.Array(Schema.String)
})
export type NodeLine = typeof NodeLine.Type

const plainText = (lengthMax: number) =>
  Schema.String.check(
    Schema.isMaxLength(lengthMax),
    Schema.makeFilter((text: string) => !text.includes("\u0000") && text.isWellFormed(), { expected: "plain text" })
  )

/** A node that somebody takes out of service. */
export const NodeExclusion = Schema.Struct({
  address: plainText(128),
  reason: Schema.optionalKey(plainText(512)),
  /** Also when no more than half of the nodes are left. */
  belowQuorum: Schema.optionalKey(Schema.Boolean)
})
export type NodeExclusion = typeof NodeExclusion.Type

/** One quarantined actor. */
export const QuarantineLine = Schema.Struct({
  kind: Schema.String,
  id: Schema.String,
  since: Schema.Finite,
  cause: Schema.String,
  attempts: Schema.Int
})
export type QuarantineLine = typeof QuarantineLine.Type

/** A message given up. `payload` is shown with secrets masked. */
export const DeadLetterLine = Schema.Struct({
  number: Schema.Int,
  kind: Schema.String,
  id: Schema.String,
  letter: Schema.String,
  message: Schema.String,
  cause: Schema.String,
  traceId: Schema.String,
  at: Schema.Finite,
  isRetried: Schema.Boolean,
  payload: Schema.Json
})
export type DeadLetterLine = typeof DeadLetterLine.Type

/** Address, message and payload as JSON; the id makes a repeat safe. */
const SendFields = {
  kind: Schema.String,
  id: Schema.String.check(Schema.isMaxLength(128)),
  message: Schema.String,
  payload: Schema.Json,
  requestId: Schema.optionalKey(Schema.String)
}

const SendError = Schema.Union([HolonError, Refused])
const page = { limit: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 1000 })) }

/** The whole conversation of `/rpc`. */
export class Control extends RpcGroup.make(
  Rpc.make("Describe", { success: Schema.Array(KindView) }).annotate(Needs, "nothing"),
  Rpc.make("Send", { payload: SendFields, success: Schema.Json, error: SendError }).annotate(Needs, "message"),
  Rpc.make("Watch", { payload: SendFields, success: Schema.Json, error: SendError, stream: true }).annotate(
    Needs,
    "message"
  ),
  Rpc.make("Devices", {
    payload: {
      ...page,
      after: Schema.optionalKey(Schema.String),
      where: Schema.optionalKey(Where),
      parameters: Schema.optionalKey(ConditionParameters)
    },
    success: DevicePage,
    error: Schema.Union([HolonError, ConditionInvalid])
  }).annotate(Needs, "device.read"),
  Rpc.make("Device", { payload: { id: Schema.String }, success: DeviceLine, error: HolonError }).annotate(
    Needs,
    "device.read"
  ),
  Rpc.make("Look", {
    payload: { ...page, kind: Schema.String, message: Schema.String, after: Schema.optionalKey(Schema.String) },
    success: LookPage,
    error: HolonError
  }).annotate(Needs, "message"),
  Rpc.make("Image", {
    payload: { reference: Schema.String.check(Schema.isMaxLength(128)) },
    success: Schema.Struct({ sha256: Schema.String, name: Schema.String, version: Schema.String, size: Schema.Int }),
    error: Schema.Union([ImageMissing, ImageAmbiguous, ImageStoreUnavailable])
  }).annotate(Needs, "image.read"),
  Rpc.make("Events", {
    payload: {
      ...eventQueryFields,
      parameters: Schema.optionalKey(ConditionParameters),
      last: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 10_000 }))),
      samples: Schema.optionalKey(Schema.Boolean),
      /** Goes on with what happens; else it ends with what there is. */
      follow: Schema.Boolean
    },
    success: PlacedEventView,
    error: Schema.Union([HolonError, ConditionInvalid]),
    stream: true
  }).annotate(Needs, "event.read"),
  Rpc.make("Trace", { payload: { id: TraceId }, success: TraceView, error: HolonError }).annotate(Needs, "event.read"),
  Rpc.make("AuditLog", {
    payload: {
      ...auditQueryFields,
      before: Schema.optionalKey(Schema.Int),
      limit: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: pageMax })))
    },
    success: AuditPage,
    error: Schema.Union([HolonError, ConditionInvalid])
  }).annotate(Needs, "audit.read"),
  Rpc.make("AuditVerify", {
    payload: { vsm: Schema.optionalKey(VsmId) },
    success: Verdict,
    error: HolonError
  }).annotate(Needs, "audit.verify"),
  Rpc.make("AuditProve", {
    payload: { id: TraceId, vsm: Schema.optionalKey(VsmId) },
    success: Proof,
    error: HolonError
  }).annotate(Needs, "audit.read"),
  Rpc.make("AuditKeys", {
    success: Schema.Struct({ issuers: Schema.Array(AuditIssuer) }),
    error: HolonError
  }).annotate(Needs, "audit.read"),
  Rpc.make("AuditWhy", { payload: { id: TraceId }, success: WhyView, error: HolonError }).annotate(Needs, "audit.read"),
  Rpc.make("Ask", { payload: askFields, success: AskView, error: HolonError }).annotate(Needs, "device.read"),
  Rpc.make("PatternPut", {
    payload: { given: GivenPattern, expected: Schema.optionalKey(Schema.Int) },
    success: StoredPattern,
    error: Schema.Union(PatternError)
  }).annotate(Needs, "pattern.write"),
  Rpc.make("PatternsPut", {
    payload: { given: GivenPatterns },
    success: PutPatterns,
    error: Schema.Union(PatternError)
  }).annotate(Needs, "pattern.write"),
  Rpc.make("Patterns", {
    payload: { ...page, after: Schema.optionalKey(Schema.String) },
    success: PatternPage,
    error: Schema.Union(PatternError)
  }).annotate(Needs, "pattern.read"),
  Rpc.make("Pattern", {
    payload: { name: Schema.String },
    success: KeptPattern,
    error: Schema.Union(PatternError)
  }).annotate(Needs, "pattern.read"),
  Rpc.make("PatternStats", {
    payload: { name: Schema.String },
    success: PatternStats,
    error: Schema.Union(PatternError)
  }).annotate(Needs, "pattern.read"),
  Rpc.make("PatternRemove", {
    payload: { name: Schema.String },
    success: KeptPattern,
    error: Schema.Union(PatternError)
  }).annotate(Needs, "pattern.write"),
  Rpc.make("PatternSwitch", {
    payload: { name: Schema.String, ...PatternSwitch.fields },
    success: KeptPattern,
    error: Schema.Union(PatternError)
  }).annotate(Needs, "pattern.write"),
  Rpc.make("PatternTry", {
    payload: { given: GivenPattern, since: Schema.optionalKey(Schema.String) },
    success: TrialView,
    error: Schema.Union(PatternError)
  }).annotate(Needs, "pattern.read"),
  Rpc.make("PolicyDecision", { payload: { id: TraceId }, success: ExplainedDecision, error: HolonError }).annotate(
    Needs,
    "policy.read"
  ),
  Rpc.make("PolicyWould", { payload: Would.fields, success: ExplainedDecision, error: HolonError }).annotate(
    Needs,
    "policy.read"
  ),
  Rpc.make("PolicyImpact", { payload: Draft.fields, success: ImpactReport, error: HolonError }).annotate(
    Needs,
    "policy.read"
  ),
  Rpc.make("Nodes", { success: Schema.Array(NodeLine), error: HolonError }).annotate(Needs, "node.read"),
  Rpc.make("NodeExclude", { payload: NodeExclusion, success: NodeLine, error: HolonError }).annotate(
    Needs,
    "node.govern"
  ),
  Rpc.make("NodeReadmit", {
    payload: { address: NodeExclusion.fields.address },
    success: NodeLine,
    error: HolonError
  }).annotate(Needs, "node.govern"),
  Rpc.make("Residents", { success: Schema.Record(Schema.String, Schema.Int) }).annotate(Needs, "node.read"),
  Rpc.make("Quarantined", { payload: page, success: Schema.Array(QuarantineLine), error: HolonError }).annotate(
    Needs,
    "quarantine.read"
  ),
  Rpc.make("Release", { payload: { kind: Schema.String, id: Schema.String }, error: HolonError }).annotate(
    Needs,
    "quarantine.release"
  ),
  Rpc.make("DeadLetters", {
    payload: { ...page, after: Schema.optionalKey(Schema.Int) },
    success: Schema.Array(DeadLetterLine),
    error: HolonError
  }).annotate(Needs, "deadletter.read"),
  Rpc.make("DeadLetter", { payload: { number: Schema.Int }, success: DeadLetterLine, error: HolonError }).annotate(
    Needs,
    "deadletter.read"
  ),
  Rpc.make("Retry", { payload: { number: Schema.Int }, success: Schema.Json, error: SendError }).annotate(
    Needs,
    "deadletter.retry"
  )
).middleware(Authenticated) {}
