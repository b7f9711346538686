/**
 * A pattern: a standing question to the event stream, as data. Its conditions are those of the one condition language; a
 * pattern puts time around them.
 */
import { Schema } from "effect"
import { BoundedTerm, Condition, comparisons, FieldPath, isConditionText } from "../condition/Condition.ts"
import { EventType } from "../Event.ts"
import { isTwinKey } from "../TwinSchema.ts"

/** The longest time a pattern looks back or waits, ms: a day. */
export const spanMillisMax = 86_400_000
/** How late an event may be at most for which a window is opened again, ms: an hour. */
export const allowLateMillisMax = 3_600_000
/** Steps of a sequence, patterns of a combination. */
export const partsMax = 16
/** Fields that tell one key from another. */
export const keysMax = 4
/** Things a match has done. */
export const actionsMax = 8
/** Values that a match carries beside what was computed. */
export const emitMax = 32
/** Events that `last n events` holds. */
export const lastEventsMax = 10_000
/** Maps and lists within each other in what is told to an actor. */
export const payloadDepthMax = 16

/** Letters, digits, `.`, `_`, `-`; begins with a letter or digit. */
export const PatternName = Schema.String.check(
  Schema.isPattern(/^[A-Za-z0-9][A-Za-z0-9._-]*$/, { expected: "letters, digits, dots, underscores and hyphens" }),
  Schema.isMaxLength(100)
)
/** A name in a pattern: of a value that a match carries, of an actor's kind or message. */
const Name = Schema.String.check(
  Schema.isPattern(/^[A-Za-z_][A-Za-z0-9_]*$/, { expected: "letters, digits and underscores" }),
  Schema.isMaxLength(64),
  Schema.makeFilter((name) => name !== "__proto__" || "no name")
)
/** What an event is called in the condition of a join. */
export const Alias = Schema.String.check(Schema.isPattern(/^[a-z][a-z0-9_]*$/), Schema.isMaxLength(32))

const plainText = (lengthMax: number) =>
  Schema.String.check(
    Schema.isMinLength(1),
    Schema.isMaxLength(lengthMax),
    Schema.makeFilter((text) => isConditionText(text) || "a text with NUL or half of a surrogate pair")
  )
/** Finite, and −0 is 0. */
const Plain = Schema.Finite.check(Schema.makeFilter((value) => !Object.is(value, -0) || "−0 is the same as 0; write 0"))

const positive = (maximum: number) => Schema.Int.check(Schema.isBetween({ minimum: 1, maximum }))
/** A time in ms. */
export const Span = positive(spanMillisMax)

/** A type of events: literal, or with `*` for any characters, as `device.*`. */
export const TypeGlob = Schema.String.check(
  Schema.isPattern(/^[a-z0-9_*-]+(\.[a-z0-9_*-]+)*$/, {
    expected: "a type of events, such as device.offline or board.*"
  }),
  Schema.isMaxLength(128)
)
export const EventTypes = Schema.NonEmptyArray(TypeGlob).check(Schema.isMaxLength(partsMax))
export type EventTypes = typeof EventTypes.Type

/** One thing that happens: an event of these types that fulfils the condition. What is left out is not asked. */
export const Step = Schema.Struct({ from: Schema.optionalKey(EventTypes), where: Schema.optionalKey(Condition) })
export type Step = typeof Step.Type

