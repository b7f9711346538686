/**
 * The algedonic channel of a VSM. It is an actor of its own, so that it hears what hurts though the VSM and its subsystems are
 * busy, stand still or crash.
 */
import { Schema } from "effect"
import * as Behaviour from "../../../actors/Behaviour.ts"
import { vsmOver } from "../../../actors/Supervisor.ts"
import { Malformed, NotFound, TooLarge } from "../../../protocol/Errors.ts"
import { Algedonic, type AlgedonicState, type ChannelView, settingsMax } from "../../../protocol/vsm/Algedonic.ts"
import type { Signal } from "../../../protocol/vsm/Signal.ts"
import { rootId, VsmId } from "../../../protocol/vsm/VsmId.ts"
import { acknowledge, forgetQuiet, quietAt, resolve } from "./Care.ts"
import { passOverdue, strand } from "./Climbing.ts"
import { feel, takeClimb, takeResolved } from "./Feeling.ts"
import { isStricter, thresholdsKnown } from "./Intensity.ts"
import { storage } from "./Stored.ts"
import { sayPain } from "./Telling.ts"
import { type Answered, begin, type Context, type Noted, notedOf, repliedOf, type Turn } from "./Turn.ts"

const isVsmId = Schema.is(VsmId)
/** How much something hurts that was told without a word about that. */
const unsaid = 0.6

/** Those that somebody is asked about first, then the strongest. */
const rank = ({ stage, ack, intensity }: Signal): number =>
  intensity + (ack === undefined && stage !== "filtered" && stage !== "none" ? 2 : 0)

const viewOf = ({ path, signals, thresholds, filters }: AlgedonicState, id: string): ChannelView => ({
  vsm: VsmId.make(id),
  ...(path === undefined ? {} : { path }),
  signals: [...signals.values()].sort((one, other) => rank(other) - rank(one)),
  thresholds,
  filters
})

/** Every change may have to be said to the VSM. */
const settled = (turn: Turn): Turn => {
  sayPain(turn)
  return turn
}

const answered = <Reply>(turn: Turn, reply: Reply): Answered<Reply> => repliedOf(settled(turn), reply)

const noted =
  <Payload>(change: (turn: Turn, payload: Payload) => void) =>
  (state: AlgedonicState, payload: Payload, context: Context): Noted => {
    const turn = begin(state, context)
    change(turn, payload)
    return notedOf(settled(turn))
  }

const unknownIntensity = new Malformed({
  path: "intensity",
  reason: "how much it is must be said: with an intensity, or a value of a metric that has thresholds"
})

/** The behaviour of the channels. */
export const algedonic: Behaviour.AnyBehaviour = Behaviour.make<Algedonic>(Algedonic, {
  initial: (id) => ({
    ...(id === rootId ? { path: [rootId] } : {}),
    last: 0,
    signals: new Map(),
    thresholds: {},
    filters: []
  }),
  storage,
  vsmOf: (_state, id) => (id === rootId ? undefined : id),
  supervisor: vsmOver,

  dueAt: ({ signals, sayAt }) => {
    let due = sayAt ?? Number.POSITIVE_INFINITY
    for (const signal of signals.values())
      due = Math.min(due, signal.ackBy ?? Number.POSITIVE_INFINITY, quietAt(signal))
    return due === Number.POSITIVE_INFINITY ? undefined : due
  },
  timeout: (state, context) => {
    const turn = begin(state, context)
    passOverdue(turn)
    forgetQuiet(turn)
    return notedOf(settled(turn))
  },
  undelivered: (state, { to, message, payload }, context) => {
    const turn = begin(state, context)
    const { id } = Object(Object(payload).signal)
    if (message === "Climb" && typeof id === "string") strand(turn, id, to.id)
    return notedOf(settled(turn))
  },

  GetSignals: (state, _payload, { self }) => ({ reply: viewOf(state, self.id) }),
  Watch: (state, _payload, { self }) => ({ reply: viewOf(state, self.id) }),

  Raise: (state, feeling, context) => {
    const turn = begin(state, context)
    const signal = feel(turn, feeling)
    return signal === "unknown" ? Behaviour.refuse(unknownIntensity) : answered(turn, signal ?? null)
  },
  Ack: (state, { signal: id, level = "person", action }, context) => {
    const turn = begin(state, context)
    const signal = state.signals.get(id)
    if (signal === undefined) return Behaviour.refuse(new NotFound({ what: `signal ${id} in ${turn.id}` }))
    const { now, asker } = context
    const ack = { by: `${asker.kind}/${asker.id}`, level, action, at: now, intensity: signal.intensity }
    return answered(turn, acknowledge(turn, signal, ack))
  },
  Resolve: (state, { signal: id }, context) => {
    const turn = begin(state, context)
    const signal = state.signals.get(id)
    if (signal === undefined) return Behaviour.refuse(new NotFound({ what: `signal ${id} in ${turn.id}` }))
    resolve(turn, signal, "resolved")
    return answered(turn, signal)
  },
  SetThresholds: (state, { metric, thresholds: wanted }, context) => {
    const known = thresholdsKnown.get(metric)
    if (wanted !== null && known !== undefined && !isStricter(wanted, known))
      return Behaviour.refuse(
        new Malformed({
          path: "thresholds",
          reason: `${metric} hurts from ${known.pain} and is agony from ${known.agony}; it may only be made more sensitive`
        })
      )
    const { [metric]: _, ...others } = state.thresholds
    const thresholds = wanted === null ? others : { ...others, [metric]: wanted }
    const actual = Object.keys(thresholds).length
    if (actual > settingsMax) return Behaviour.refuse(new TooLarge({ limit: settingsMax, actual }))
    const turn = begin({ ...state, thresholds }, context)
    turn.events.push({ type: "algedonic.set", data: { metric } })
    return repliedOf(turn, viewOf(turn.state, turn.id))
  },
  SetFilter: (state, filter, context) => {
    const others = state.filters.filter(({ metric }) => metric !== filter.metric)
    const filters = filter.below === 0 ? others : [...others, filter]
    if (filters.length > settingsMax)
      return Behaviour.refuse(new TooLarge({ limit: settingsMax, actual: filters.length }))
    const turn = begin({ ...state, filters }, context)
    turn.events.push({ type: "algedonic.set", data: { metric: filter.metric } })
    return repliedOf(turn, viewOf(turn.state, turn.id))
  },

  Placed: noted((turn, { path }) => {
    if (path.at(-1) === turn.id) turn.state = { ...turn.state, path }
  }),
  Feel: noted((turn, feeling) => {
    // Nobody knows how much it is, and it must not be lost.
    if (feel(turn, feeling) === "unknown") feel(turn, { ...feeling, intensity: unsaid })
  }),
  Tend: noted((turn, { source, metric, action }) => {
    for (const signal of turn.state.signals.values())
      if (signal.from === undefined && signal.source === source && signal.metric === metric) {
        const { now, id } = turn
        acknowledge(turn, signal, { by: `vsm/${id}`, level: "unit", action, at: now, intensity: signal.intensity })
      }
  }),
  Climb: noted((turn, climbed) => {
    if (isVsmId(climbed.child) && climbed.child !== turn.id) takeClimb(turn, climbed)
  }),
  Acked: noted((turn, { signal: id, ack, teller }) => {
    const signal = turn.state.signals.get(id)
    // A clock that is ahead covers no longer for it.
    if (signal !== undefined) acknowledge(turn, signal, { ...ack, at: Math.min(ack.at, turn.now) }, teller)
  }),
  Resolved: noted((turn, { signal }) => takeResolved(turn, signal))
})
