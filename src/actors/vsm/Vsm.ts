/** The VSM actor: a place in the tree, with what it governs below. Its rules stand beside it, by concept. */
import { Schema } from "effect"
import { type HolonError, InvalidTransition, NotFound } from "../../protocol/Errors.ts"
import { isDeviceId } from "../../protocol/Ids.ts"
import { refusalOf } from "../../protocol/vsm/Spawn.ts"
import { Vsm } from "../../protocol/vsm/Vsm.ts"
import { rootId, VsmId } from "../../protocol/vsm/VsmId.ts"
import { leaseMillis, type VsmState, type VsmView } from "../../protocol/vsm/VsmState.ts"
import * as Behaviour from "../Behaviour.ts"
import * as Adopting from "./Adopting.ts"
import { ailingDue, released, releases, restart, takeQuarantined } from "./Ailing.ts"
import { activate, found, initial, start, undoStart } from "./Begun.ts"
import { heardBelow, tellAbove } from "./Below.ts"
import { noteHealth } from "./Health.ts"
import * as Lease from "./Lease.ts"
import * as Retiring from "./Retiring.ts"
import * as Spawning from "./Spawning.ts"
import { storage } from "./Stored.ts"
import {
  become,
  begin,
  type Context,
  type Noted,
  notedOf,
  type Outcome,
  type Resident,
  repliedOf,
  type Turn
} from "./Turn.ts"
import { pageOf, viewOf } from "./Views.ts"

const isVsmId = Schema.is(VsmId)

/** What every change of a VSM may lead to beside what it is for. */
const settled = (turn: Turn): Turn => {
  noteHealth(turn)
  tellAbove(turn)
  return turn
}

/** What leaves a transition that answers with the VSM as it is then. */
const viewed = (turn: Turn): Outcome<VsmView> => repliedOf(settled(turn), viewOf(turn.state, turn.id))

/** A transition that nobody waits for; a retirement goes on with every one of them. */
const noted =
  <Payload>(change: (turn: Turn, payload: Payload) => void) =>
  (state: VsmState, payload: Payload, context: Context): Noted => {
    const turn = begin(state, context)
    change(turn, payload)
    Retiring.goOn(turn)
    return notedOf(settled(turn))
  }

const refuseStatus = ({ status }: VsmState, event: string) =>
  Behaviour.refuse<HolonError>(new InvalidTransition({ from: status, event }))

