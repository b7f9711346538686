/** What an utterance means: an intent that can be acted on, or why it cannot, with a question back. */
import { Schema } from "effect"
import { ConnectionState } from "../Device.ts"
import { capabilityNames } from "./Capabilities.ts"

/** One way of choosing devices; all that it says must hold. One that says nothing chooses all. */
export const Selection = Schema.Struct({
  id: Schema.optionalKey(Schema.String),
  /** `*` stands for any run of characters of the id. */
  glob: Schema.optionalKey(Schema.String),
  /** The profile. */
  kind: Schema.optionalKey(Schema.String),
  /** In this zone or one in it. */
  zone: Schema.optionalKey(Schema.String),
  /** Units of this VSM and of all below it. */
  vsm: Schema.optionalKey(Schema.String),
  state: Schema.optionalKey(ConnectionState)
})
export type Selection = typeof Selection.Type

/** Devices: what one of the selections chooses and none of the exceptions does. */
export const Targets = Schema.Struct({ of: Schema.Array(Selection), except: Schema.Array(Selection) })
export type Targets = typeof Targets.Type

/** The arguments of a capability by name. Numbers are in the unit that `unit`, or the name, says. */
export const Arguments = Schema.Record(Schema.String, Schema.Union([Schema.Finite, Schema.String, Schema.Boolean]))
export type Arguments = typeof Arguments.Type

/** What can be asked for. */
export const Capability = Schema.Literals(capabilityNames)
export type Capability = typeof Capability.Type

/** An utterance that was understood whole. */
export const Intent = Schema.TaggedStruct("Intent", {
  capability: Capability,
  /** Absent where it is not about devices. */
  targets: Schema.optionalKey(Targets),
  args: Arguments,
  /** 0 to 1; 1 where nothing had to be concluded. */
  confidence: Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 1 })),
  /** What was concluded and not said, in sentences. */
  unclear: Schema.Array(Schema.String),
  source: Schema.Literals(["grammar", "cache"])
})
export type Intent = typeof Intent.Type

/**
 * Why nothing is done. `ambiguous`: it can mean several things. `missing`: something was left out. `unknown`: a name or word
 * that nobody has told of. `negated`, `hypothetical`, `reported`: it speaks of an act and orders none. `conditional`, `timed`:
 * an act at another time than now. `several`: more than one order. `quoted`: words of somebody else. `range`, `unit`, `value`:
 * what a field cannot be. `inapplicable`: the devices do not have it. `nothing`: no device is chosen. `empty` and `long` are of
 * the text; `strange` is everything else.
 */
export const unclearReasons = [
  "ambiguous",
  "missing",
  "unknown",
  "negated",
  "hypothetical",
  "reported",
  "conditional",
  "timed",
  "several",
  "quoted",
  "range",
  "unit",
  "value",
  "inapplicable",
  "nothing",
  "taken",
  "empty",
  "long",
  "strange"
] as const
export const UnclearReason = Schema.Literals(unclearReasons)
export type UnclearReason = typeof UnclearReason.Type

/** An utterance that nothing is done about. */
export const Unclear = Schema.TaggedStruct("Unclear", {
  reason: UnclearReason,
  /** What to ask back, in a sentence. */
  question: Schema.String,
  /** What it may mean, where it can mean several things. */
  readings: Schema.Array(Intent),
  /** What was left out. */
  missing: Schema.Array(Schema.String),
  /** Names that may have been meant, nearest first. */
  suggestions: Schema.Array(Schema.String)
})
export type Unclear = typeof Unclear.Type
