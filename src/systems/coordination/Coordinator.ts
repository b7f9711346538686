/** The coordinator actor of a VSM. Its rules stand beside it, by concept; time passes in all of them before anything is asked. */
import * as Behaviour from "../../actors/Behaviour.ts"
import { vsmOver } from "../../actors/Supervisor.ts"
import { Conflict, type HolonError, InvalidTransition, Malformed, NotFound } from "../../protocol/Errors.ts"
import { isDeviceId } from "../../protocol/Ids.ts"
import { type ClaimView, deviceOf, type SlotView } from "../../protocol/vsm/Claim.ts"
import { Coordinator, type CoordinatorState } from "../../protocol/vsm/Coordinator.ts"
import * as Claims from "./Claims.ts"
import * as FairQueue from "./FairQueue.ts"
import * as Knobs from "./Knobs.ts"
import { judged } from "./Nodes.ts"
import { storage } from "./Stored.ts"

const holdMillisDefault = 30_000
/** Tells past which devices are not told any more that a claim is lost: they learn it from the next command. */
const tellsMax = 160

const initial: CoordinatorState = {
  fence: 0,
  claims: new Map(),
  slots: new Map(),
  virtual: 0,
  tags: new Map(),
  knobs: new Map(),
  nodes: new Map()
}

type Context = Behaviour.TransitionContext<undefined>

/** What a change of the claims leads to: those who lost theirs are on the stream, and their devices hear of it. */
const claimed = (state: CoordinatorState, { lost, ...ledger }: Claims.Settled, { self, tellCount }: Context) => {
  const events: Array<Behaviour.Emitted> = []
  const tells: Array<Behaviour.Tell> = []
  for (const { state: end, lease, op, by, lostTo = "", claims, fence = 0 } of lost) {
    if (end === "wounded") events.push({ type: "claim.wounded", severity: "warn", data: { lease, op, by, lostTo } })
    else events.push({ type: "claim.expired", severity: "warn", data: { lease, op, by } })
    for (const { resource, mode } of claims) {
      const id = deviceOf(resource)
      if (mode === "read" || !isDeviceId(id) || tellCount + tells.length >= tellsMax) continue
      tells.push({
        to: { kind: "device", id },
        message: "RaiseFence",
        payload: { vsm: self.id, resource, fence: fence + 1 }
      })
    }
  }
  return { state: { ...state, ...ledger }, events, tells }
}

const turned = (state: CoordinatorState, { lost, ...queue }: FairQueue.Turned) => ({
  state: { ...state, ...queue },
  events: lost.map(
    ({ slot, topic, by }): Behaviour.Emitted => ({ type: "slot.expired", severity: "warn", data: { slot, topic, by } })
  )
})

const nameOf = ({ asker }: Context): string => `${asker.kind}/${asker.id}`

const unknownClaim = (lease: string) => Behaviour.refuse<HolonError>(new NotFound({ what: `claim ${lease}` }))

/** A VSM that has retired has no units: who asks is to ask the one that has them now. */
const retired = (event: string) =>
  Behaviour.refuse<HolonError>(new InvalidTransition({ from: "its VSM has retired", event }))

/** The outcome for one claim: what it is now, or why it is none any more. */
const answered = (
  after: ReturnType<typeof claimed>,
  lease: string
): Behaviour.Outcome<CoordinatorState, undefined, ClaimView, HolonError> => {
  const reply = after.state.claims.get(lease)
  return reply === undefined ? unknownClaim(lease) : { ...after, reply }
}

const finite = (due: number): number | undefined => (due === Number.POSITIVE_INFINITY ? undefined : due)
const isOver = ({ state }: ClaimView | SlotView): boolean => state !== "waiting" && state !== "held"

