/** Algedonic signals: what hurts or does good, how much, and who was asked to take care of it. Times are ms since 1970. */
import { Schema } from "effect"
import { VsmId } from "./VsmId.ts"

const count = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))
const instant = Schema.Finite

/** `pain` climbs until somebody takes care of it; `pleasure` is noted. */
export const Valence = Schema.Literals(["pain", "pleasure"])
export type Valence = typeof Valence.Type

/** How much: 0 is nothing, from 0.85 on it is pain beyond doubt, from 0.95 on agony. */
export const Intensity = Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 1 }))
/** From here on a signal goes up to the root and to people at once, and nothing may keep it back. */
export const agony = 0.95

/** What is felt, as `temperature_c` or `quarantined`: a part of the name of a signal, not of what it says. */
export const Metric = Schema.String.check(
  Schema.isPattern(/^[a-zA-Z0-9*][\w.:*-]{0,63}$/, { expected: "letters, digits and . : _ - *, at most 64" })
)
/** Who feels it, as `device/press-1`. */
export const Source = Schema.String.check(
  Schema.isPattern(/^[\w.:/*-]{1,200}$/, { expected: "kind/id of an actor, at most 200 characters" })
)
/** An actor as the source of a signal. What no source may be named with stands as a hyphen. */
export const sourceOf = (kind: string, id: string): string =>
  `${kind}/${id}`.replaceAll(/[^\w.:/*-]/g, "-").slice(0, 200)

/** Ids of events that prove a signal, at most. */
export const evidenceMax = 8

/** Below `base` nothing is felt; pain is beyond doubt at `pain` and agony begins at `agony`. Inverted where `agony` is the lowest. */
export const Thresholds = Schema.Struct({ base: Schema.Finite, pain: Schema.Finite, agony: Schema.Finite }).check(
  Schema.makeFilter(({ base, pain, agony: worst }) =>
    (base < pain && pain < worst) || (base > pain && pain > worst) ? undefined : "base, pain and agony are not in order"
  )
)
export type Thresholds = typeof Thresholds.Type

/** Something that is felt, as whoever feels it says it. */
export const Feeling = Schema.Struct({
  source: Source,
  metric: Metric,
  valence: Schema.optionalKey(Valence),
  /** What was measured: the thresholds of the metric say how much it hurts. */
  value: Schema.optionalKey(Schema.Finite),
  /** How much it hurts at the least; needed where nothing was measured, or the metric has no thresholds. */
  intensity: Schema.optionalKey(Intensity),
  ids: Schema.optionalKey(Schema.Array(Schema.String.check(Schema.isMaxLength(64))).check(Schema.isMaxLength(32))),
  /** It is over. Agony stays until somebody has acknowledged it. */
  isOver: Schema.optionalKey(Schema.Boolean)
})
export type Feeling = typeof Feeling.Type

/**
 * Who is asked now: `unit` are the VSM's operations and control, `policy` the VSM itself, `parent` whoever is above, `person` a
 * person. `filtered` and `none` ask nobody.
 */
export const Stage = Schema.Literals(["unit", "policy", "parent", "person", "filtered", "none"])
export type Stage = typeof Stage.Type

/** Who takes care of it: a subsystem, or a person. */
export const CareLevel = Schema.Literals(["unit", "control", "policy", "person"])
export type CareLevel = typeof CareLevel.Type

/** Somebody takes care. It covers the signal as strong as it was then. */
export const Acknowledgement = Schema.Struct({
  by: Schema.String,
  level: CareLevel,
  action: Schema.String,
  at: instant,
  intensity: Intensity
})
export type Acknowledgement = typeof Acknowledgement.Type

/** A signal as a channel keeps it, and as people see it. */
export const Signal = Schema.Struct({
  /** The VSM that felt it first, a dot, and a number. */
  id: Schema.String,
  /** `*` for what was merged in a flood. */
  source: Schema.String,
  metric: Schema.String,
  valence: Valence,
  /** The most since it was opened. */
  intensity: Intensity,
  value: Schema.optionalKey(Schema.Finite),
  /** How often it was felt. */
  count,
  /** Ids of events that prove the strongest of it. */
  ids: Schema.Array(Schema.String),
  since: instant,
  /** When it was opened last: something that was taken care of may become worse. */
  openedAt: instant,
  lastAt: instant,
  origin: VsmId,
  /** The VSM that it came up from: a child, or of agony the one that feels it. */
  from: Schema.optionalKey(VsmId),
  stage: Stage,
  /** When the next is asked; absent where nothing follows. */
  ackBy: Schema.optionalKey(instant),
  /** It went up. */
  hasClimbed: Schema.Boolean,
  /** All above who were told at once by this one, from the root down. */
  told: Schema.optionalKey(Schema.Array(VsmId)),
  /** How often a person was called. */
  calls: count,
  ack: Schema.optionalKey(Acknowledgement),
  /** It has stopped by itself. */
  overAt: Schema.optionalKey(instant),
  /** Below this nothing is felt at present: what lasts is got used to. */
  base: Schema.optionalKey(Schema.Finite)
})
export type Signal = typeof Signal.Type

/** Pains weaker than `below` ask nobody, if their metric matches. */
export const Filter = Schema.Struct({
  /** A glob. */
  metric: Metric,
  below: Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: agony })),
  until: Schema.optionalKey(instant)
})
export type Filter = typeof Filter.Type
