/** One transition of a VSM under way: its rules change it one after another, its outcome is what leaves. */
import type { HolonError } from "../../protocol/Errors.ts"
import type { Told } from "../../protocol/vsm/Channels.ts"
import { rootId, VsmId } from "../../protocol/vsm/VsmId.ts"
import type { VsmState, VsmStatus } from "../../protocol/vsm/VsmState.ts"
import type * as Behaviour from "../Behaviour.ts"

/** Tells that may stand in the outbox before what can wait does. */
const tellsMax = 160

/** Memory of one activation: when its parent is asked next whether it is there, and since when it has not answered. */
export interface Resident {
  readonly leaseAt: number
  readonly lostSince?: number
}

/** What a transition of a VSM may look at. */
export type Context = Behaviour.TransitionContext<Resident>
/** What leaves one that somebody waits for. */
export type Outcome<Reply> = Behaviour.Outcome<VsmState, Resident, Reply, HolonError>
/** What leaves one that nobody waits for. */
export type Noted = Behaviour.Outcome<VsmState, Resident, void, never>

/** One transition under way. */
export interface Turn {
  readonly context: Context
  readonly id: VsmId
  readonly now: number
  state: VsmState
  resident: Resident
  readonly tells: Array<Behaviour.Tell>
  readonly events: Array<Behaviour.Emitted>
  readonly effects: Array<Behaviour.EffectOrder>
}

/** Begins a transition. */
export const begin = (state: VsmState, context: Context): Turn => ({
  context,
  id: VsmId.make(context.self.id),
  now: context.now,
  state,
  resident: context.resident,
  tells: [],
  events: [],
  effects: []
})

/** What leaves it, for what nobody waits for. */
export const notedOf = ({ state, resident, tells, events, effects }: Turn): Noted => ({
  state,
  resident,
  tells,
  events,
  effects
})

/** What leaves it, with a reply. */
export const repliedOf = <Reply>(turn: Turn, reply: Reply): Outcome<Reply> => {
  const { state, resident, tells, events, effects } = turn
  return { state, resident, tells, events, effects, reply }
}

/** The id of the parent; nothing for the root. */
export const parentOf = ({ path }: VsmState): VsmId | undefined => path.at(-2)

/** Tells a VSM. */
export const tellVsm = (turn: Turn, id: VsmId, message: Told<"vsm", "vsm">, payload: unknown): void => {
  turn.tells.push({ to: { kind: "vsm", id }, message, payload })
}

/** Tells the guard of the recursion. */
export const tellGuard = (turn: Turn, message: Told<"vsm", "recursion">, payload: unknown): void => {
  turn.tells.push({ to: { kind: "recursion", id: rootId }, message, payload })
}

/** Tells the algedonic channel of the VSM, or of the one with this id. `causedBy` is the place of the event that says it too. */
export const tellChannel = (
  turn: Turn,
  message: Told<"vsm", "algedonic">,
  payload: unknown,
  { causedBy, id = turn.id }: { readonly causedBy?: number; readonly id?: string | undefined } = {}
): void => {
  const to = { kind: "algedonic", id }
  turn.tells.push({ to, message, payload, ...(causedBy === undefined ? {} : { causedBy }) })
}

/** Tells a device. */
export const tellDevice = (turn: Turn, id: string, message: Told<"vsm", "device">, payload: unknown): void => {
  turn.tells.push({ to: { kind: "device", id }, message, payload })
}

/** Whether another tell may leave now, or had better wait. */
export const hasRoom = ({ context, tells }: Turn): boolean => context.tellCount + tells.length < tellsMax

/** Moves to another status. */
export const become = (turn: Turn, status: VsmStatus, reason?: string): void => {
  const { reason: _, ...state } = turn.state
  turn.state = { ...state, status, since: turn.now, ...(reason === undefined ? {} : { reason }) }
}

/** A map with a value put in. */
export const put = <K, A>(map: ReadonlyMap<K, A>, key: K, value: A): ReadonlyMap<K, A> => new Map(map).set(key, value)

/** A map without a key. */
export const drop = <K, A>(map: ReadonlyMap<K, A>, key: K): ReadonlyMap<K, A> => {
  const next = new Map(map)
  next.delete(key)
  return next
}
