/**
 * A pattern: a standing question to the event stream, as data. Its conditions are those of the one condition language; a
 * pattern puts time around them.
 */
import { Schema } from "effect"
import { Condition, FieldPath, Term } from "../condition/Condition.ts"

/** The longest time a pattern looks back or waits, ms: a day. */
export const spanMillisMax = 86_400_000
/** Steps of a sequence, patterns of a combination. */
export const partsMax = 16
/** Fields that tell one key from another. */
export const keysMax = 4
/** Things a match has done. */
export const actionsMax = 8
/** Events that `last n events` holds. */
export const lastEventsMax = 10_000

/** Letters, digits, `.`, `_`, `-`; begins with a letter or digit. */
export const PatternName = Schema.String.check(
  Schema.isPattern(/^[A-Za-z0-9][A-Za-z0-9._-]*$/, { expected: "letters, digits, dots, underscores and hyphens" }),
  Schema.isMaxLength(100)
)

const positive = (maximum: number) => Schema.Int.check(Schema.isBetween({ minimum: 1, maximum }))
/** A time in ms. */
export const Span = positive(spanMillisMax)

/** Types of events: literal, or with `*` for any characters, as `device.*`. */
export const EventTypes = Schema.NonEmptyArray(
  Schema.String.check(
    Schema.isPattern(/^[a-z0-9_*-]+(\.[a-z0-9_*-]+)*$/, {
      expected: "a type of events, such as device.offline or board.*"
    }),
    Schema.isMaxLength(128)
  )
).check(Schema.isMaxLength(partsMax))

/** One thing that happens: an event of these types that fulfils the condition. What is left out is not asked. */
export const Step = Schema.Struct({ from: Schema.optionalKey(EventTypes), where: Schema.optionalKey(Condition) })
export type Step = typeof Step.Type

/** What is computed of the values of a field, or of the number of events. */
export const Aggregate = Schema.Union([
  Schema.TaggedStruct("Count", {}),
  /** Events a second. */
  Schema.TaggedStruct("Rate", {}),
  Schema.TaggedStruct("Distinct", { of: FieldPath }),
  Schema.TaggedStruct("Sum", { of: Term }),
  Schema.TaggedStruct("Avg", { of: Term }),
  Schema.TaggedStruct("Min", { of: Term }),
  Schema.TaggedStruct("Max", { of: Term }),
  /** Of the sample: n − 1 below the line. */
  Schema.TaggedStruct("Stddev", { of: Term }),
  /** By a t-digest, δ = 100. `q` from 0 to 1. */
  Schema.TaggedStruct("Quantile", { of: Term, q: Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 1 })) }),
  /** Exponentially weighted; `alpha` is the weight of the newest value. */
  Schema.TaggedStruct("Ewma", {
    of: Term,
    alpha: Schema.Finite.check(Schema.isGreaterThan(0), Schema.isLessThanOrEqualTo(1))
  }),
  /** Of the least-squares line over event time, units a second. */
  Schema.TaggedStruct("Slope", { of: Term }),
  /** Newest value less the oldest one. */
  Schema.TaggedStruct("Delta", { of: Term })
])
export type Aggregate = typeof Aggregate.Type

/** Over which events. */
export const Window = Schema.Union([
  /** Back to back, each as long, from the beginning of time: UTC minutes for 60 s. */
  Schema.TaggedStruct("Tumbling", { millis: Span }),
  /** The last so long, in panes of a second, or of a hundredth of the window where that is shorter; in 600 panes at most. */
  Schema.TaggedStruct("Sliding", { millis: Span }),
  Schema.TaggedStruct("LastEvents", { count: positive(lastEventsMax) }),
  /** Ends when nothing comes for the gap. */
  Schema.TaggedStruct("Session", { gapMillis: Span })
])
export type Window = typeof Window.Type

const order = Schema.Literals(["<", "<=", "==", "!=", ">=", ">"])
const Threshold = Schema.Struct({ operator: order, value: Schema.Finite })
export type Threshold = typeof Threshold.Type

