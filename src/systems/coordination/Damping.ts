/**
 * Keeps controllers from fighting over a knob. One that oscillates belongs to the controller of the highest rank, keeps its
 * direction for a time, and turns less and more slowly; once it has been quiet it is given back step by step.
 */
import { Conflict, Malformed } from "../../protocol/Errors.ts"
import type { Damping, KnobState, Setpoint, SetpointVerdict } from "../../protocol/vsm/Knob.ts"
import { deadBand, isOscillating, type Motion, motionOf } from "./Oscillation.ts"

const appliedMax = 32
const dwellMillisMin = 10_000
/** A knob of a very slow loop is not kept for longer, ms. */
const dwellMillisMax = 600_000
const gainMin = 1 / 8
/** So many dwells without a reversal, and the gain doubles. */
const quietDwells = 3
const escalationWindowMillis = 600_000
const escalationsMax = 3

/** What a controller wants. */
export interface Proposal {
  readonly value: number
  readonly min: number
  readonly max: number
  readonly by: string
  readonly rank?: number
}

/** Another controller has the knob; that somebody else wants it still is noted in the state. */
export interface Contended {
  readonly _tag: "Contended"
  readonly state: KnobState
  readonly conflict: Conflict
}

/** What came of a proposal. */
export interface Answer {
  readonly _tag: "Answer"
  readonly state: KnobState
  readonly verdict: SetpointVerdict
  /** It was held back, or more than before; `isStubborn` when that did not help for the third time. */
  readonly escalated?: { readonly motion: Motion; readonly damping: Damping; readonly isStubborn: boolean }
  /** It belongs to everybody again. */
  readonly isFreed: boolean
}

const within = (value: number, least: number, most: number): number => Math.min(most, Math.max(least, value))

/** A knob that nobody has turned. */
export const freshKnob = ({ min, max }: Pick<Proposal, "min" | "max">): KnobState => ({
  min,
  max,
  applied: [],
  escalations: []
})

const without = ({ damping: _, ...state }: KnobState): KnobState => state

/** Gives back what quiet has earned: the gain doubles after three dwells without a reversal, and at 1 the knob is free. */
export const recovered = (state: KnobState, now: number): KnobState => {
  const { damping } = state
  if (damping === undefined) return state
  const quietMillis = quietDwells * damping.dwellMillis
  const doublings = Math.floor((now - damping.quietSince) / quietMillis)
  if (doublings < 1) return state
  const gain = damping.gain * 2 ** Math.min(doublings, 10)
  return gain > 1
    ? without(state)
    : { ...state, damping: { ...damping, gain, quietSince: damping.quietSince + doublings * quietMillis } }
}

const highest = (applied: ReadonlyArray<Setpoint>, by: string): string =>
  applied.reduce<Setpoint | undefined>(
    // Of equals the one that came first: it does not change with every look.
    (best, each) => (best === undefined || each.rank > best.rank ? each : best),
    undefined
  )?.by ?? by

/** The damping that a motion asks for after the one before: half the gain, a dwell of two periods, the amplitude of the motion in one dwell. */
const tightened = ({ damping, min, max, applied }: KnobState, motion: Motion, now: number): Damping => {
  const recent = applied.filter(({ at }) => at >= now - escalationWindowMillis)
  const dwellMillis = Math.max(
    damping?.dwellMillis ?? 0,
    within(2 * (motion.periodMillis ?? 0), dwellMillisMin, dwellMillisMax)
  )
  return {
    owner: damping?.owner ?? highest(recent, applied.at(-1)?.by ?? ""),
    dwellMillis,
    dwellUntil: now + dwellMillis,
    gain: Math.max((damping?.gain ?? 1) / 2, gainMin),
    slope: Math.min(damping?.slope ?? Number.POSITIVE_INFINITY, (motion.amplitude * (max - min) * 1000) / dwellMillis),
    since: damping?.since ?? now,
    quietSince: now
  }
}