/** The behaviour of VSMs. */
export const vsm: Behaviour.AnyBehaviour = Behaviour.make<Vsm, Resident>(Vsm, {
  initial,
  storage,
  awake: (_state, now) => ({ leaseAt: now + leaseMillis }),
  zoneOf: ({ zone }) => zone,
  vsmOf: (_state, id) => (id === rootId ? undefined : id),
  supervisor: (id, part) => {
    if (id === rootId) return undefined
    return { kind: Vsm.kind, id: isVsmId(part) ? part : rootId }
  },

  dueAt: (state) => {
    const due = Math.min(
      Spawning.spawnsDue(state),
      Adopting.adoptionsDue(state),
      Retiring.retirementDue(state),
      ailingDue(state),
      state.sayAt ?? Number.POSITIVE_INFINITY
    )
    return due === Number.POSITIVE_INFINITY ? undefined : due
  },
  residentDueAt: (state, { leaseAt }) => (Lease.hasLease(state) ? leaseAt : undefined),
  // Who is not awake asks nobody whether its parent is there.
  atTakeover: Lease.hasLease,
  timeout: (state, context) => {
    const turn = begin(state, context)
    Spawning.endOverdueSpawns(turn)
    Adopting.forgetAdoptions(turn)
    restart(turn)
    Lease.renew(turn)
    Retiring.goOn(turn)
    return notedOf(settled(turn))
  },
  effects: { ...releases, ...Lease.leases },
  completed: (state, { id, outcome }, context) => {
    const turn = begin(state, context)
    released(turn, id, outcome)
    Lease.asked(turn, outcome)
    Retiring.goOn(turn)
    return notedOf(settled(turn))
  },
  undelivered: (state, { to, message, payload, cause }, context) => {
    const turn = begin(state, context)
    const { child, spawn, to: holder } = Object(payload)
    if (to.kind === "device" && message === "AssignUnit" && isDeviceId(to.id)) {
      if (holder === turn.id) Adopting.refused(turn, to.id, refusalOf(new NotFound({ what: `device ${to.id}` })))
    } else if (isVsmId(child) && typeof spawn === "string") Spawning.unreachable(turn, { child, spawn }, cause)
    else if (message === "Start" && isVsmId(to.id) && typeof spawn === "string")
      Spawning.unreachable(turn, { child: to.id, spawn }, cause)
    Retiring.goOn(turn)
    return notedOf(settled(turn))
  },

  Lease: (state) =>
    Lease.governs(state)
      ? { reply: { leaseMillis } }
      : Behaviour.refuse(new InvalidTransition({ from: state.status, event: "Lease" })),
  Describe: (state, { depth }, { self }) => ({ reply: viewOf(state, self.id, depth) }),
  Watch: (state, _payload, { self }) => ({ reply: viewOf(state, self.id) }),
  GetUnits: (state, page) => ({ reply: pageOf(state, page) }),
  WatchSpawn: ({ spawns }, { child }) => ({ reply: spawns.get(child) ?? null }),
  WatchAdoption: ({ adoptions }, { unit }) => ({ reply: adoptions.get(unit) ?? null }),

  Spawn: (state, wanted, context) => {
    const objection = Spawning.objection(state, wanted)
    if (objection !== undefined) return Behaviour.refuse(objection)
    const turn = begin(state, context)
    return repliedOf(turn, Spawning.beginSpawn(turn, wanted))
  },
  Adopt: (state, wanted, context) => {
    const objection = Adopting.objection(state)
    if (objection !== undefined) return Behaviour.refuse(objection)
    const turn = begin(state, context)
    return repliedOf(turn, Adopting.beginAdoption(turn, wanted))
  },
  Retire: (state, manner, context) => {
    const turn = begin(state, context)
    const objection = Retiring.objection(state, turn.id)
    if (objection !== undefined) return Behaviour.refuse(objection)
    Retiring.beginRetirement(turn, manner)
    return viewed(turn)
  },
  Quarantine: (state, { reason }, context) => {
    const turn = begin(state, context)
    if (state.status === "quarantined") return { reply: viewOf(state, turn.id) }
    if (state.status !== "active") return refuseStatus(state, "Quarantine")
    become(turn, "quarantined", reason)
    turn.events.push({ type: "vsm.quarantined", severity: "error", data: { reason } })
    return viewed(turn)
  },
  Release: (state, _payload, context) => {
    const turn = begin(state, context)
    if (state.status === "active") return { reply: viewOf(state, turn.id) }
    if (state.status !== "quarantined") return refuseStatus(state, "Release")
    become(turn, "active")
    turn.events.push({ type: "vsm.released", data: {} })
    return viewed(turn)
  },

  Found: noted(found),
  Start: noted(start),
  Activate: noted((turn, { spawn }) => activate(turn, spawn)),
  Undo: noted(undoStart),
  Permitted: noted(Spawning.permitted),
  Denied: noted((turn, { error, ...named }) => Spawning.denied(turn, named, error)),
  Admitted: noted(Spawning.admitted),
  Announced: noted(Spawning.announced),
  Declined: noted(Spawning.declined),
  Undone: noted(Spawning.undone),
  ChildRetiring: noted((turn, { child }) => Retiring.childRetiring(turn, child)),
  ChildRetired: noted((turn, { child }) => Retiring.childRetired(turn, child)),
  TakeChild: noted(Lease.takeChild),
  Relieve: noted(Lease.relieved),
  Reseat: noted((turn, { path }) => Lease.reseat(turn, path)),
  Seated: noted((turn, { path }) => Lease.seated(turn, path)),
  ChildGone: noted((turn, { child }) => Lease.childGone(turn, child)),
  RegisterUnit: noted(Adopting.register),
  RemoveUnit: noted(Adopting.remove),
  AdoptionRefused: noted((turn, { unit, error }) => Adopting.refused(turn, unit, error)),
  TakeUnits: noted((turn, { units }) => Adopting.take(turn, units)),
  Below: noted((turn, { digest }) => heardBelow(turn, digest)),
  Hurts: noted((turn, { pain }) => {
    turn.state = { ...turn.state, pain }
  }),
  Escalate: noted((turn, { actors }) => takeQuarantined(turn, actors))
})
