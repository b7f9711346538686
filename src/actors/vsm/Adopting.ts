/**
 * Whose unit a device is. The device itself decides and says so, with a fence that counts its holders: two VSMs that want one
 * device at once hear of one outcome, and an old word never undoes a newer one.
 */
import { Backpressure, type HolonError, InvalidTransition } from "../../protocol/Errors.ts"
import type { DeviceId } from "../../protocol/Ids.ts"
import type { Refusal } from "../../protocol/vsm/Spawn.ts"
import { rootId, type VsmId } from "../../protocol/vsm/VsmId.ts"
import type { AdoptionView, ChildInfo, UnitInfo, VsmState } from "../../protocol/vsm/VsmState.ts"
import { contains, type Zone } from "../../protocol/Zone.ts"
import { drop, hasRoom, parentOf, put, type Turn, tellDevice } from "./Turn.ts"
import { unitOf, withoutUnit, withUnit } from "./Units.ts"

/** Adoptions of one VSM under way at a time: each is a tell in its outbox. */
const underWayMax = 128
/** How long the outcome of an adoption is known, ms. */
const keptMillis = 600_000

/** Why the adoption is refused here already. */
export const objection = ({ status, path, adoptions }: VsmState): HolonError | undefined => {
  if (status !== "active") return new InvalidTransition({ from: status, event: "Adopt" })
  const asked = [...adoptions.values()].filter(({ step }) => step === "asked")
  return asked.length < underWayMax
    ? undefined
    : new Backpressure({ bucket: `the adoptions of ${path.at(-1)}`, retryAfterMs: 1000 })
}

const write = (turn: Turn, adoption: AdoptionView): AdoptionView => {
  turn.state = { ...turn.state, adoptions: put(turn.state.adoptions, adoption.unit, adoption) }
  return adoption
}

/** Has a device become the unit of a VSM: from one of these holders, and of nobody else. */
const assign = (
  turn: Turn,
  unit: string,
  { to, from, zone }: { readonly to: VsmId; readonly from: ReadonlyArray<VsmId>; readonly zone?: Zone | undefined }
): void =>
  tellDevice(turn, unit, "AssignUnit", {
    to,
    from,
    by: turn.id,
    ...(zone === undefined ? {} : { zone })
  })

/** What a device says to the VSM whose unit it is. */
interface Registration {
  readonly unit: DeviceId
  readonly fence: number
  readonly zone?: Zone
  /** Who has handed it on. */
  readonly by?: VsmId
}

/** Wants a device as a unit: of who stands above, or of the VSM that is named. */
export const beginAdoption = (
  turn: Turn,
  { unit, from }: { readonly unit: DeviceId; readonly from?: VsmId }
): AdoptionView => {
  const { state, now, id } = turn
  if (unitOf(state.units, unit) !== undefined) return write(turn, { unit, step: "adopted", since: now })
  const known = state.adoptions.get(unit)
  if (known?.step === "asked") return known
  const holders = from === undefined ? state.path.filter((above) => above !== id) : [from]
  assign(turn, unit, { to: id, from: holders, zone: state.zone })
  return write(turn, { unit, step: "asked", since: now })
}

/**
 * The child whose zone the unit lies in; nothing where the child has no zone of its own, narrower than this one, or has just
 * handed the unit up: a child that retires would get it and give it back without end.
 */
const childFor = ({ children, zone: own }: VsmState, { zone, by }: Registration): ChildInfo | undefined =>
  zone === undefined
    ? undefined
    : [...children.values()].find(
        (child) =>
          child.zone !== undefined &&
          child.zone !== own &&
          child.id !== by &&
          child.isRetiring !== true &&
          contains(child.zone, zone)
      )

