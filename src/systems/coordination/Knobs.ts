/** The knobs of a coordinator: what is proposed for each, what becomes of it, and what people see. */
import type { Emitted } from "../../actors/Behaviour.ts"
import { Backpressure, type Conflict, type Malformed } from "../../protocol/Errors.ts"
import type { KnobId, KnobState, KnobView, SetpointVerdict } from "../../protocol/vsm/Knob.ts"
import { type Feeling, sourceOf } from "../../protocol/vsm/Signal.ts"
import { freshKnob, type Proposal, propose, recovered } from "./Damping.ts"
import { motionOf } from "./Oscillation.ts"

const knobsMax = 1024
/** A knob that nobody has turned for so long is forgotten, ms. */
const forgetMillis = 3_600_000
/** How much it hurts that controllers fight again and again, 0 to 1. */
const oscillationPain = 0.8
/** What is said of it on the algedonic channel. */
const metric = "oscillating"

/** All knobs, by unit and name. */
export type Knobs = ReadonlyMap<string, KnobState>

/** What came of a proposal; `knobs` is another map where something changed. */
export interface Turned {
  readonly knobs: Knobs
  readonly reply?: SetpointVerdict
  readonly refusal?: Backpressure | Conflict | Malformed
  readonly events: ReadonlyArray<Emitted>
  /** What the VSM feels of the last of the events. */
  readonly feeling?: Feeling
}

const keyOf = ({ unit, knob }: KnobId): string => `${unit} ${knob}`

const idOf = (key: string): KnobId => {
  const [unit = "", knob = ""] = key.split(" ")
  return { unit, knob }
}

const withoutForgotten = (knobs: Knobs, now: number): Knobs => {
  const kept = [...knobs].filter(([, { applied }]) => (applied.at(-1)?.at ?? 0) > now - forgetMillis)
  return kept.length === knobs.size ? knobs : new Map(kept)
}

/** Judges a proposal for one knob. */
export const proposed = (before: Knobs, id: KnobId, proposal: Proposal, now: number): Turned => {
  const key = keyOf(id)
  const known = before.get(key)
  const knobs = known === undefined ? withoutForgotten(before, now) : before
  if (known === undefined && knobs.size >= knobsMax)
    return { knobs, events: [], refusal: new Backpressure({ bucket: "the list of knobs", retryAfterMs: 60_000 }) }
  const answer = propose(known ?? freshKnob(proposal), proposal, now)
  if (answer._tag === "Malformed") return { knobs, events: [], refusal: answer }
  const next = answer.state === known ? knobs : new Map(knobs).set(key, answer.state)
  if (answer._tag === "Contended") return { knobs: next, events: [], refusal: answer.conflict }
  const events: Array<Emitted> = []
  const source = sourceOf("knob", `${id.unit}/${id.knob}`)
  let feeling: Feeling | undefined
  if (answer.isFreed) {
    events.push({ type: "knob.freed", data: id })
    feeling = { source, metric, intensity: 0, isOver: true }
  }
  if (answer.escalated !== undefined) {
    const { motion, damping, isStubborn } = answer.escalated
    const { owner, gain } = damping
    const { reversals, amplitude, opposing } = motion
    events.push({ type: "knob.damped", severity: "warn", data: { ...id, owner, gain, reversals, amplitude, opposing } })
    if (isStubborn) {
      const data = { ...id, owner, intensity: oscillationPain }
      events.push({ type: "knob.oscillating", severity: "critical", data })
      feeling = { source, metric, intensity: oscillationPain }
    }
  }
  return { knobs: next, events, reply: answer.verdict, ...(feeling === undefined ? {} : { feeling }) }
}

/** The knobs of a unit, or all of them, for people. */
export const viewsOf = (knobs: Knobs, unit: string | undefined, now: number): ReadonlyArray<KnobView> =>
  [...knobs]
    .map(([key, state]) => ({ id: idOf(key), state: recovered(state, now) }))
    .filter(({ id }) => unit === undefined || id.unit === unit)
    .map(({ id, state }) => {
      const { reversals, amplitude, opposing, periodMillis } = motionOf(state, now)
      const { damping } = state
      const value = state.applied.at(-1)?.value
      return {
        ...id,
        state: damping === undefined ? "free" : "damped",
        ...(value === undefined ? {} : { value }),
        reversals,
        amplitude,
        opposing,
        ...(periodMillis === undefined ? {} : { periodMillis }),
        gain: damping?.gain ?? 1,
        ...(damping === undefined ? {} : { owner: damping.owner, dwellUntil: damping.dwellUntil })
      } satisfies KnobView
    })
