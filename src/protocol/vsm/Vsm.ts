/** A VSM: an identity with a budget and a zone, the units and children below it, and its parent above. Times are ms since 1970. */
import { Schema } from "effect"
import * as Contract from "../Contract.ts"
import { HolonError } from "../Errors.ts"
import { Escalate } from "../Escalation.ts"
import { DeviceId } from "../Ids.ts"
import { Zone } from "../Zone.ts"
import { Budget } from "./Budget.ts"
import { Refusal, SpawnView, TemplateName } from "./Spawn.ts"
import { VsmId } from "./VsmId.ts"
import {
  AdoptionView,
  Digest,
  levelsMax,
  Trouble,
  UnitInfo,
  UnitPage,
  unitPageMax,
  VsmPath,
  VsmState,
  VsmView
} from "./VsmState.ts"

const count = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))
const Reason = Schema.String.check(Schema.isMaxLength(512))
const spawn = Schema.String
const act = { error: HolonError, audience: "operator", creates: false } as const
const told = { creates: false } as const

/** The VSM: kind of the actor. */
export const Vsm = Contract.make("vsm", {
  about: "governs units: devices and other VSMs below it, within a budget and a zone",
  state: VsmState,
  messages: {
    Describe: Contract.query({
      payload: {
        /** Levels of VSMs below that `tree` shows; none when absent. */
        depth: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: levelsMax })))
      },
      success: VsmView,
      audience: "operator",
      capability: "vsm.read",
      about: "its place in the tree, its children, its budget, what is under way, and how those below stand"
    }),
    Watch: Contract.watch({
      success: VsmView,
      audience: "operator",
      capability: "vsm.read",
      about: "as Describe, again whenever that changes"
    }),
    GetUnits: Contract.query({
      payload: {
        after: Schema.optionalKey(DeviceId),
        limit: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: unitPageMax })))
      },
      success: UnitPage,
      audience: "operator",
      capability: "vsm.read",
      about: "devices that are its units, a page at a time"
    }),
    Spawn: Contract.once({
      ...act,
      payload: {
        child: VsmId,
        budget: Schema.optionalKey(Budget),
        zone: Schema.optionalKey(Zone),
        template: Schema.optionalKey(TemplateName)
      },
      success: SpawnView,
      capability: "vsm.spawn",
      about: "begins a child VSM; WatchSpawn says what becomes of it"
    }),
    WatchSpawn: Contract.watch({
      payload: { child: VsmId },
      success: Schema.NullOr(SpawnView),
      audience: "operator",
      capability: "vsm.read",
      about: "how far the spawn of a child is, again whenever that changes; null for one that is not known any more"
    }),
    Adopt: Contract.once({
      ...act,
      payload: {
        unit: DeviceId,
        /** The VSM that has it now; not needed for one that stands above. */
        from: Schema.optionalKey(VsmId)
      },
      success: AdoptionView,
      capability: "vsm.adopt",
      about: "wants a device as its unit; WatchAdoption says what becomes of it"
    }),
    WatchAdoption: Contract.watch({
      payload: { unit: DeviceId },
      success: Schema.NullOr(AdoptionView),
      audience: "operator",
      capability: "vsm.read",
      about: "how far an adoption is, again whenever that changes; null for one that is not known any more"
    }),
    Retire: Contract.once({
      ...act,
      payload: {
        /** `now` does not wait for the units to say that they have moved. */
        mode: Schema.Literals(["drain", "now"]),
        deadlineMillis: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 3_600_000 })))
      },
      success: VsmView,
      capability: "vsm.retire",
      about: "ends it and all below it; its devices go to its parent"
    }),
    Quarantine: Contract.idempotent({
      ...act,
      payload: { reason: Reason },
      success: VsmView,
      capability: "vsm.quarantine",
      about: "keeps it from spawning and adopting until it is released"
    }),
    Release: Contract.idempotent({
      ...act,
      success: VsmView,
      capability: "vsm.quarantine",
      about: "ends a quarantine"
    }),

    Found: Contract.idempotent({
      payload: {
        /** What it has to give, by the config of the cluster. */
        budget: Schema.optionalKey(Budget)
      },
      about: "brings the root into being"
    }),
    Start: Contract.idempotent({
      payload: {
        spawn,
        /** That of the parent. */
        path: VsmPath,
        budget: Budget,
        zone: Schema.optionalKey(Zone),
        template: Schema.optionalKey(TemplateName)
      },
      about: "a parent begins this child; it is told Announced or Declined"
    }),
    Activate: Contract.idempotent({ ...told, payload: { spawn }, about: "the child stands in the tree" }),
    Undo: Contract.idempotent({
      ...told,
      payload: { spawn, parent: VsmId, child: VsmId },
      about: "the spawn failed: the child ends; the parent is told Undone"
    }),
    Permitted: Contract.idempotent({ ...told, payload: { child: VsmId, spawn }, about: "the guard permits a spawn" }),
    Denied: Contract.idempotent({
      ...told,
      payload: { child: VsmId, spawn, error: Refusal },
      about: "the guard does not permit a spawn"
    }),
    Admitted: Contract.idempotent({ ...told, payload: { child: VsmId, spawn }, about: "the guard counts the child" }),
    Announced: Contract.idempotent({ ...told, payload: { child: VsmId, spawn }, about: "a child is there" }),
    Declined: Contract.idempotent({
      ...told,
      payload: { child: VsmId, spawn },
      about: "there is such a VSM already; it is not begun"
    }),
    Undone: Contract.idempotent({ ...told, payload: { child: VsmId, spawn }, about: "a child that failed has ended" }),
    ChildRetiring: Contract.idempotent({
      ...told,
      payload: { child: VsmId },
      about: "a child retires: it gets no units any more"
    }),
    ChildRetired: Contract.idempotent({ ...told, payload: { child: VsmId }, about: "a child has retired" }),

    Lease: Contract.query({
      success: Schema.Struct({ leaseMillis: Schema.Finite }),
      error: HolonError,
      about: "a child asks whether this VSM is there, and is governed by it for so long"
    }),
    TakeChild: Contract.idempotent({
      ...told,
      payload: { child: VsmId, budget: Budget, zone: Schema.optionalKey(Zone), was: VsmPath },
      about: "a child of somebody below, who does not answer any more, comes here with its budget; it is told Seated"
    }),
    Relieve: Contract.idempotent({
      ...told,
      payload: { child: VsmId, budget: Budget, was: VsmPath },
      about: "a child has gone to somebody above; what it was given is taken off this VSM's budget"
    }),
    Reseat: Contract.idempotent({ ...told, payload: { path: VsmPath }, about: "the parent stands elsewhere" }),
    Seated: Contract.idempotent({ ...told, payload: { path: VsmPath }, about: "somebody above has taken this VSM" }),
    ChildGone: Contract.idempotent({
      ...told,
      payload: { child: VsmId },
      about: "a child has gone on before it was taken"
    }),
    RegisterUnit: Contract.idempotent({
      payload: {
        unit: DeviceId,
        fence: count,
        zone: Schema.optionalKey(Zone),
        /** Who has handed it on. */
        by: Schema.optionalKey(VsmId)
      },
      about: "a device is a unit of this VSM from now on"
    }),
    RemoveUnit: Contract.idempotent({
      ...told,
      payload: { unit: DeviceId, fence: count },
      about: "a device is a unit of another VSM, or retired"
    }),
    AdoptionRefused: Contract.idempotent({
      ...told,
      payload: { unit: DeviceId, error: Refusal },
      about: "a device does not become a unit of this VSM"
    }),
    TakeUnits: Contract.idempotent({
      ...told,
      payload: { from: VsmId, units: Schema.Array(UnitInfo).check(Schema.isMaxLength(200)) },
      about: "a child that retires hands over units that have not answered"
    }),
    Below: Contract.idempotent({ ...told, payload: { digest: Digest }, about: "how a VSM below stands" }),
    Hurts: Contract.idempotent({
      ...told,
      payload: { pain: Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 1 })) },
      about: "the worst that is felt in its algedonic channel and nobody takes care of"
    }),
    Escalate
  },
  events: {
    "vsm.founded": Schema.Struct({}),
    /** The config of the cluster gives the root another budget. */
    "vsm.budget-set": Schema.Struct({ budget: Budget }),
    "vsm.spawning": Schema.Struct({ child: VsmId, budget: Budget, zone: Schema.optionalKey(Zone) }),
    "vsm.spawned": Schema.Struct({ child: VsmId, depth: count }),
    "vsm.spawn-refused": Schema.Struct({ child: VsmId, error: Refusal }),
    "vsm.activated": Schema.Struct({ parent: VsmId, depth: count }),
    "vsm.quarantined": Schema.Struct({ reason: Schema.String }),
    "vsm.released": Schema.Struct({}),
    "vsm.retiring": Schema.Struct({ children: count, units: count }),
    "vsm.retired": Schema.Struct({ parent: VsmId, handedUp: count }),
    "vsm.child-retired": Schema.Struct({ child: VsmId }),
    "vsm.unit-adopted": Schema.Struct({ unit: DeviceId, fence: count }),
    "vsm.unit-left": Schema.Struct({ unit: DeviceId, fence: count }),
    "vsm.adoption-refused": Schema.Struct({ unit: DeviceId, error: Refusal }),
    /** A unit or child crashed too often. `decision` is what its supervisor does about it. */
    "vsm.unit-quarantined": Schema.Struct({
      kind: Schema.String,
      id: Schema.String,
      cause: Schema.String,
      /** How much it hurts, 0 to 1. */
      intensity: Schema.Finite,
      decision: Schema.Literals(["restart", "leave"])
    }),
    "vsm.unit-restarted": Schema.Struct({ kind: Schema.String, id: Schema.String }),
    /** Its parent has not answered for a while, and it has gone to the nearest above that does. */
    "vsm.rehomed": Schema.Struct({ from: VsmId, to: VsmId }),
    "vsm.child-taken": Schema.Struct({ child: VsmId }),
    /** It is active, and something is wrong; and nothing is wrong any more. */
    "vsm.degraded": Schema.Struct({ troubles: Schema.Array(Trouble) }),
    "vsm.recovered": Schema.Struct({})
  },
  audited: {
    "vsm.founded": "spawn",
    "vsm.budget-set": "policy",
    "vsm.spawning": "spawn",
    "vsm.spawned": "spawn",
    "vsm.spawn-refused": "spawn",
    "vsm.activated": "spawn",
    "vsm.quarantined": "security",
    "vsm.released": "security",
    "vsm.retiring": "spawn",
    "vsm.retired": "spawn",
    "vsm.child-retired": "spawn",
    "vsm.unit-adopted": "change",
    "vsm.unit-left": "change",
    "vsm.adoption-refused": "change",
    "vsm.unit-quarantined": "security",
    "vsm.unit-restarted": "decision",
    "vsm.rehomed": "spawn",
    "vsm.child-taken": "spawn",
    "vsm.degraded": "change",
    "vsm.recovered": "change"
  }
})
export type Vsm = typeof Vsm