/** What is computed of the values of a field, or of the number of events. */
export const Aggregate = Schema.Union([
  Schema.TaggedStruct("Count", {}),
  /** Events a second. */
  Schema.TaggedStruct("Rate", {}),
  Schema.TaggedStruct("Distinct", { of: FieldPath }),
  Schema.TaggedStruct("Sum", { of: BoundedTerm }),
  Schema.TaggedStruct("Avg", { of: BoundedTerm }),
  Schema.TaggedStruct("Min", { of: BoundedTerm }),
  Schema.TaggedStruct("Max", { of: BoundedTerm }),
  /** Of the sample: n − 1 below the line. */
  Schema.TaggedStruct("Stddev", { of: BoundedTerm }),
  /** By a t-digest, δ = 100. `q` from 0 to 1. */
  Schema.TaggedStruct("Quantile", { of: BoundedTerm, q: Plain.check(Schema.isBetween({ minimum: 0, maximum: 1 })) }),
  /** Exponentially weighted; `alpha` is the weight of the newest value. */
  Schema.TaggedStruct("Ewma", {
    of: BoundedTerm,
    alpha: Schema.Finite.check(Schema.isGreaterThan(0), Schema.isLessThanOrEqualTo(1))
  }),
  /** Of the least-squares line over event time, units a second. */
  Schema.TaggedStruct("Slope", { of: BoundedTerm }),
  /** Newest value less the oldest one. */
  Schema.TaggedStruct("Delta", { of: BoundedTerm })
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

const Threshold = Schema.Struct({ operator: Schema.Literals(comparisons), value: Plain })
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
    left: Schema.Struct({ from: EventTypes, as: Alias }),
    right: Schema.Struct({ from: EventTypes, as: Alias }),
    on: Schema.optionalKey(FieldPath),
    withinMillis: Span,
    where: Schema.optionalKey(Condition)
  })
])
export type PatternBody = typeof PatternBody.Type

const scalars: ReadonlyArray<string> = ["string", "number", "boolean"]

/** Why a value cannot be told to an actor. It is walked without recursion, for a hostile one may be nested deeper than the stack is. */
const payloadMisfit = (root: unknown): string | undefined => {
  const waiting: Array<{ readonly value: unknown; readonly depth: number }> = [{ value: root, depth: 0 }]
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const { value, depth } = next
    if (typeof value === "string" && !isConditionText(value))
      return "a text is too long, or with NUL or half of a surrogate pair"
    if (value === null || scalars.includes(typeof value)) continue
    if (typeof value !== "object") return "no JSON"
    if (depth === payloadDepthMax) return `more than ${payloadDepthMax} maps and lists within each other`
    for (const [key, below] of Object.entries(value)) {
      if (!isTwinKey(key)) return "a key is empty, too long or with control characters"
      waiting.push({ value: below, depth: depth + 1 })
    }
  }
  return undefined
}
const isPayload = Schema.makeFilter(payloadMisfit)

/** What a match has done. */
export const Action = Schema.Union([
  /** Publishes an event. */
  Schema.TaggedStruct("Event", { type: EventType }),
  /** Tells an actor a message; `$name` in the id and in the payload's texts stands for a field of the match. */
  Schema.TaggedStruct("Tell", {
    kind: Name,
    id: plainText(128),
    message: Name,
    payload: Schema.Unknown.check(isPayload).pipe(Schema.decodeTo(Schema.Json.check(isPayload)))
  }),
  /** Posts the match as JSON. */
  Schema.TaggedStruct("Webhook", {
    url: plainText(2048).check(Schema.isPattern(/^https?:\/\/[^\s]+$/, { expected: "an address, http:// or https://" }))
  }),
  /** Publishes the match as JSON on the embedded broker. */
  Schema.TaggedStruct("Mqtt", {
    topic: plainText(1024).check(Schema.isPattern(/^[^#+]+$/, { expected: "a topic without # and +" }))
  }),
  /** Raises an algedonic signal: pain that climbs until somebody takes care of it. */
  Schema.TaggedStruct("Raise", { signal: plainText(128) })
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
  /** Events that are late by no more than this still count. Of windows and joins. */
  allowLateMillis: Schema.optionalKey(positive(allowLateMillisMax)),
  /** What the match carries beside its facts: names and what they are computed from. */
  emit: Schema.optionalKey(
    Schema.Record(Name, BoundedTerm).check(
      Schema.makeFilter((values) => Object.keys(values).length <= emitMax || `more than ${emitMax} values`)
    )
  ),
  actions: Schema.Array(Action).check(Schema.isMaxLength(actionsMax)),
  /** After a match of a key, none for so long. */
  suppressMillis: Schema.optionalKey(Span)
})
export type Pattern = typeof Pattern.Type
