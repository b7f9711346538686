/** A knob: a setting of a unit that several controllers may want to turn, and what is done when they fight over it. Times are ms since 1970. */
import { Schema } from "effect"

const instant = Schema.Finite
const share = Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 1 }))
const name = Schema.String.check(
  Schema.isPattern(/^[a-z0-9][a-zA-Z0-9._/-]{0,63}$/, {
    expected: "letters, digits, dots, slashes, hyphens and underscores, at most 64, a lower-case letter or digit first"
  })
)

/** Names a knob: the unit, and the setting of it. */
export const KnobId = Schema.Struct({ unit: name, knob: name })
export type KnobId = typeof KnobId.Type

/** One setpoint that was applied. */
export const Setpoint = Schema.Struct({ at: instant, value: Schema.Finite, by: name, rank: Schema.Int })
export type Setpoint = typeof Setpoint.Type

/** What a controller wants. */
export const proposalFields = {
  ...KnobId.fields,
  value: Schema.Finite,
  /** The least and the most that the knob takes: dead band, amplitude and slope are shares of what lies between. */
  min: Schema.Finite,
  max: Schema.Finite,
  /** Who proposes: the same controller under the same name each time. */
  by: name,
  /** Of controllers that fight, the one with the highest rank goes on; 0 unless said. */
  rank: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 100 })))
}

/** What the coordinator makes of a proposal. */
export const SetpointVerdict = Schema.Struct({
  /** To be applied: what was proposed, or less of it. */
  value: Schema.Finite,
  /** The proposer multiplies its own gain by this. */
  gain: share,
  /** The knob does not turn the other way until then; 0 while it is free. */
  dwellUntil: instant
})
export type SetpointVerdict = typeof SetpointVerdict.Type

/** How a knob is held back. Absent for one that is free. */
export const Damping = Schema.Struct({
  /** Only this controller turns it. */
  owner: name,
  /** How long it keeps its direction, ms, and until when it does now. */
  dwellMillis: Schema.Finite,
  dwellUntil: instant,
  gain: share,
  /** Most that it changes, of its own unit a second. */
  slope: Schema.Finite,
  /** When it was held back last, and the last reversal since. */
  since: instant,
  quietSince: instant
})
export type Damping = typeof Damping.Type

/** What rests of a knob. */
export const KnobState = Schema.Struct({
  min: Schema.Finite,
  max: Schema.Finite,
  /** The latest setpoints, oldest first. */
  applied: Schema.Array(Setpoint),
  damping: Schema.optionalKey(Damping),
  /** When it was held back, within the last ten minutes. */
  escalations: Schema.Array(instant)
})
export type KnobState = typeof KnobState.Type

/** What people see of a knob. */
export const KnobView = Schema.Struct({
  ...KnobId.fields,
  state: Schema.Literals(["free", "damped"]),
  value: Schema.optionalKey(Schema.Finite),
  /** Within the last minute. */
  reversals: Schema.Int,
  /** Of the last minute, as a share of its range. */
  amplitude: Schema.Finite,
  /** Commands of different controllers against each other. */
  opposing: Schema.Int,
  /** Two reversals to the same side lie so far apart, ms; absent while there are fewer. */
  periodMillis: Schema.optionalKey(Schema.Finite),
  gain: share,
  owner: Schema.optionalKey(Schema.String),
  dwellUntil: Schema.optionalKey(instant)
})
export type KnobView = typeof KnobView.Type
