/**
 * The guard of the recursion. Permits are counted in its row, never observed: whatever comes from however many nodes at once, no
 * VSM stands deeper and no more of them stand than its bounds say.
 */
import * as Behaviour from "../../../actors/Behaviour.ts"
import { vsmOver } from "../../../actors/Supervisor.ts"
import { BreakerOpen, type HolonError, SpawnDenied } from "../../../protocol/Errors.ts"
import type { Told } from "../../../protocol/vsm/Channels.ts"
import {
  boundsDefault,
  type Pace,
  Recursion,
  type RecursionBounds,
  type RecursionState,
  type RecursionView
} from "../../../protocol/vsm/Recursion.ts"
import { refusalOf } from "../../../protocol/vsm/Spawn.ts"
import { rootId, type VsmId } from "../../../protocol/vsm/VsmId.ts"
import { breakerWait, failed, freshPace, isRunaway, succeeded, taken } from "./Breaker.ts"
import { healthOf, type Load, limitAfter, limitAt, smoothed } from "./DepthLimit.ts"
import { judged, type Wanted, withDepths, withoutExpired } from "./Permission.ts"
import { storage } from "./Stored.ts"

const permitMillis = 10_000
/** Time between two looks at the loads, and how long a load that a node reported counts, ms. */
const lookMillis = 5000
const loadMillis = 15_000
const outcomeMillis = 60_000
/** How well a cluster of which nothing was heard yet is taken to be: that asks for the depth that people have set. */
const healthAtFirst = 0.75
/** How much it hurts that a parent spawns in a loop, 0 to 1. */
const runawayPain = 0.9

/** Memory of one activation. */
interface Resident {
  readonly loads: ReadonlyMap<string, Load & { readonly at: number }>
  readonly outcomes: ReadonlyArray<{ readonly at: number; readonly isFailure: boolean }>
  readonly health: number
  readonly lookedAt: number
}

type Context = Behaviour.TransitionContext<Resident>
type Outcome = Behaviour.Outcome<RecursionState, Resident, void, never>

const initial: RecursionState = {
  bounds: boundsDefault,
  depthLimit: boundsDefault.depth,
  raisedAt: 0,
  members: {},
  paces: {}
}

const paceOf = ({ paces, bounds }: RecursionState, parent: VsmId, now: number): Pace =>
  (Object.hasOwn(paces, parent) ? paces[parent] : undefined) ?? freshPace(bounds, now)

const withPace = (state: RecursionState, parent: VsmId, pace: Pace): RecursionState => ({
  ...state,
  paces: { ...state.paces, [parent]: pace }
})

const without = <A>(record: Readonly<Record<string, A>>, id: string): Readonly<Record<string, A>> =>
  Object.fromEntries(Object.entries(record).filter(([key]) => key !== id))

const memberOf = ({ members }: RecursionState, id: VsmId) => (Object.hasOwn(members, id) ? members[id] : undefined)

const noted = (resident: Resident, isFailure: boolean, now: number): Resident => ({
  ...resident,
  outcomes: [...resident.outcomes.filter(({ at }) => at > now - outcomeMillis), { at: now, isFailure }]
})

const toParent = (parent: VsmId, message: Told<"recursion", "vsm">, payload: unknown): Behaviour.Tell => ({
  to: { kind: "vsm", id: parent },
  message,
  payload
})

