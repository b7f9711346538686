/** One transition of an immune system under way: its rules change it one after another, its outcome is what leaves. */
import type { EffectOrder, Emitted, Outcome, Tell, TransitionContext } from "../../../actors/Behaviour.ts"
import type { HolonError } from "../../../protocol/Errors.ts"
import type { ImmuneState } from "../../../protocol/vsm/Immune.ts"
import { type Mitigation, partsOf, type Subject, type Suspect } from "../../../protocol/vsm/Threat.ts"
import { VsmId } from "../../../protocol/vsm/VsmId.ts"
import type { Fleet } from "./SafetyGate.ts"

/** Memory of one activation. */
export interface Resident {
  /** Number of the look at the event stream; the outcome of another one changes nothing. */
  readonly look: number
  /** When to look again if nothing is heard, ms. */
  readonly lookDueAt: number
  /** When the cursor was last written, ms. */
  readonly notedAt: number
  /** How far it has read; ahead of the row where nothing was found. */
  readonly cursor: string | undefined
  /** Number of the count of the fleet, when to count again, and what it came to. */
  readonly count: number
  readonly countDueAt: number
  readonly fleet: Fleet | undefined
  readonly countedAt: number
}

/** Memory of a new activation. */
export const freshResident = ({ cursor }: ImmuneState, now: number): Resident => ({
  look: 0,
  lookDueAt: now,
  notedAt: now,
  cursor,
  count: 0,
  countDueAt: Number.POSITIVE_INFINITY,
  fleet: undefined,
  countedAt: 0
})

export type Context = TransitionContext<Resident>
/** What leaves one that somebody waits for. */
export type Answered<Reply> = Outcome<ImmuneState, Resident, Reply, HolonError>
/** What leaves one that nobody waits for. */
export type Noted = Outcome<ImmuneState, Resident, void, never>

/** One transition under way. */
export interface Turn {
  readonly context: Context
  readonly id: VsmId
  readonly now: number
  state: ImmuneState
  resident: Resident
  readonly events: Array<Emitted>
  readonly tells: Array<Tell>
  readonly effects: Array<EffectOrder>
}

/** Begins a transition. */
export const begin = (state: ImmuneState, context: Context): Turn => ({
  context,
  id: VsmId.make(context.self.id),
  now: context.now,
  state,
  resident: context.resident,
  events: [],
  tells: [],
  effects: []
})

/** What leaves it, for what nobody waits for. */
export const notedOf = ({ state, resident, events, tells, effects }: Turn): Noted => ({
  state,
  resident,
  events,
  tells,
  effects
})

/** What leaves it, with a reply. */
export const repliedOf = <Reply>(turn: Turn, reply: Reply): Answered<Reply> => ({ ...notedOf(turn), reply })

/** Writes a suspect, or forgets it. */
export const writeSuspect = (turn: Turn, subject: Subject, suspect: Suspect | undefined): void => {
  const suspects = new Map(turn.state.suspects)
  if (suspect === undefined) suspects.delete(subject)
  else suspects.set(subject, suspect)
  turn.state = { ...turn.state, suspects }
}

/** Writes a mitigation. */
export const write = (turn: Turn, mitigation: Mitigation): Mitigation => {
  turn.state = { ...turn.state, mitigations: new Map(turn.state.mitigations).set(mitigation.id, mitigation) }
  return mitigation
}

/** What is done now. */
export const activeOf = ({ mitigations }: ImmuneState): ReadonlyArray<Mitigation> =>
  [...mitigations.values()].filter(({ state }) => state === "active")

/** Says something of a subject on the event stream; answers its place among the events. */
export const say = (
  turn: Turn,
  type: string,
  subject: Subject,
  data: object,
  { severity, ids }: { readonly severity: "info" | "warn"; readonly ids: ReadonlyArray<string> }
): number => {
  const causes = turn.context.asker.role === "internal" && ids.length > 0 ? { because: { causes: ids } } : {}
  return turn.events.push({ type, severity, unit: partsOf(subject).id, data, ...causes }) - 1
}