/** What a damped knob does of a change that is wanted: a part of it, no faster than its slope, and nothing back before its dwell. */
const held = ({ damping, applied }: KnobState, wanted: number, now: number): number => {
  const last = applied.at(-1)
  if (damping === undefined || last === undefined) return wanted
  const direction = lastDirection(applied)
  const change = damping.gain * (wanted - last.value)
  if (now < damping.dwellUntil && direction !== 0 && Math.sign(change) === -direction) return last.value
  const most = (damping.gain * damping.slope * Math.min(now - last.at, damping.dwellMillis)) / 1000
  return last.value + within(change, -most, most)
}

const lastDirection = (applied: ReadonlyArray<Setpoint>): number => {
  for (let place = applied.length - 1; place > 0; place--) {
    const direction = Math.sign((applied[place]?.value ?? 0) - (applied[place - 1]?.value ?? 0))
    if (direction !== 0) return direction
  }
  return 0
}

const misfit = ({ value, min, max }: Proposal): Malformed | undefined => {
  if (!(max > min)) return new Malformed({ path: "max", reason: `needs to be more than min, which is ${min}` })
  if (value < min || value > max)
    return new Malformed({ path: "value", reason: `needs to be from ${min} to ${max}; propose what the knob takes` })
  return undefined
}

/** One that is refused would have turned the knob: as long as somebody fights for it, it is not quiet. */
const contended = (state: KnobState, damping: Damping, { value, min, max }: Proposal, now: number): Contended => {
  const { owner, quietSince, dwellMillis } = damping
  const isFight = Math.abs(value - (state.applied.at(-1)?.value ?? value)) > deadBand * (max - min)
  // Noted now and then, so that who asks every moment does not write a row every moment.
  const isNoted = isFight && now >= quietSince + dwellMillis / 2
  const noted = isNoted ? { ...state, damping: { ...damping, quietSince: now } } : state
  const untilMs = (isNoted ? now : quietSince) + quietDwells * dwellMillis
  return { _tag: "Contended", state: noted, conflict: new Conflict({ holder: `the controller ${owner}`, untilMs }) }
}

/** Judges a proposal and applies what is left of it. */
export const propose = (before: KnobState, proposal: Proposal, now: number): Answer | Contended | Malformed => {
  const wrong = misfit(proposal)
  if (wrong !== undefined) return wrong
  const { by, rank = 0, min, max } = proposal
  const wasDamped = before.damping !== undefined
  let state = recovered({ ...before, min, max }, now)
  const isFreed = wasDamped && state.damping === undefined
  if (state.damping !== undefined && state.damping.owner !== by) return contended(state, state.damping, proposal, now)
  const value = within(held(state, proposal.value, now), min, max)
  const last = state.applied.at(-1)
  const isReversal =
    last !== undefined && value !== last.value && Math.sign(value - last.value) === -lastDirection(before.applied)
  const point: Setpoint = { at: now, value, by, rank }
  // The same value again says nothing, and would push out what does.
  if (last?.value !== value || last.by !== by)
    state = { ...state, applied: [...state.applied, point].slice(-appliedMax) }
  const motion = motionOf(state, now, state.damping?.since)
  const isOscillation = isOscillating(motion)
  // Held back, it still turned back: less of it is let through the next time.
  if (!isOscillation && (state.damping === undefined || !isReversal))
    return { _tag: "Answer", state, verdict: verdictOf(state, value), isFreed }
  const damping = tightened(state, motion, now)
  if (!isOscillation) {
    const held = { ...state, damping }
    return { _tag: "Answer", state: held, verdict: verdictOf(held, value), isFreed }
  }
  const escalations = [...state.escalations.filter((at) => at > now - escalationWindowMillis), now]
  const isStubborn = escalations.length >= escalationsMax
  state = { ...state, damping: { ...damping, since: now }, escalations: isStubborn ? [] : escalations }
  return {
    _tag: "Answer",
    state,
    verdict: verdictOf(state, value),
    escalated: { motion, damping, isStubborn },
    isFreed
  }
}

const verdictOf = ({ damping }: KnobState, value: number): SetpointVerdict => ({
  value,
  gain: damping?.gain ?? 1,
  dwellUntil: damping?.dwellUntil ?? 0
})
