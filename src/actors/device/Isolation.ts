/**
 * The immune system keeps a board apart for a time: its link ends, and it may not attach. The device itself goes on, and ends that by
 * itself: a board must not stay outside because whoever turned it away is gone.
 */
import type { DeviceState } from "../../protocol/DeviceState.ts"
import { Unavailable } from "../../protocol/Errors.ts"
import { emit, type Turn } from "./Turn.ts"

/** Why the board may not attach now; nothing when it may. */
export const turnedAway = ({ isolation }: DeviceState, now: number): Unavailable | undefined =>
  isolation === undefined || now >= isolation.until
    ? undefined
    : new Unavailable({ cause: "quarantined", retryAfterMs: isolation.until - now })

/** The board is kept apart. Another word of it replaces this one. Whoever calls ends its link. */
export const isolate = (turn: Turn, mitigation: string, until: number): void => {
  turn.state = { ...turn.state, isolation: { mitigation, until } }
  emit(turn, { type: "device.isolated", severity: "warn", data: { mitigation, until } })
}

const readmitted = (turn: Turn, why: "expired" | "lifted"): void => {
  const { isolation } = turn.state
  if (isolation === undefined) return
  turn.state = { ...turn.state, isolation: undefined }
  emit(turn, { type: "device.readmitted", data: { mitigation: isolation.mitigation, why } })
}

/** It may come back; a word of another mitigation than the one in force is late. */
export const readmit = (turn: Turn, mitigation: string): void => {
  if (turn.state.isolation?.mitigation === mitigation) readmitted(turn, "lifted")
}

/** Ends it when its time is over. */
export const endIsolation = (turn: Turn): void => {
  if (turn.now >= isolationDue(turn.state)) readmitted(turn, "expired")
}

/** When it is over, ms; infinite for never. */
export const isolationDue = ({ isolation }: DeviceState): number => isolation?.until ?? Number.POSITIVE_INFINITY
