/**
 * The immune system of a VSM. That of the root reads the event stream for all of them, and tells each what was seen of its units;
 * what nodes see at their doors they tell the root's themselves.
 */
import { Effect, Schema } from "effect"
import * as Behaviour from "../../../actors/Behaviour.ts"
import { vsmOver } from "../../../actors/Supervisor.ts"
import { Immune, type ImmuneState } from "../../../protocol/vsm/Immune.ts"
import { type Bar, type Sign, signsMax, type ThreatsView } from "../../../protocol/vsm/Threat.ts"
import { rootId, VsmId } from "../../../protocol/vsm/VsmId.ts"
import { approve, lift, mitigate, reject, settle } from "./Deciding.ts"
import { Counted, ImmuneWatch, Looked } from "./ImmuneWatch.ts"
import { end, endOverdue, endsAt } from "./Mitigating.ts"
import { storage } from "./Stored.ts"
import { forgetAt, forgetFaded, suspectOf, threatsOf } from "./Suspecting.ts"
import { begin, type Context, freshResident, type Noted, notedOf, type Resident, repliedOf, type Turn } from "./Turn.ts"

/** A look, or a count, that has not ended by then never will: it is begun again, ms. */
const stuckMillis = 60_000
/** Before the journal or the database is asked again after it did not answer, ms. */
const againMillis = 1000
/** A cursor behind which nothing was found is written so often, ms. */
const notedMillis = 10_000
/** Unacknowledged tells past which other VSMs are told nothing more for now. */
const tellsMax = 128
const usual = { isAutomatic: true, mitigateMillis: 600_000, isolateMillis: 3_600_000 } as const

const isVsmId = Schema.is(VsmId)

const viewOf = (state: ImmuneState, { self, now }: Context): ThreatsView => ({
  vsm: VsmId.make(self.id),
  threats: threatsOf(state, now),
  mitigations: [...state.mitigations.values()].reverse(),
  terms: state.terms,
  efficacies: state.efficacies
})

const barsOf = ({ mitigations }: ImmuneState): ReadonlyArray<Bar> =>
  [...mitigations.values()].flatMap(({ id, state, template, subject, until }) =>
    state === "active" && (template === "bar" || template === "revoke") ? [{ subject, until, mitigation: id }] : []
  )

/** Reads on. */
const look = (turn: Turn): void => {
  const number = turn.resident.look + 1
  turn.resident = { ...turn.resident, look: number, lookDueAt: turn.now + stuckMillis }
  turn.effects.push({ name: "look", id: String(number), input: turn.resident.cursor })
}

/** Another VSM's immune system hears what was seen of its units. What it does not take in time is left out, and nothing waits for it. */
const forward = (turn: Turn, vsm: string, signs: ReadonlyArray<Sign>): void => {
  if (turn.context.tellCount + turn.tells.length >= tellsMax) return
  turn.tells.push({
    to: { kind: Immune.kind, id: vsm },
    message: "Evidence",
    payload: { signs: signs.slice(0, signsMax) }
  })
}

const isLooked = Schema.is(Looked)
const isCounted = Schema.is(Counted)

const takeLooked = (turn: Turn, looked: unknown): void => {
  if (!isLooked(looked)) {
    turn.resident = { ...turn.resident, lookDueAt: turn.now + againMillis }
    return
  }
  const { cursor, signs } = looked
  const byVsm = Map.groupBy(signs, ({ vsm }) => (isVsmId(vsm) ? vsm : rootId))
  for (const [vsm, found] of byVsm) {
    if (vsm === turn.id) for (const { sign } of found) suspectOf(turn, sign)
    else
      forward(
        turn,
        vsm,
        found.map(({ sign }) => sign)
      )
  }
  turn.resident = { ...turn.resident, cursor }
  const isFirst = turn.state.cursor === undefined
  if (isFirst || signs.length > 0 || turn.now >= turn.resident.notedAt + notedMillis) {
    turn.state = { ...turn.state, cursor }
    turn.resident = { ...turn.resident, notedAt: turn.now }
  }
  settle(turn)
  look(turn)
}

const takeCounted = (turn: Turn, counted: unknown): void => {
  const isThere = isCounted(counted)
  turn.resident = {
    ...turn.resident,
    countDueAt: isThere ? Number.POSITIVE_INFINITY : turn.now + againMillis,
    ...(isThere && { fleet: counted.fleet, countedAt: turn.now })
  }
  if (isThere) settle(turn)
}