/** What a failure of a parent's spawn leads to: its breaker may open, and the second time it is put into quarantine. */
const afterFailure = (
  state: RecursionState,
  parent: VsmId,
  now: number
): {
  readonly state: RecursionState
  readonly events: Array<Behaviour.Emitted>
  readonly tells: Array<Behaviour.Tell>
} => {
  const before = paceOf(state, parent, now)
  const pace = failed(before, now)
  const events: Array<Behaviour.Emitted> = []
  const tells: Array<Behaviour.Tell> = []
  if (pace.openUntil !== undefined && pace.openUntil !== before.openUntil) {
    events.push({ type: "recursion.breaker-opened", severity: "warn", data: { parent, until: pace.openUntil } })
    // The root stands above whatever went wrong below it: without it nobody could put that right.
    if (isRunaway(pace) && parent !== rootId) {
      events.push({ type: "recursion.runaway", severity: "critical", data: { parent, intensity: runawayPain } })
      tells.push(toParent(parent, "Quarantine", { reason: "its spawns failed or were denied again and again" }), {
        to: { kind: "algedonic", id: memberOf(state, parent)?.parent ?? rootId },
        message: "Feel",
        payload: { source: `vsm/${parent}`, metric: "runaway", intensity: runawayPain }
      })
    }
  }
  return { state: withPace(state, parent, pace), events, tells }
}

/** Denies a spawn. Every denial is on the event stream, and counts against the parent unless its breaker is open anyway. */
const deny = (
  state: RecursionState,
  { parent, child, spawn }: Wanted,
  error: HolonError,
  context: Context
): Outcome => {
  const { now } = context
  const isCounted = error._tag !== "BreakerOpen"
  const after = isCounted ? afterFailure(state, parent, now) : { state, events: [], tells: [] }
  const refusal = refusalOf(error)
  return {
    state: after.state,
    resident: isCounted ? noted(context.resident, true, now) : context.resident,
    events: [{ type: "recursion.blocked", severity: "warn", data: { parent, child, error: refusal } }, ...after.events],
    tells: [toParent(parent, "Denied", { child, spawn, error: refusal }), ...after.tells]
  }
}

const viewOf = ({ bounds, depthLimit, members, paces }: RecursionState, now: number): RecursionView => {
  const all = Object.values(members).filter(({ expiresAt = Number.POSITIVE_INFINITY }) => expiresAt > now)
  return {
    bounds,
    depthLimit,
    total: all.length,
    onTheWay: all.filter(({ expiresAt }) => expiresAt !== undefined).length,
    open: Object.entries(paces).flatMap(([parent, { openUntil }]) =>
      openUntil !== undefined && openUntil > now ? [{ parent, until: openUntil }] : []
    )
  }
}

const checkSpawn = (stored: RecursionState, wanted: Wanted, context: Context): Outcome => {
  const { now } = context
  const { parent, child, spawn, template } = wanted
  const state = withoutExpired(stored, now)
  const permitted = toParent(parent, "Permitted", { child, spawn })
  if (memberOf(state, child)?.spawn === spawn) return { tells: [permitted] }
  const before = paceOf(state, parent, now)
  const wait = breakerWait(before, now)
  if (wait > 0) return deny(state, wanted, new BreakerOpen({ retryAfterMs: wait }), context)
  const depth = judged(state, wanted)
  if (typeof depth !== "number") return deny(state, wanted, depth, context)
  const pace = taken(before, state.bounds, now)
  if (typeof pace === "number") {
    const reason = `${parent} may spawn ${state.bounds.perMinute} a minute; retry in ${Math.ceil(pace / 1000)} s`
    return deny(state, wanted, new SpawnDenied({ reason }), context)
  }
  const member = {
    parent,
    spawn,
    depth,
    ...(template === undefined ? {} : { template }),
    expiresAt: now + permitMillis
  }
  return {
    state: withPace({ ...state, members: { ...state.members, [child]: member } }, parent, pace),
    tells: [permitted]
  }
}

const commit = (stored: RecursionState, wanted: Wanted, context: Context): Outcome => {
  const { now } = context
  const { parent, child, spawn, template } = wanted
  const state = withoutExpired(stored, now)
  const admitted = toParent(parent, "Admitted", { child, spawn })
  const known = memberOf(state, child)
  if (known?.spawn === spawn && known.expiresAt === undefined) return { tells: [admitted] }
  // Its permit may have expired on the way: then the tree is looked at once more.
  const depth = judged(state, wanted)
  if (typeof depth !== "number") return deny(state, wanted, depth, context)
  const member = { parent, spawn, depth, ...(template === undefined ? {} : { template }) }
  const pace = succeeded(paceOf(state, parent, now), now)
  return {
    state: withPace({ ...state, members: { ...state.members, [child]: member } }, parent, pace),
    resident: noted(context.resident, false, now),
    events: [{ type: "recursion.admitted", data: { parent, child, depth } }],
    tells: [admitted]
  }
}

