/** One transition of a channel under way: its rules change it one after another, its outcome is what leaves. */
import type { Emitted, Outcome, Tell, TransitionContext } from "../../../actors/Behaviour.ts"
import type { HolonError } from "../../../protocol/Errors.ts"
import type { AlgedonicState } from "../../../protocol/vsm/Algedonic.ts"
import type { Told } from "../../../protocol/vsm/Channels.ts"
import { agony, type Signal } from "../../../protocol/vsm/Signal.ts"
import { VsmId } from "../../../protocol/vsm/VsmId.ts"

export type Context = TransitionContext<undefined>
/** What leaves one that somebody waits for. */
export type Answered<Reply> = Outcome<AlgedonicState, undefined, Reply, HolonError>
/** What leaves one that nobody waits for. */
export type Noted = Outcome<AlgedonicState, undefined, void, never>

/** One transition under way. */
export interface Turn {
  readonly context: Context
  readonly id: VsmId
  readonly now: number
  state: AlgedonicState
  readonly events: Array<Emitted>
  readonly tells: Array<Tell>
}

/** Begins a transition. */
export const begin = (state: AlgedonicState, context: Context): Turn => ({
  context,
  id: VsmId.make(context.self.id),
  now: context.now,
  state,
  events: [],
  tells: []
})

/** What leaves it, for what nobody waits for. */
export const notedOf = ({ state, events, tells }: Turn): Noted => ({ state, events, tells })

/** What leaves it, with a reply. */
export const repliedOf = <Reply>({ state, events, tells }: Turn, reply: Reply): Answered<Reply> => ({
  state,
  events,
  tells,
  reply
})

/** Writes a signal. */
export const write = (turn: Turn, signal: Signal): Signal => {
  turn.state = { ...turn.state, signals: new Map(turn.state.signals).set(signal.id, signal) }
  return signal
}

/** Forgets a signal. */
export const drop = (turn: Turn, id: string): void => {
  const signals = new Map(turn.state.signals)
  signals.delete(id)
  turn.state = { ...turn.state, signals }
}

/** Above which the VSM stands; nothing at the root, and where its place is not known. */
export const parentOf = ({ state }: Turn): VsmId | undefined => state.path?.at(-2)

/** Tells another channel. */
export const tellChannel = (turn: Turn, id: VsmId, message: Told<"algedonic", "algedonic">, payload: unknown): void => {
  turn.tells.push({ to: { kind: "algedonic", id }, message, payload })
}

/** Whether it is too strong to wait for anybody. */
export const isAgony = ({ valence, intensity }: Signal): boolean => valence === "pain" && intensity >= agony

const severityOf = (signal: Signal): "info" | "warn" | "critical" => {
  if (signal.valence === "pleasure") return "info"
  return isAgony(signal) ? "critical" : "warn"
}

/** Says on the event stream what has become of a signal. */
export const say = (turn: Turn, type: string, signal: Signal, more: object = {}): void => {
  const { id, source, metric, intensity, count, ids } = signal
  turn.events.push({
    type,
    severity: severityOf(signal),
    unit: source.slice(source.indexOf("/") + 1),
    data: { signal: id, source, metric, intensity, count, ids, ...more }
  })
}