const noted =
  <Payload>(change: (turn: Turn, payload: Payload) => void) =>
  (state: ImmuneState, payload: Payload, context: Context): Noted => {
    const turn = begin(state, context)
    change(turn, payload)
    return notedOf(turn)
  }

/** When something ends by itself, or is forgotten. */
const dueAt = (state: ImmuneState): number | undefined => {
  const due = Math.min(endsAt(state.mitigations.values()), forgetAt(state))
  return due === Number.POSITIVE_INFINITY ? undefined : due
}

/** The behaviour of immune systems. */
export const immune: Behaviour.AnyBehaviour = Behaviour.make<Immune, Resident>(Immune, {
  initial: () => ({
    last: 0,
    suspects: new Map(),
    mitigations: new Map(),
    terms: usual,
    efficacies: {},
    discounts: {},
    incidents: [],
    isReading: false
  }),
  storage,
  supervisor: vsmOver,
  awake: freshResident,
  vsmOf: (_state, id) => (id === rootId ? undefined : id),
  atTakeover: ({ isReading }) => isReading,
  dueAt,
  residentDueAt: ({ isReading }, { lookDueAt, countDueAt }) => {
    const due = Math.min(isReading ? lookDueAt : Number.POSITIVE_INFINITY, countDueAt)
    return due === Number.POSITIVE_INFINITY ? undefined : due
  },
  timeout: (state, context) => {
    const turn = begin(state, context)
    endOverdue(turn)
    forgetFaded(turn)
    const { lookDueAt, countDueAt } = turn.resident
    if (state.isReading && turn.now >= lookDueAt) look(turn)
    // The count got lost, or was not answered: what waits for it asks again.
    if (turn.now >= countDueAt) turn.resident = { ...turn.resident, countDueAt: Number.POSITIVE_INFINITY }
    settle(turn)
    return notedOf(turn)
  },
  effects: {
    look: (cursor) =>
      Effect.flatMap(ImmuneWatch, (watch) => watch.look(typeof cursor === "string" ? cursor : undefined)),
    count: () => Effect.flatMap(ImmuneWatch, (watch) => watch.count)
  },
  completed: (state, { name, id, outcome }, context) => {
    const turn = begin(state, context)
    if (name === "look" && id === String(turn.resident.look)) takeLooked(turn, outcome)
    if (name === "count" && id === String(turn.resident.count)) takeCounted(turn, outcome)
    return notedOf(turn)
  },
  undelivered: (state, { message, payload, cause }, context) => {
    const turn = begin(state, context)
    const { mitigation: id } = Object(payload)
    const mitigation = typeof id === "string" ? state.mitigations.get(id) : undefined
    if ((message === "Isolate" || message === "Deploy") && mitigation?.state === "active")
      end(turn, mitigation, "failed", { reason: cause.slice(0, 200) })
    return notedOf(turn)
  },

  GetThreats: (state, _payload, context) => ({ reply: viewOf(state, context) }),
  Watch: (state, _payload, context) => ({ reply: viewOf(state, context) }),
  WatchBars: (state) => ({ reply: barsOf(state) }),

  Begin: (state, _payload, { resident, now }) =>
    state.isReading ? {} : { state: { ...state, isReading: true }, resident: { ...resident, lookDueAt: now } },
  Evidence: noted((turn, { signs }) => {
    for (const sign of signs) suspectOf(turn, sign)
    settle(turn)
  }),
  Report: (state, { subject, weight, ids }, context) => {
    const turn = begin(state, context)
    suspectOf(turn, { kind: "reported", subject, count: 1, weight, ...(ids !== undefined && { ids }) })
    settle(turn)
    return repliedOf(turn, undefined)
  },

  Mitigate: mitigate,
  Approve: approve,
  Reject: reject,
  Lift: lift,
  SetTerms: (state, set, context) => {
    const terms = { ...state.terms, ...set }
    const next = { ...state, terms }
    return { state: next, reply: viewOf(next, context), events: [{ type: "immune.set", data: terms }] }
  },

  // It is active from its beginning; only a refusal changes that.
  PolicyDeployed: () => ({}),
  PolicyRefused: noted((turn, { mitigation: id, reason }) => {
    const mitigation = turn.state.mitigations.get(id)
    if (mitigation?.state === "active") end(turn, mitigation, "failed", { reason: reason.slice(0, 200) })
  })
})
