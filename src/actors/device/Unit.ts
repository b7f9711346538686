/**
 * Whose unit the device is. It says so itself, one word after another, each with a higher fence: of two VSMs that want it at once
 * one gets it and the other is refused. The root adopts it when its board attaches for the first time.
 */
import type { DeviceState, Membership } from "../../protocol/DeviceState.ts"
import { Conflict, type HolonError, NotFound, ZoneDenied } from "../../protocol/Errors.ts"
import { refusalOf } from "../../protocol/vsm/Spawn.ts"
import { rootId, type VsmId } from "../../protocol/vsm/VsmId.ts"
import { contains, type Zone, zoneIn } from "../../protocol/Zone.ts"
import type { Undelivered } from "../Behaviour.ts"
import { type Turn, tell } from "./Turn.ts"

/** Who is to have the device, whose it may be now, and who says so. */
export interface Assignment {
  readonly to: VsmId
  readonly from: ReadonlyArray<VsmId>
  readonly by: VsmId
  /** The device must be in there. */
  readonly zone?: Zone
}

const tellVsm = (turn: Turn, id: VsmId, message: string, payload: object): void =>
  tell(turn, { to: { kind: "vsm", id }, message, payload: { unit: turn.context.self.id, ...payload } })

/** Says whose unit it is, in which zone it is, and who has handed it on where somebody has. */
const register = (turn: Turn, { vsm, fence }: Membership, by?: VsmId): void => {
  const zone = zoneIn(turn.state.zone)
  const handed = by === undefined || by === vsm ? {} : { by }
  tellVsm(turn, vsm, "RegisterUnit", { fence, ...(zone === undefined ? {} : { zone }), ...handed })
}

const move = (turn: Turn, vsm: VsmId, by?: VsmId): void => {
  const before = turn.state.unit
  const unit = { vsm, fence: (before?.fence ?? 0) + 1 }
  turn.state = { ...turn.state, unit }
  if (before !== undefined) tellVsm(turn, before.vsm, "RemoveUnit", { fence: unit.fence })
  register(turn, unit, by)
}

/** A board attaches: the root adopts a device that is nobody's unit. */
export const joinRoot = (turn: Turn): void => {
  if (turn.state.unit === undefined) move(turn, rootId)
}

/** The zone has changed: whoever has the device may have to hand it on. */
export const sayZone = (turn: Turn): void => {
  if (turn.state.unit !== undefined) register(turn, turn.state.unit)
}

const objection = (
  { connection, unit, zone: words }: DeviceState,
  id: string,
  wanted: Assignment
): HolonError | undefined => {
  if (connection.state === "retired") return new NotFound({ what: `device ${id} any more: it is retired` })
  if (unit !== undefined && !wanted.from.includes(unit.vsm)) return new Conflict({ holder: `the VSM ${unit.vsm}` })
  const own = zoneIn(words)
  return wanted.zone === undefined || (own !== undefined && contains(wanted.zone, own))
    ? undefined
    : new ZoneDenied({ zone: wanted.zone })
}

/** A VSM wants the device, or hands it on. */
export const assign = (turn: Turn, wanted: Assignment): void => {
  const { unit, connection } = turn.state
  const { to, by } = wanted
  if (unit?.vsm === to && connection.state !== "retired") {
    if (by !== to) tellVsm(turn, by, "RemoveUnit", { fence: unit.fence })
    return register(turn, unit)
  }
  const error = objection(turn.state, turn.context.self.id, wanted)
  if (error === undefined) return move(turn, to, by)
  if (by === to) {
    // It may have been handed the device by a word older than this one.
    if (unit !== undefined) tellVsm(turn, to, "RemoveUnit", { fence: unit.fence })
    return tellVsm(turn, to, "AdoptionRefused", { error: refusalOf(error) })
  }
  // Who hands it on learns how it stands: it is not his any more, or still is and he decides anew.
  if (unit?.vsm === by && connection.state !== "retired") register(turn, unit)
  else tellVsm(turn, by, "RemoveUnit", { fence: (unit?.fence ?? 0) + 1 })
}

/** The device retires: nobody has it any more. */
export const leave = (turn: Turn): void => {
  const { unit } = turn.state
  if (unit !== undefined) tellVsm(turn, unit.vsm, "RemoveUnit", { fence: unit.fence + 1 })
}

/** A registration that was never taken: the next attach begins anew. A node of an earlier release knows no VSMs. */
export const unregistered = (turn: Turn, { to, message }: Undelivered): void => {
  const { unit } = turn.state
  if (message !== "RegisterUnit" || unit === undefined || unit.vsm !== to.id) return
  turn.state = { ...turn.state, unit: undefined }
}