/** A device says that it is a unit of this VSM. */
export const register = (turn: Turn, registration: Registration): void => {
  const { unit, fence, zone } = registration
  const { state, now, id } = turn
  const known = unitOf(state.units, unit)
  if (known !== undefined && known.fence > fence) return
  if (state.status === "absent" || state.status === "retired") {
    assign(turn, unit, { to: parentOf(state) ?? rootId, from: [id] })
    return
  }
  const info: UnitInfo = { id: unit, fence, ...(zone === undefined ? {} : { zone }), since: known?.since ?? now }
  turn.state = { ...state, units: withUnit(state.units, info) }
  if (known === undefined || known.fence < fence)
    turn.events.push({ type: "vsm.unit-adopted", unit, data: { unit, fence } })
  const isWanted = state.adoptions.get(unit)?.step === "asked"
  if (isWanted) write(turn, { unit, step: "adopted", since: now })
  if (state.status === "retiring") return void handUp(turn, unit)
  if (isWanted) return
  const child = childFor(state, registration)
  if (child !== undefined) return assign(turn, unit, { to: child.id, from: [id], zone: child.zone })
  // Its zone has changed, and this VSM is confined to another.
  if (state.zone !== undefined && (zone === undefined || !contains(state.zone, zone))) handUp(turn, unit)
}

/** Has a unit go to the parent. */
export const handUp = (turn: Turn, unit: string): void => {
  const parent = parentOf(turn.state)
  if (parent !== undefined) assign(turn, unit, { to: parent, from: [turn.id] })
}

/** Asks a unit again whose it is: it answers with its registration, and wakes by it. */
export const confirm = (turn: Turn, unit: string): void => assign(turn, unit, { to: turn.id, from: [turn.id] })

/** A device says that it is a unit of another VSM, or retired. */
export const remove = (turn: Turn, { unit, fence }: { readonly unit: DeviceId; readonly fence: number }): void => {
  const known = unitOf(turn.state.units, unit)
  if (known === undefined || known.fence > fence) return
  const key = `device/${unit}`
  const { ailing } = turn.state
  turn.state = {
    ...turn.state,
    units: withoutUnit(turn.state.units, unit),
    ...(ailing.has(key) ? { ailing: drop(ailing, key) } : {})
  }
  turn.events.push({ type: "vsm.unit-left", unit, data: { unit, fence } })
}

/** A device does not become a unit of this VSM. */
export const refused = (turn: Turn, unit: DeviceId, refusal: Refusal): void => {
  if (turn.state.adoptions.get(unit)?.step !== "asked") return
  write(turn, { unit, step: "refused", since: turn.now, refusal })
  turn.events.push({ type: "vsm.adoption-refused", severity: "warn", unit, data: { unit, error: refusal } })
}

/** Takes units that a child could not move in time. Their devices say it themselves later; until then the child's word counts. */
export const take = (turn: Turn, units: ReadonlyArray<UnitInfo>): void => {
  for (const { id, fence, zone } of units) {
    const known = unitOf(turn.state.units, id)
    if (known !== undefined && known.fence >= fence) continue
    const info = { id, fence, ...(zone === undefined ? {} : { zone }), since: turn.now }
    turn.state = { ...turn.state, units: withUnit(turn.state.units, info) }
    turn.events.push({ type: "vsm.unit-adopted", unit: id, data: { unit: id, fence } })
    // The child's word may be older than that by which this VSM has handed the device on.
    if (hasRoom(turn)) confirm(turn, id)
  }
}

/** When the outcome of an adoption is forgotten; infinite for never. */
export const adoptionsDue = ({ adoptions }: VsmState): number => {
  let due = Number.POSITIVE_INFINITY
  for (const { step, since } of adoptions.values()) if (step !== "asked") due = Math.min(due, since + keptMillis)
  return due
}

/** Forgets outcomes that are old. */
export const forgetAdoptions = (turn: Turn): void => {
  for (const { unit, step, since } of turn.state.adoptions.values())
    if (step !== "asked" && turn.now >= since + keptMillis)
      turn.state = { ...turn.state, adoptions: drop(turn.state.adoptions, unit) }
}
