/** The dispatcher actor of a VSM. What an op passes stands beside it: Admission, Understanding, Carrying, and the end of it. */
import { Effect } from "effect"
import * as Behaviour from "../../../actors/Behaviour.ts"
import { type HolonError, NotFound } from "../../../protocol/Errors.ts"
import { Dispatcher, type DispatcherState } from "../../../protocol/vsm/Dispatcher.ts"
import type { OpView } from "../../../protocol/vsm/Op.ts"
import { rootId } from "../../../protocol/vsm/VsmId.ts"
import { RateLimiter } from "../../coordination/RateLimiter.ts"
import { admit, isAdmitted, isRepeat } from "./Admission.ts"
import { cancel, progressed, reported, type Stop, type Work, type Worked, work, worked } from "./Course.ts"
import { delegated } from "./Delegation.ts"
import { opsDue, revive } from "./Reviving.ts"
import { Stops } from "./Stops.ts"
import { storage } from "./Stored.ts"
import type { Stopwatch } from "./Timing.ts"
import { begin, type Context, type Noted, notedOf, type Resident, repliedOf, type Turn, write } from "./Turn.ts"
import { concerns, list, look, viewOf } from "./Views.ts"
import { working } from "./Working.ts"

const initial: DispatcherState = {
  ops: new Map(),
  acts: new Map(),
  chunks: new Map(),
  recent: new Map(),
  pages: [],
  tallies: new Map()
}

/** One op, where it is any business of who asks. */
const seen = (state: DispatcherState, op: string, { asker }: Context): OpView | undefined => {
  const known = look(state, op)
  return known !== undefined && concerns(asker, known) ? known : undefined
}

const unknown = (op: string) => Behaviour.refuse<HolonError>(new NotFound({ what: `op ${op}` }))

/** The behaviour of dispatchers; the stopwatch measures the steps that take no time of a clock. */
export const dispatcherBy = (stopwatch: Stopwatch): Behaviour.AnyBehaviour => {
  const noted =
    <Payload>(change: (turn: Turn, payload: Payload) => void) =>
    (state: DispatcherState, payload: Payload, context: Context): Noted => {
      const turn = begin(state, context, stopwatch)
      change(turn, payload)
      return notedOf(turn)
    }

  return Behaviour.make<Dispatcher, Resident>(Dispatcher, {
    initial: () => initial,
    awake: () => ({ limiter: new RateLimiter(), stops: new Stops(), running: new Set() }),
    storage,
    vsmOf: (_state, id) => (id === rootId ? undefined : id),
    actsForOthers: true,
    supervisor: (id) => ({ kind: "vsm", id }),
    atTakeover: ({ ops }) => ops.size > 0,
    dueAt: (state) => (state.ops.size === 0 ? undefined : opsDue(state)),
    residentDueAt: (state) => (state.ops.size === 0 ? undefined : opsDue(state)),
    timeout: (state, context) => (state.ops.size === 0 ? {} : noted<undefined>(revive)(state, undefined, context)),
    // What effects are begun with and come to went through no storage, so it is what was made.
    effects: {
      work: (input) => working(input as Work, stopwatch),
      stop: (input) => {
        const { stops, op } = input as Stop
        return Effect.sync(() => stops.stop(op))
      }
    },
    completed: (state, { name, id, outcome }, context) => {
      if (name === "work")
        return noted<Worked>((turn, came) => worked(turn, id, came))(state, outcome as Worked, context)
      if (!state.ops.has(id)) context.resident.stops.forget(id)
      return {}
    },

    DispatchIntent: (state, order, context) => {
      const turn = begin(state, context, stopwatch)
      const verdict = admit(turn, order)
      if (!isAdmitted(verdict)) return isRepeat(verdict) ? { reply: verdict } : Behaviour.refuse(verdict)
      const { op, by, path, text, intent, because } = write(turn, verdict)
      turn.events.push({
        type: "op.started",
        ...(because !== undefined && { because }),
        data: {
          op,
          by,
          path,
          ...(text !== undefined && { text }),
          ...(intent !== undefined && { capability: intent.capability })
        }
      })
      work(turn, verdict)
      return repliedOf(turn, viewOf(verdict))
    },
    CancelOp: (state, { op: id }, context) => {
      const op = state.ops.get(id)
      const known = seen(state, id, context)
      if (known === undefined) return unknown(id)
      if (op === undefined) return { reply: known }
      const turn = begin(state, context, stopwatch)
      return repliedOf(turn, viewOf(cancel(turn, op), state.chunks.get(id)))
    },
    OpStatus: (state, { op }, context) => {
      const reply = seen(state, op, context)
      return reply === undefined ? unknown(op) : { reply }
    },
    WatchOp: (state, { op }, context) => {
      const reply = seen(state, op, context)
      return reply === undefined ? unknown(op) : { reply }
    },
    ListOps: (state, asked, { asker }) => ({ reply: { ops: list(state, asked, asker) } }),

    Delegate: noted(delegated),
    CancelDelegated: noted((turn, { op: id }) => {
      const op = turn.state.ops.get(id)
      if (op !== undefined) cancel(turn, op)
    }),
    Reported: noted(reported),
    Progress: noted(progressed)
  })
}

/** The behaviour of dispatchers on a node. */
export const dispatcher: Behaviour.AnyBehaviour = dispatcherBy(() => performance.now())
