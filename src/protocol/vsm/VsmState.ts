/** What rests of a VSM, and what people see of it. Times are ms since 1970. */
import { Schema } from "effect"
import { DeviceId } from "../Ids.ts"
import { Zone } from "../Zone.ts"
import { Budget, Left } from "./Budget.ts"
import { Refusal, SpawnView, TemplateName } from "./Spawn.ts"
import { VsmId } from "./VsmId.ts"

const count = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))
const instant = Schema.Finite

/** `absent` nobody has begun it; `spawning` until its parent has it in the tree; `retired` is an end, until it is spawned again. */
export const VsmStatus = Schema.Literals(["absent", "spawning", "active", "quarantined", "retiring", "retired"])
export type VsmStatus = typeof VsmStatus.Type

/** As people see it: `degraded` is active, and something is wrong with it or with what is directly below. */
export const ShownStatus = Schema.Literals([...VsmStatus.literals, "degraded"])
export type ShownStatus = typeof ShownStatus.Type

/** What makes a VSM degraded: an actor below it, or of its own, stands still, or it hurts beyond doubt and nobody takes care. */
export const Trouble = Schema.Struct({
  kind: Schema.String,
  id: Schema.String,
  what: Schema.Literals(["quarantined", "pain"])
})
export type Trouble = typeof Trouble.Type

/** What is below a VSM: VSMs, devices that are units of any of them, and the worst that hurts one and nobody takes care of. */
export const Sums = Schema.Struct({ vsms: count, units: count, pain: Schema.Finite })
export type Sums = typeof Sums.Type

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
  restarts: Schema.Array(instant),
  /** When it is looked whether somebody has released one that was left there. */
  lookAt: Schema.optionalKey(instant)
})
export type Ailing = typeof Ailing.Type

/** How a VSM stands, as it tells those above: it is some hundred milliseconds old, and a little older for each level between. */
export const Digest = Schema.Struct({
  id: VsmId,
  parent: VsmId,
  status: ShownStatus,
  zone: Schema.optionalKey(Zone),
  budget: Budget,
  left: Left,
  /** Devices that are its own units. */
  units: count,
  /** Actors that it supervises and that stand still. */
  quarantined: count,
  /** The worst that hurts it and nobody takes care of, 0 to 1. */
  pain: Schema.Finite,
  below: Sums
})
export type Digest = typeof Digest.Type

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
  nextAt: Schema.optionalKey(instant),
  /** The worst that hurts it and nobody takes care of, as its algedonic channel says. */
  pain: Schema.optionalKey(Schema.Finite),
  /** Since when it is degraded. */
  degradedAt: Schema.optionalKey(instant),
  /** VSMs up to three levels below, as they have told. */
  digests: Schema.ReadonlyMap(VsmId, Digest),
  /** What it has told those above last, and when; and when it tells them again. */
  said: Schema.optionalKey(Schema.Struct({ digest: Digest, at: instant })),
  sayAt: Schema.optionalKey(instant)
})
export type VsmState = typeof VsmState.Type

/** What people see of a VSM. Its units come in pages. */
export const VsmView = Schema.Struct({
  id: VsmId,
  ...identity,
  status: ShownStatus,
  parent: Schema.optionalKey(VsmId),
  /** The root stands at 0. */
  depth: count,
  /** Of the budget, what its children were given, and what is left. */
  given: Budget,
  left: Left,
  children: Schema.Array(ChildInfo),
  /** How many devices are its units. */
  units: count,
  spawns: Schema.Array(SpawnView),
  adoptions: Schema.Array(AdoptionView),
  ailing: Schema.Array(Ailing),
  /** Why it is degraded; empty where it is not. */
  troubles: Schema.Array(Trouble),
  /** The worst that hurts it and nobody takes care of, 0 to 1. */
  pain: Schema.Finite,
  /** Without itself. */
  below: Sums,
  /** VSMs below it, as deep as was asked for, each behind its parent. */
  tree: Schema.optionalKey(Schema.Array(Digest))
})
export type VsmView = typeof VsmView.Type

/** Units of a VSM, in order of their ids; `next` continues after them. */
export const UnitPage = Schema.Struct({ units: Schema.Array(UnitInfo), next: Schema.optionalKey(DeviceId) })
export type UnitPage = typeof UnitPage.Type

/** So many levels up a VSM tells how it stands, and so many down one message shows. */
export const levelsMax = 3

/** A parent is asked whether it is there this often, ms. */
export const leaseMillis = 30_000

/** Most units of a page that is asked for. */
export const unitPageMax = 500
