/** What people see of a device. */
import type { Connection, DeviceStatus, TwinDocument, TwinView } from "../../protocol/Device.ts"
import type { DeviceState } from "../../protocol/DeviceState.ts"
import { desiredMap } from "../../protocol/Twin.ts"
import { pointerOf } from "../../protocol/TwinPath.ts"
import { eachLeaf, mapOf } from "../../protocol/TwinSection.ts"
import { failingOf } from "./Supervision.ts"
import type { Context } from "./Turn.ts"
import { zoneView } from "./Zones.ts"

/** The connection, with the board last seen as this activation knows. */
export const connectionOf = ({ connection }: DeviceState, { link, resident }: Context): Connection => {
  const { state, since, reason, lastSeen } = connection
  return { state, since, reason, lastSeen: link === undefined ? lastSeen : Math.max(lastSeen, resident.heardAt) }
}

/** The twin without the history of its leaves. */
export const twinView = (state: DeviceState, context: Context): TwinView => {
  const { twin } = state
  const { version, desiredVersion, applied, refused } = twin
  return {
    desired: desiredMap(twin),
    reported: mapOf(twin.reported),
    version,
    desiredVersion,
    applied,
    refused,
    connection: connectionOf(state, context)
  }
}

/** The twin with the history of its leaves. */
export const twinDocument = (state: DeviceState, context: Context): TwinDocument => {
  const desired: Record<string, TwinDocument["meta"]["desired"][string]> = {}
  for (const [path, { v, at, by }] of state.twin.desired.leaves) desired[pointerOf(path)] = { v, at, by }
  const reported: Record<string, TwinDocument["meta"]["reported"][string]> = {}
  eachLeaf(state.twin.reported, (path, { v, stamp: [, boot, rank, at, estimated] }) => {
    // An unnumbered report shows the number of the last numbered one before it.
    reported[pointerOf(path)] = { boot, seq: Math.max(0, Math.ceil(rank)), at, estimated, v }
  })
  return { ...twinView(state, context), meta: { desired, reported } }
}

/** What lists show. */
export const statusOf = (state: DeviceState, context: Context): DeviceStatus => {
  const { board, epoch, twin, commands, work } = state
  return {
    connection: connectionOf(state, context),
    ...zoneView(state),
    ...(state.unit !== undefined && { vsm: state.unit.vsm }),
    epoch,
    boot: board?.boot ?? 0,
    link: board?.link ?? 0,
    profile: board?.profile ?? "",
    firmware: board?.firmware ?? "",
    version: twin.version,
    desiredVersion: twin.desiredVersion,
    applied: twin.applied,
    commands: commands.open.length,
    ...context.resident.vitals,
    ...(state.isolation !== undefined && { isolatedUntil: state.isolation.until }),
    ...(work.failing.size === 0 ? {} : { failing: failingOf(state) }),
    ...(work.failedImages.size === 0 ? {} : { failedImages: [...work.failedImages.values()] })
  }
}
