/** One transition of a dispatcher under way: its rules change it one after another, its outcome is what leaves. */
import type * as Behaviour from "../../../actors/Behaviour.ts"
import type { HolonError } from "../../../protocol/Errors.ts"
import type { DispatcherState } from "../../../protocol/vsm/Dispatcher.ts"
import type { Act, Chunk, Ended, Op } from "../../../protocol/vsm/Op.ts"
import { VsmId } from "../../../protocol/vsm/VsmId.ts"
import type { RateLimiter } from "../../coordination/RateLimiter.ts"
import { remember } from "./Memory.ts"
import type { Stops } from "./Stops.ts"
import type { Stopwatch } from "./Timing.ts"

/** Memory of one activation. */
export interface Resident {
  /** Who has asked how much of late. */
  readonly limiter: RateLimiter
  /** Which effects are to stop. */
  readonly stops: Stops
  /** Ops whose effects run here. */
  readonly running: ReadonlySet<string>
}

/** What a transition of a dispatcher may look at. */
export type Context = Behaviour.TransitionContext<Resident>
/** What leaves one that somebody waits for. */
export type Outcome<Reply> = Behaviour.Outcome<DispatcherState, Resident, Reply, HolonError>
/** What leaves one that nobody waits for. */
export type Noted = Behaviour.Outcome<DispatcherState, Resident, void, never>

/** One transition under way. */
export interface Turn {
  readonly context: Context
  readonly id: VsmId
  readonly now: number
  readonly stopwatch: Stopwatch
  state: DispatcherState
  resident: Resident
  readonly tells: Array<Behaviour.Tell>
  readonly events: Array<Behaviour.Emitted>
  readonly effects: Array<Behaviour.EffectOrder>
}

/** Begins a transition. */
export const begin = (state: DispatcherState, context: Context, stopwatch: Stopwatch): Turn => ({
  context,
  id: VsmId.make(context.self.id),
  now: context.now,
  stopwatch,
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

/** Writes an op that is under way. */
export const write = (turn: Turn, op: Op): Op => {
  turn.state = { ...turn.state, ops: new Map(turn.state.ops).set(op.op, op) }
  return op
}

/** Writes what an op consists of. */
export const writeActs = (turn: Turn, { op }: Op, acts: ReadonlyArray<Act>): void => {
  turn.state = { ...turn.state, acts: new Map(turn.state.acts).set(op, acts) }
}

/** Writes what came of an op so far. */
export const writeChunks = (turn: Turn, { op }: Op, chunks: ReadonlyArray<Chunk>): void => {
  turn.state = { ...turn.state, chunks: new Map(turn.state.chunks).set(op, chunks) }
}

const without = <A>(map: ReadonlyMap<string, A>, key: string): ReadonlyMap<string, A> => {
  const next = new Map(map)
  next.delete(key)
  return next
}

/** Moves an op from those under way to those that are remembered. */
export const retire = (turn: Turn, ended: Ended): void => {
  const { ops, acts, chunks } = turn.state
  const { op } = ended.view
  turn.state = {
    ...turn.state,
    ops: without(ops, op),
    acts: without(acts, op),
    chunks: without(chunks, op)
  }
  turn.state = remember(turn.state, ended, turn.now)
}

/** Tells the dispatcher of another VSM. */
export const tellDispatcher = (turn: Turn, { because }: Op, id: VsmId, message: string, payload: unknown): void => {
  turn.tells.push({
    to: { kind: "dispatcher", id },
    message,
    payload,
    ...(because !== undefined && { because })
  })
}