/** The behaviour of coordinators. */
export const coordinator: Behaviour.AnyBehaviour = Behaviour.make<Coordinator>(Coordinator, {
  initial: () => initial,
  storage,
  supervisor: vsmOver,
  dueAt: (state) => finite(Math.min(Claims.claimsDue(state), FairQueue.slotsDue(state))),
  timeout: (state, context) => {
    if (Math.min(Claims.claimsDue(state), FairQueue.slotsDue(state)) > context.now) return {}
    const after = claimed(state, Claims.settled(state, context.now), context)
    const queue = turned(after.state, FairQueue.turned(after.state, context.now))
    return { ...after, state: queue.state, events: [...after.events, ...queue.events] }
  },

  Claim: (state, { op, priority = "normal", holdMillis = holdMillisDefault, waitMillis = 0, claims }, context) => {
    const { requestId: lease, now } = context
    const known = state.claims.get(lease)
    if (known !== undefined) return { reply: known }
    if (state.isRetired === true) return retired("a claim")
    const asked = { lease, op: op ?? lease, by: nameOf(context), claims, priority, holdMillis, waitMillis }
    if (!Claims.isPlausible(asked.op, now))
      return Behaviour.refuse(new Malformed({ path: "op", reason: "needs a UUIDv7 made within the last day" }))
    const after = Claims.claim(state, asked, now)
    if ("_tag" in after) return Behaviour.refuse(after)
    return answered(claimed(state, after, context), lease)
  },
  Renew: (state, { lease }, context) => {
    const after = claimed(state, Claims.renew(state, lease, context.now), context)
    const known = after.state.claims.get(lease)
    if (known === undefined) return unknownClaim(lease)
    if (known.state === "held") return { ...after, reply: known }
    const holder = known.lostTo === undefined ? `the end of the claim (it is ${known.state})` : `op ${known.lostTo}`
    return Behaviour.refuse(new Conflict({ holder }))
  },
  Release: (state, { lease }, context) =>
    answered(claimed(state, Claims.release(state, lease, context.now), context), lease),

  GetClaims: ({ claims, fence }, asked) => ({
    reply: {
      fence,
      claims: [...claims.values()].filter(
        (claim) =>
          (asked.state === undefined || claim.state === asked.state) &&
          (asked.resource === undefined || claim.claims.some(({ resource }) => resource === asked.resource))
      )
    }
  }),
  WatchClaim: ({ claims }, { lease }) => ({ reply: claims.get(lease) ?? null }),

  ReserveSlot: (state, { topic, weight = 1, holdMillis = holdMillisDefault, waitMillis = 0 }, context) => {
    const { requestId: slot, now } = context
    const known = state.slots.get(slot)
    if (known !== undefined) return { reply: known }
    if (state.isRetired === true) return retired("a turn")
    const after = FairQueue.reserve(state, { slot, topic, by: nameOf(context), weight, holdMillis, waitMillis }, now)
    if ("_tag" in after) return Behaviour.refuse(after)
    const reply = after.slots.get(slot)
    return reply === undefined
      ? Behaviour.refuse(new NotFound({ what: `turn ${slot}` }))
      : { ...turned(state, after), reply }
  },
  ReleaseSlot: (state, { slot }, { now }) => {
    const after = turned(state, FairQueue.giveBack(state, slot, now))
    const reply = after.state.slots.get(slot)
    return reply === undefined ? Behaviour.refuse(new NotFound({ what: `turn ${slot}` })) : { ...after, reply }
  },
  WatchSlot: ({ slots }, { slot }) => ({ reply: slots.get(slot) ?? null }),
  GetSlots: ({ slots }) => ({ reply: { slots: [...slots.values()].filter((slot) => !isOver(slot)) } }),

  ProposeSetpoint: (state, { unit, knob, ...proposal }, { now, self }) => {
    if (state.isRetired === true) return retired("a setpoint")
    const { knobs, events, reply, refusal, feeling } = Knobs.proposed(state.knobs, { unit, knob }, proposal, now)
    const changed = knobs === state.knobs ? {} : { state: { ...state, knobs } }
    const to = { kind: "algedonic", id: self.id }
    return {
      ...changed,
      events,
      ...(feeling === undefined
        ? {}
        : { tells: [{ to, message: "Feel", payload: feeling, causedBy: events.length - 1 }] }),
      ...(reply === undefined ? {} : { reply }),
      ...(refusal === undefined ? {} : { refusal })
    }
  },
  GetKnobs: ({ knobs }, { unit }, { now }) => ({ reply: { knobs: Knobs.viewsOf(knobs, unit, now) } }),

  Retired: (state, _payload, { now }) => {
    const { claims } = Claims.releaseAll(state, now)
    const { slots } = FairQueue.giveAllBack(state, now)
    return { state: { ...state, isRetired: true, claims, slots, knobs: new Map() } }
  },
  Begun: ({ isRetired: _, ...state }) => ({ state }),
  NodeJudged: (state, word, { self }) => judged(state, word, self.id)
})
