/** What is to be done about an intent: messages to actors, or the answer to a question. */
import { Schema } from "effect"
import { Refusal } from "../vsm/Spawn.ts"

/**
 * How the end of a step is known. `reply`: by the answer to its message. `applied`: the board has acknowledged what it is
 * desired to be. `command`, `order`, `session`, `spawn`, `adoption`, `retirement`: what the message began is watched.
 */
export const StepEnd = Schema.Literals([
  "reply",
  "applied",
  "command",
  "order",
  "session",
  "spawn",
  "adoption",
  "retirement"
])
export type StepEnd = typeof StepEnd.Type

/** One message to one actor. */
export const Step = Schema.Struct({
  /** Whom people see it done to: the id of a device, a VSM or a rollout. */
  unit: Schema.String,
  kind: Schema.String,
  id: Schema.String,
  message: Schema.String,
  payload: Schema.Json,
  end: StepEnd
})
export type Step = typeof Step.Type

/** What was chosen and is not done, and why; nothing of it is an error of the others. */
export const Spared = Schema.Struct({ unit: Schema.String, refusal: Refusal })
export type Spared = typeof Spared.Type

/** See the file. */
export const Plan = Schema.Union([
  Schema.TaggedStruct("Acts", {
    /** In words for people, as "turn off 3 heaters". */
    title: Schema.String,
    /** Whom it is done to, as "3 heaters", and what they are then, as "off". */
    noun: Schema.String,
    done: Schema.String,
    steps: Schema.Array(Step),
    spared: Schema.Array(Spared),
    /** Devices that the exceptions have left out. */
    excepted: Schema.Array(Schema.String)
  }),
  Schema.TaggedStruct("Answer", {
    /** In a sentence. */
    sentence: Schema.String,
    /** For scripts. */
    data: Schema.Json
  })
])
export type Plan = typeof Plan.Type

/** What became of a step. */
export const StepOutcome = Schema.Struct({
  unit: Schema.String,
  /** `later`: it stands, and takes effect when its board comes back. */
  state: Schema.Literals(["done", "later", "failed"]),
  /** In a few words, as "off". */
  note: Schema.optionalKey(Schema.String),
  refusal: Schema.optionalKey(Refusal),
  /** What a question to a board brought. */
  value: Schema.optionalKey(Schema.Json)
})
export type StepOutcome = typeof StepOutcome.Type