/** The time around the conditions. */
export const PatternBody = Schema.Union([
  /** Each event that fulfils it. */
  Schema.TaggedStruct("Where", { condition: Condition }),
  /** An aggregate crosses a threshold. With `clear` it must cross back, and `forMillis` both must last. */
  Schema.TaggedStruct("When", {
    aggregate: Aggregate,
    threshold: Threshold,
    over: Schema.optionalKey(Window),
    where: Schema.optionalKey(Condition),
    clear: Schema.optionalKey(Threshold),
    forMillis: Schema.optionalKey(Span)
  }),
  /** Steps one after another. `next`: the very next event of this key; `eventually`: what is between does not matter. */
  Schema.TaggedStruct("Sequence", {
    first: Step,
    rest: Schema.NonEmptyArray(Schema.Struct({ link: Schema.Literals(["next", "eventually"]), step: Step })).check(
      Schema.isMaxLength(partsMax - 1)
    ),
    withinMillis: Span
  }),
  /** Something happens, and then something else does not. */
  Schema.TaggedStruct("Absence", { trigger: Step, absent: Step, withinMillis: Span }),
  /** Nothing of this kind for so long: begins with the first such event of a key. */
  Schema.TaggedStruct("Silence", { step: Step, forMillis: Span }),
  /** So many of these patterns match for one key. `atLeast` = their number is all of them, 1 is any. */
  Schema.TaggedStruct("Combined", {
    patterns: Schema.NonEmptyArray(PatternName).check(Schema.isMaxLength(partsMax)),
    atLeast: positive(partsMax),
    withinMillis: Span
  }),
  /** Two streams meet: `where` sees the events under their names. */
  Schema.TaggedStruct("Join", {
    left: Schema.Struct({
      from: EventTypes,
      as: Schema.String.check(Schema.isPattern(/^[a-z][a-z0-9_]*$/), Schema.isMaxLength(32))
    }),
    right: Schema.Struct({
      from: EventTypes,
      as: Schema.String.check(Schema.isPattern(/^[a-z][a-z0-9_]*$/), Schema.isMaxLength(32))
    }),
    on: Schema.optionalKey(FieldPath),
    withinMillis: Span,
    where: Schema.optionalKey(Condition)
  })
])
export type PatternBody = typeof PatternBody.Type

/** What a match has done. */
export const Action = Schema.Union([
  /** Publishes an event. */
  Schema.TaggedStruct("Event", { type: Schema.String.check(Schema.isMaxLength(128)) }),
  /** Tells an actor a message; `$name` in the id and in the payload's texts stands for a field of the match. */
  Schema.TaggedStruct("Tell", {
    kind: Schema.String.check(Schema.isMaxLength(64)),
    id: Schema.String.check(Schema.isMaxLength(128)),
    message: Schema.String.check(Schema.isMaxLength(64)),
    payload: Schema.Json
  }),
  /** Posts the match as JSON. */
  Schema.TaggedStruct("Webhook", {
    url: Schema.String.check(Schema.isPattern(/^https?:\/\/[^\s]+$/), Schema.isMaxLength(2048))
  }),
  /** Publishes the match as JSON on the embedded broker. */
  Schema.TaggedStruct("Mqtt", {
    topic: Schema.String.check(Schema.isPattern(/^[^#+]+$/), Schema.isMaxLength(1024))
  }),
  /** Raises an algedonic signal: pain that climbs until somebody takes care of it. */
  Schema.TaggedStruct("Raise", { signal: Schema.String.check(Schema.isMaxLength(128)) })
])
export type Action = typeof Action.Type

export const priorities = ["low", "normal", "high", "critical"] as const

/** A pattern. */
export const Pattern = Schema.Struct({
  name: PatternName,
  priority: Schema.Literals(priorities),
  /** Which events it looks at; all where it is absent. */
  from: Schema.optionalKey(EventTypes),
  /** Fields whose values tell one key from another; without any, all events are of one key. */
  by: Schema.Array(FieldPath).check(Schema.isMaxLength(keysMax)),
  body: PatternBody,
  /** What the match carries beside its facts: names and what they are computed from. */
  emit: Schema.optionalKey(
    Schema.Record(Schema.String.check(Schema.isPattern(/^[A-Za-z_][A-Za-z0-9_]*$/), Schema.isMaxLength(64)), Term)
  ),
  actions: Schema.Array(Action).check(Schema.isMaxLength(actionsMax)),
  /** After a match of a key, none for so long. */
  suppressMillis: Schema.optionalKey(Span)
})
export type Pattern = typeof Pattern.Type
