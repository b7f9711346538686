/**
 * An op: what somebody wants done, how far it is, and what each target of it came to. It is one record of the dispatcher that
 * took it; what goes on below is a record there too. Times are ms since 1970.
 */
import { Schema } from "effect"
import { Asker } from "../Asker.ts"
import { Reason } from "../Because.ts"
import { Arguments, Capability, Intent, Targets, Unclear } from "../intent/Intent.ts"
import { Step } from "../intent/Plan.ts"
import { Priority } from "./Claim.ts"
import { Refusal } from "./Spawn.ts"
import { VsmId } from "./VsmId.ts"
import { VsmPath } from "./VsmState.ts"

const count = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))
const instant = Schema.Finite

/** Names an op, or one of its messages: a UUIDv7 as lower-case text. */
export const OpRef = Schema.String.check(
  Schema.isPattern(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/, {
    expected: "a UUIDv7 in lower case"
  })
)

/**
 * What an op passes, in this order: the caller is known; it is no repeat; it can be read at all; its user has not
 * asked too much; it rests in the row; a text becomes an intent; the intent becomes acts on actors; each may be done; it may be
 * done now; it is done; what came of it is written down; what was claimed is given back; the end is on the event stream, where
 * auditors find it.
 */
export const pipeline = [
  "verify",
  "replay",
  "decode",
  "rate",
  "record",
  "classify",
  "resolve",
  "authorise",
  "claim",
  "invoke",
  "stream",
  "release",
  "audit"
] as const
export const PipelineStep = Schema.Literals(pipeline)
export type PipelineStep = typeof PipelineStep.Type

/** How long each step took, ms; those that an op did not come to are absent. */
export const Timings = Schema.Record(Schema.String, Schema.Finite)
export type Timings = Partial<Readonly<Record<PipelineStep, number>>>

/** Targets of one op. */
export const targetsMax = 256
/** Longest life of an op, ms: the ids of what it does are remembered a little longer by whom it is done to. */
export const lifeMillisMax = 540_000
export const lifeMillisDefault = 60_000

/** `reading` what is meant and who it is for; `running` it is done; `ended`. */
export const OpState = Schema.Literals(["reading", "running", "ended"])
export type OpState = typeof OpState.Type

/** `done` by all its targets; `failed` by one at least; `cancelled` before all had done it; `refused` nothing was done. */
export const OpOutcome = Schema.Literals(["done", "failed", "cancelled", "refused"])
export type OpOutcome = typeof OpOutcome.Type

const endFields = {
  /** `later`: it stands, and takes effect when its board comes back. */
  outcome: Schema.Literals(["done", "later", "failed", "cancelled"]),
  /** In a few words, as the board said it. */
  note: Schema.optionalKey(Schema.String),
  /** What it answered, where that is short. */
  value: Schema.optionalKey(Schema.Json),
  refusal: Schema.optionalKey(Refusal)
}

/** What an act came to. */
export const ActEnd = Schema.Struct({ place: count, ...endFields })
export type ActEnd = typeof ActEnd.Type

/** What one target came to. */
export const Chunk = Schema.Struct({
  /** From 0 on, without a gap. */
  seq: count,
  /** Kind and id of who got the message, as `device/press-1`. */
  target: Schema.String,
  /** Whom people see it done to: the device that a session or an adoption is for. */
  unit: Schema.String,
  ...endFields,
  at: instant,
  /** The VSM below whose dispatcher did it. */
  via: Schema.optionalKey(VsmId)
})
export type Chunk = typeof Chunk.Type

/** One message to one actor, on behalf of an op. */
export const Act = Schema.Struct({
  /** Its number in the op that somebody gave; one that goes on below keeps it. */
  place: count,
  step: Step,
  /** Request id of the message: whoever gets it twice does it once. */
  request: OpRef,
  /** The VSM below that does it. */
  via: Schema.optionalKey(VsmId)
})
export type Act = typeof Act.Type

/** A target of which nothing is done, with its place among the acts. */
export const Left = Schema.Struct({ place: count, target: Schema.String, refusal: Refusal })
export type Left = typeof Left.Type

/** What an op was found to mean. */
export const Meant = Schema.Struct({
  title: Schema.optionalKey(Schema.String),
  acts: Schema.Array(Act).check(Schema.isMaxLength(targetsMax)),
  left: Schema.Array(Left)
})
export type Meant = typeof Meant.Type

