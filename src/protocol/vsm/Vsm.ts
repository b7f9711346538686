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

const count = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))
const instant = Schema.Finite
const Reason = Schema.String.check(Schema.isMaxLength(512))

/** `absent` nobody has begun it; `spawning` until its parent has it in the tree; `retired` is an end, until it is spawned again. */
export const VsmStatus = Schema.Literals(["absent", "spawning", "active", "quarantined", "retiring", "retired"])
export type VsmStatus = typeof VsmStatus.Type

/** The ids from the root to the VSM itself, both named. */
export const VsmPath = Schema.Array(VsmId).check(Schema.isMinLength(1), Schema.isMaxLength(16))
export type VsmPath = typeof VsmPath.Type

/** A child, as its parent knows it: what it was given, and nothing of what is inside. */
export const ChildInfo = Schema.Struct({
  id: VsmId,
  budget: Budget,
  zone: Schema.optionalKey(Zone),
  since: instant,
  /** It was told to retire. */
  isRetiring: Schema.optionalKey(Schema.Boolean)
})
export type ChildInfo = typeof ChildInfo.Type

/** A device that is a unit of the VSM. */
export const UnitInfo = Schema.Struct({
  id: DeviceId,
  /** Counts the holders that the device has had: of two words about it, the one with the higher fence is newer. */
  fence: count,
  zone: Schema.optionalKey(Zone),
  since: instant
})
export type UnitInfo = typeof UnitInfo.Type

/** A device that the VSM wants as its unit: `asked` until the device has decided. */
export const AdoptionView = Schema.Struct({
  unit: DeviceId,
  step: Schema.Literals(["asked", "adopted", "refused"]),
  since: instant,
  refusal: Schema.optionalKey(Refusal)
})
export type AdoptionView = typeof AdoptionView.Type

/** A unit or child that crashed too often and was put into quarantine. */
export const Ailing = Schema.Struct({
  kind: Schema.String,
  id: Schema.String,
  /** The quarantine that was heard of last, and why it is in one. */
  since: instant,
  cause: Schema.String,
  /** When it is restarted; absent when it is left there until somebody releases it. */
  restartAt: Schema.optionalKey(instant),
  /** When it was restarted, within the last ten minutes. */
  restarts: Schema.Array(instant)
})
export type Ailing = typeof Ailing.Type

const identity = {
  status: VsmStatus,
  /** When the status began, and why where somebody said so. */
  since: instant,
  reason: Schema.optionalKey(Schema.String),
  createdAt: instant,
  path: VsmPath,
  /** What it and all below it is confined to; absent where that is everything. */
  zone: Schema.optionalKey(Zone),
  template: Schema.optionalKey(TemplateName),
  budget: Budget
}

/** What rests of a VSM. */
export const VsmState = Schema.Struct({
  ...identity,
  /** The spawn that made it. */
  spawn: Schema.optionalKey(Schema.String),
  children: Schema.ReadonlyMap(VsmId, ChildInfo),
  spawns: Schema.ReadonlyMap(VsmId, SpawnView),
  adoptions: Schema.ReadonlyMap(DeviceId, AdoptionView),
  ailing: Schema.ReadonlyMap(Schema.String, Ailing),
  /** Units in pages, each in order of the ids: a page is written as a whole. */
  units: Schema.Array(Schema.Array(UnitInfo)),
  /** When a retirement stops waiting for units that do not answer. */
  retireBy: Schema.optionalKey(instant),
  /** While it retires: units up to this id, page by page, were told to go to the parent. */
  handed: Schema.optionalKey(Schema.Struct({ page: count, after: Schema.String, units: count })),
  /** Much is to be told: it goes on then. */
  nextAt: Schema.optionalKey(instant)
})
export type VsmState = typeof VsmState.Type

/** What people see of a VSM. Its units come in pages. */
export const VsmView = Schema.Struct({
  id: VsmId,
  ...identity,
  parent: Schema.optionalKey(VsmId),
  /** The root stands at 0. */
  depth: count,
  /** Of the budget, what its children were given, and what is left. */
  given: Budget,
  left: Schema.Record(Schema.String, Schema.Finite),
  children: Schema.Array(ChildInfo),
  /** How many devices are its units. */
  units: count,
  spawns: Schema.Array(SpawnView),
  adoptions: Schema.Array(AdoptionView),
  ailing: Schema.Array(Ailing)
})
export type VsmView = typeof VsmView.Type

/** Units of a VSM, in order of their ids; `next` continues after them. */
export const UnitPage = Schema.Struct({ units: Schema.Array(UnitInfo), next: Schema.optionalKey(DeviceId) })
export type UnitPage = typeof UnitPage.Type

/** Most units of a page that is asked for. */
export const unitPageMax = 500

const spawn = Schema.String
const act = { error: HolonError, audience: "operator", creates: false } as const
const told = { creates: false } as const

/** The VSM: kind of the actor. */
export const Vsm = Contract.make("vsm", {
  about: "governs units: devices and other VSMs below it, within a budget and a zone",
  state: VsmState,
  messages: {
    Describe: Contract.query({
      success: VsmView,
      audience: "operator",
      capability: "vsm.read",
      about: "its place in the tree, its children, its budget, and what is under way"
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

    Found: Contract.idempotent({ about: "brings the root into being" }),
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
    ChildRetired: Contract.idempotent({ ...told, payload: { child: VsmId }, about: "a child has retired" }),

    RegisterUnit: Contract.idempotent({
      payload: { unit: DeviceId, fence: count, zone: Schema.optionalKey(Zone) },
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
    Escalate
  },
  events: {
    "vsm.founded": Schema.Struct({}),
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
    "vsm.unit-restarted": Schema.Struct({ kind: Schema.String, id: Schema.String })
  }
})
export type Vsm = typeof Vsm
