/** What rests of a VSM, and what people see of it. Times are ms since 1970. */
import { Schema } from "effect"
import { DeviceId } from "../Ids.ts"
import { Zone } from "../Zone.ts"
import { Budget } from "./Budget.ts"
import { Refusal, SpawnView, TemplateName } from "./Spawn.ts"
import { VsmId } from "./VsmId.ts"

const count = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))
const instant = Schema.Finite

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
