/**
 * An order on its way: what somebody wants done, how far it is, and what each target of it came to. It is one record of the
 * dispatcher that took it; an order that goes on below is a record there too. Times are ms since 1970.
 */
import { Schema } from "effect"
import { Arguments, Capability, Targets } from "../intent/Intent.ts"
import { OpId, Priority } from "./Claim.ts"
import { Refusal } from "./Spawn.ts"
import { VsmId } from "./VsmId.ts"
import { VsmPath } from "./VsmState.ts"

const count = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))
const instant = Schema.Finite

/**
 * What an order passes, in this order: the caller is known; it is no repeat; it can be read as an order at all; its user has not
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

/** How long each step took, ms; those that an order did not come to are absent. */
export const Timings = Schema.Record(Schema.String, Schema.Finite)
export type Timings = Partial<Readonly<Record<PipelineStep, number>>>

/** Targets of one order. */
export const targetsMax = 256
/** Longest life of an order, ms: the ids of what it does are remembered a little longer by whom it is done to. */
export const lifeMillisMax = 600_000
export const lifeMillisDefault = 60_000

/** `reading` what is meant and who it is for; `running` it is done; `ended`. */
export const OpState = Schema.Literals(["reading", "running", "ended"])
export type OpState = typeof OpState.Type

/** `done` by all its targets; `failed` by one at least; `cancelled` before all had done it; `refused` nothing was done. */
export const OpOutcome = Schema.Literals(["done", "failed", "cancelled", "refused"])
export type OpOutcome = typeof OpOutcome.Type

/** What one target came to. */
export const Chunk = Schema.Struct({
  /** From 0 on, without a gap. */
  seq: count,
  /** Kind and id, as `device/press-1`. */
  target: Schema.String,
  outcome: Schema.Literals(["done", "failed", "cancelled"]),
  /** What it answered, where that is short. */
  value: Schema.optionalKey(Schema.Json),
  refusal: Schema.optionalKey(Refusal),
  at: instant,
  /** The VSM below whose dispatcher did it. */
  via: Schema.optionalKey(VsmId)
})
export type Chunk = typeof Chunk.Type

/** An act that a dry run found: what would be sent to whom. */
export const PlannedAct = Schema.Struct({
  target: Schema.String,
  message: Schema.String,
  payload: Schema.Json,
  /** The VSM below that it would be handed to. */
  via: Schema.optionalKey(VsmId)
})
export type PlannedAct = typeof PlannedAct.Type

const summaryFields = {
  op: OpId,
  /** Kind and id of who wants it. */
  by: Schema.String,
  /** The VSMs that handed it on, the one that has it last. */
  path: VsmPath,
  text: Schema.optionalKey(Schema.String),
  /** Absent until a text is understood. */
  capability: Schema.optionalKey(Capability),
  priority: Priority,
  state: OpState,
  outcome: Schema.optionalKey(OpOutcome),
  /** Nothing is done: it only says what would be. */
  isDryRun: Schema.optionalKey(Schema.Boolean),
  isCancelling: Schema.optionalKey(Schema.Boolean),
  askedAt: instant,
  /** End of its life: what has not been begun then is not begun any more. */
  until: instant,
  endedAt: Schema.optionalKey(instant),
  /** How many targets it has, once that is known, and how many of them have come to something. */
  targetCount: count,
  chunkCount: count,
  failedCount: count,
  /** Why it failed or was refused. */
  refusal: Schema.optionalKey(Refusal)
}

/** An order in a list. */
export const OpSummary = Schema.Struct(summaryFields)
export type OpSummary = typeof OpSummary.Type

/** An order as people see it. */
export const OpView = Schema.Struct({
  ...summaryFields,
  args: Schema.optionalKey(Arguments),
  targets: Schema.optionalKey(Targets),
  idempotencyKey: Schema.optionalKey(Schema.String),
  /** 0 to 1, over all targets. */
  progress: Schema.Finite,
  /** What the target that is slowest said last. */
  note: Schema.optionalKey(Schema.String),
  /** In order of their numbers. */
  chunks: Schema.Array(Chunk),
  /** Of a dry run. */
  planned: Schema.optionalKey(Schema.Array(PlannedAct)),
  /** What was concluded from the text and not said, in sentences. */
  unclear: Schema.optionalKey(Schema.Array(Schema.String)),
  /** Acts that were tried again. */
  retries: count,
  took: Timings
})
export type OpView = typeof OpView.Type

/** Whether nothing more happens. */
export const isEnded = ({ state }: Pick<OpView, "state">): boolean => state === "ended"
