/**
 * The fences that a device has seen. A command may say under which claim it is given; one whose fence is lower than another that
 * came for the same resource, or for a part of it, is late: somebody else has the claim by now.
 */
import type { DeviceState, Fences } from "../../protocol/DeviceState.ts"
import { Conflict, type HolonError, InvalidTransition, Malformed } from "../../protocol/Errors.ts"
import { type ClaimToken, deviceOf, overlaps } from "../../protocol/vsm/Claim.ts"

/** Resources whose fences are remembered one by one, and VSMs of which anything is: each may have one for the whole device. */
const fencesMax = 64

/** Nothing has been claimed. */
export const noFences: Fences = new Map()

const keyOf = ({ vsm, resource }: ClaimToken): string => `${vsm} ${resource}`

const misfit = (
  { vsm, resource }: ClaimToken,
  state: DeviceState,
  id: string,
  event: string
): HolonError | undefined => {
  if (deviceOf(resource) !== id)
    return new Malformed({ path: "claim.resource", reason: `is not of this device; it begins with device/${id}` })
  if (state.unit === undefined)
    return new InvalidTransition({
      from: "no unit",
      event,
      reason: `device ${id} is no VSM's unit yet: nobody can claim it`
    })
  // Coordinators count for themselves: only the one of the VSM that has the device says anything about it.
  return state.unit.vsm === vsm ? undefined : new Conflict({ holder: `the VSM ${state.unit.vsm}` })
}

/** The highest fence that a claim has to bear with. */
const newest = (
  fences: Fences,
  { vsm, resource }: ClaimToken
): { readonly resource: string; readonly fence: number } => {
  let found = { resource, fence: 0 }
  for (const [key, fence] of fences) {
    const [by, of = ""] = key.split(" ")
    if (by === vsm && overlaps(of, resource) && fence > found.fence) found = { resource: of, fence }
  }
  return found
}

/** Why a command under this claim is refused; nothing when it may go on. */
export const objection = (
  state: DeviceState,
  id: string,
  claim: ClaimToken | undefined,
  event: string
): HolonError | undefined => {
  if (claim === undefined) return undefined
  const wrong = misfit(claim, state, id, event)
  if (wrong !== undefined) return wrong
  const { resource, fence } = newest(state.fences, claim)
  return claim.fence < fence
    ? new Conflict({ holder: `a newer claim of ${resource} (fence ${fence}, not ${claim.fence})` })
    : undefined
}

/** Forgets the lowest fences one by one, but not that they were: whatever is not above them is late for all of the device. */
const bounded = (fences: ReadonlyMap<string, number>, id: string): Fences => {
  if (fences.size <= fencesMax) return fences
  const parts = [...fences].filter(([key]) => !key.endsWith(` device/${id}`))
  const lowest = parts.reduce((least, each) => (each[1] < least[1] ? each : least))
  const whole = `${lowest[0].split(" ")[0]} device/${id}`
  const kept = new Map(fences)
  kept.delete(lowest[0])
  return kept.set(whole, Math.max(lowest[1], kept.get(whole) ?? 0))
}

/** The fences after one was seen. */
export const seen = (fences: Fences, id: string, claim: ClaimToken): Fences => {
  const key = keyOf(claim)
  return (fences.get(key) ?? 0) >= claim.fence ? fences : bounded(new Map(fences).set(key, claim.fence), id)
}

/** The state after a command under a claim was taken. */
export const noted = (state: DeviceState, id: string, claim: ClaimToken | undefined): DeviceState => {
  if (claim === undefined) return state
  const fences = seen(state.fences, id, claim)
  return fences === state.fences ? state : { ...state, fences }
}

/** A coordinator says that whoever comes with less has lost his claim. One that has nothing to say about the device changes nothing. */
export const raise = (state: DeviceState, id: string, claim: ClaimToken): DeviceState =>
  misfit(claim, state, id, "RaiseFence") === undefined ? noted(state, id, claim) : state