/** An act that a dry run found: what would be sent to whom. */
export const PlannedAct = Schema.Struct({
  target: Schema.String,
  message: Schema.String,
  payload: Schema.Json,
  via: Schema.optionalKey(VsmId)
})
export type PlannedAct = typeof PlannedAct.Type

/** What a question was answered with. */
export const Answer = Schema.Struct({ sentence: Schema.String, data: Schema.Json })
export type Answer = typeof Answer.Type

const orderedFields = {
  op: OpRef,
  /** Kind and id of who wants it. */
  by: Schema.String,
  /** The VSMs that handed it on, the one that has it last. */
  path: VsmPath,
  text: Schema.optionalKey(Schema.String),
  /** In words for people, as "turn off 3 devices". */
  title: Schema.optionalKey(Schema.String),
  priority: Priority,
  /** Nothing is done: it only says what would be. */
  isDryRun: Schema.optionalKey(Schema.Boolean),
  isCancelling: Schema.optionalKey(Schema.Boolean),
  askedAt: instant,
  /** End of its life: what has not been begun then is not begun any more. */
  until: instant
}

const summaryFields = {
  ...orderedFields,
  /** Absent until a text is understood. */
  capability: Schema.optionalKey(Capability),
  state: OpState,
  outcome: Schema.optionalKey(OpOutcome),
  endedAt: Schema.optionalKey(instant),
  /** How many targets it has, once that is known, and how many of them have come to something. */
  targetCount: count,
  chunkCount: count,
  failedCount: count,
  /** Why it failed or was refused. */
  refusal: Schema.optionalKey(Refusal)
}

/** An op in a list. */
export const OpSummary = Schema.Struct(summaryFields)
export type OpSummary = typeof OpSummary.Type

const detailFields = {
  args: Schema.optionalKey(Arguments),
  targets: Schema.optionalKey(Targets),
  idempotencyKey: Schema.optionalKey(Schema.String),
  /** What was concluded from the text and not said, in sentences. */
  concluded: Schema.optionalKey(Schema.Array(Schema.String)),
  /** What to ask back, where a text is not understood. */
  unclear: Schema.optionalKey(Unclear),
  /** Where a text is a question. */
  answer: Schema.optionalKey(Answer),
  /** Of a dry run. */
  planned: Schema.optionalKey(Schema.Array(PlannedAct)),
  /** Acts that were tried again. */
  retries: count,
  took: Timings
}

/** An op as people see it. */
export const OpView = Schema.Struct({
  ...summaryFields,
  ...detailFields,
  /** 0 to 1, over all targets. */
  progress: Schema.Finite,
  /** What a target said last. */
  note: Schema.optionalKey(Schema.String),
  /** In order of their numbers. */
  chunks: Schema.Array(Chunk)
})
export type OpView = typeof OpView.Type

/** Acts of an op that are done together: one claim covers them. */
export const batchMax = 16

/** An op under way as it rests, without its acts and what came of them. */
export const Op = Schema.Struct({
  ...orderedFields,
  ...detailFields,
  intent: Schema.optionalKey(Intent),
  /** What is meant is known, and who does it. */
  isUnderstood: Schema.optionalKey(Schema.Boolean),
  /** On behalf of whom everything is done. */
  asker: Asker,
  because: Schema.optionalKey(Reason),
  /** The op above that it is a part of. */
  parent: Schema.optionalKey(Schema.Struct({ vsm: VsmId, op: OpRef })),
  /** Its parts in VSMs below. */
  below: Schema.Array(Schema.Struct({ vsm: VsmId, op: OpRef, isEnded: Schema.Boolean })),
  /** How many acts it has, once that is known, and the places of those that have not ended. */
  actCount: count,
  open: Schema.Array(count),
  /** Which acts of its own are under way, and how often these were begun under a new claim. */
  batch: count,
  attempt: count,
  failedCount: count,
  /** 0 to 1, of the acts that are under way. */
  progress: Schema.Finite,
  note: Schema.optionalKey(Schema.String)
})
export type Op = typeof Op.Type

/** An op that has ended, as it is remembered. */
export const Ended = Schema.Struct({ view: OpView, key: Schema.optionalKey(Schema.String) })
export type Ended = typeof Ended.Type

/** Whether nothing more happens. */
export const isEnded = ({ state }: Pick<OpView, "state">): boolean => state === "ended"