/** What the later bounds say otherwise. */
const changesIn = (before: RecursionBounds, after: RecursionBounds): Partial<RecursionBounds> => {
  const was: ReadonlyMap<string, number> = new Map(Object.entries(before))
  return Object.fromEntries(Object.entries(after).filter(([name, value]) => was.get(name) !== value))
}

/** The guard with other bounds. */
const bounded = (state: RecursionState, changes: Partial<RecursionBounds>) => {
  const bounds = { ...state.bounds, ...changes }
  return {
    state: { ...state, bounds, depthLimit: changes.depth ?? state.depthLimit },
    events: [{ type: "recursion.bounds-set", data: { bounds } }]
  }
}

/** The behaviour of the guard. */
export const recursion: Behaviour.AnyBehaviour = Behaviour.make<Recursion, Resident>(Recursion, {
  initial: () => initial,
  storage,
  supervisor: vsmOver,
  awake: () => ({ loads: new Map(), outcomes: [], health: healthAtFirst, lookedAt: 0 }),

  CheckSpawn: checkSpawn,
  Commit: commit,

  Failed: (stored, { parent, child, spawn }, context) => {
    const state = withoutExpired(stored, context.now)
    const known = memberOf(state, child)
    const freed = known?.spawn === spawn ? { ...state, members: without(state.members, child) } : state
    return { ...afterFailure(freed, parent, context.now), resident: noted(context.resident, true, context.now) }
  },

  Released: (state, { child }) =>
    memberOf(state, child) === undefined
      ? {}
      : { state: { ...state, members: without(state.members, child), paces: without(state.paces, child) } },

  ReportLoad: (state, { node, ...load }, { now, resident }) => {
    const loads = new Map(resident.loads).set(node, { ...load, at: now })
    if (now < resident.lookedAt + lookMillis) return { resident: { ...resident, loads } }
    for (const [name, { at }] of loads) if (at <= now - loadMillis) loads.delete(name)
    const outcomes = resident.outcomes.filter(({ at }) => at > now - outcomeMillis)
    const errors = outcomes.length === 0 ? 0 : outcomes.filter(({ isFailure }) => isFailure).length / outcomes.length
    const worst = Math.min(...[...loads.values()].map((known) => healthOf(known, errors)))
    const health = smoothed(resident.health, worst)
    const kept = { resident: { loads, outcomes, health, lookedAt: now } }
    const limit = limitAfter(state, limitAt(state.bounds.depth, health), now)
    if (limit.depthLimit === state.depthLimit) return kept
    const data = { from: state.depthLimit, to: limit.depthLimit }
    return { ...kept, state: { ...state, ...limit }, events: [{ type: "recursion.depth-changed", data }] }
  },

  Configure: (state, { bounds: configured }) => {
    const changes = changesIn(state.configured ?? boundsDefault, configured)
    return Object.keys(changes).length === 0 ? {} : bounded({ ...state, configured }, changes)
  },

  Moved: (state, { child, parent }) => {
    const member = memberOf(state, child)
    const above = parent === rootId ? { depth: 0 } : memberOf(state, parent)
    if (member === undefined || above === undefined || member.parent === parent) return {}
    const moved = { ...state, members: { ...state.members, [child]: { ...member, parent } } }
    return { state: { ...moved, members: withDepths(moved, child, above.depth + 1) } }
  },

  NoteViolation: (_state, violation) => ({
    events: [{ type: "recursion.violation", severity: "warn", data: violation }]
  }),

  GetLimits: (state, _payload, { now }) => ({ reply: viewOf(state, now) }),

  SetBounds: (state, changes, { now }) => {
    const outcome = bounded(state, changes)
    return { ...outcome, reply: viewOf(outcome.state, now) }
  }
})
