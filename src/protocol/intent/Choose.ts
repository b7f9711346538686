/** Which devices of a fleet a choice in words means, and how a choice is written in one line. */
import { matches } from "../Capability.ts"
import { contains } from "../Zone.ts"
import type { DeviceWords } from "./FleetWords.ts"
import type { Intent, Selection, Targets } from "./Intent.ts"
import type { Vocabulary } from "./Vocabulary.ts"

/** Whether the selection chooses the device. */
export const selects = (selection: Selection, device: DeviceWords, { ancestors }: Vocabulary): boolean => {
  const { id, glob, kind, zone, vsm, state } = selection
  if (id !== undefined && device.id !== id) return false
  if (glob !== undefined && !matches(glob, device.id)) return false
  if (kind !== undefined && device.profile !== kind) return false
  if (zone !== undefined && (device.zone === undefined || !contains(zone, device.zone))) return false
  if (state !== undefined && device.state !== state) return false
  return vsm === undefined || (device.vsm !== undefined && (ancestors.get(device.vsm)?.has(vsm) ?? device.vsm === vsm))
}

/** The devices that are meant, in the order of the fleet. */
export const chosen = (targets: Targets, vocabulary: Vocabulary): ReadonlyArray<DeviceWords> =>
  vocabulary.fleet.devices.filter(
    (device) =>
      targets.of.some((selection) => selects(selection, device, vocabulary)) &&
      !targets.except.some((selection) => selects(selection, device, vocabulary))
  )

const lineOf = ({ id, glob, kind, zone, vsm, state }: Selection): string => {
  const parts = [
    ...(id === undefined ? [] : [id]),
    ...(glob === undefined ? [] : [`glob:${glob}`]),
    ...(kind === undefined ? [] : [`kind:${kind}`]),
    ...(zone === undefined ? [] : [`zone:${zone}`]),
    ...(vsm === undefined ? [] : [`vsm:${vsm}`]),
    ...(state === undefined ? [] : [`state:${state}`])
  ]
  return parts.length === 0 ? "all" : parts.join("&")
}

/** `kind:sim-heater&zone:hall.line-2 + oven-1 - heater-5`: one of the first, and none of what stands behind a minus. */
export const targetsLine = ({ of, except }: Targets): string =>
  [of.map(lineOf).join(" + "), ...except.map(lineOf)].join(" - ")

/** `field=target value=65`, in the order of the names. */
export const argumentsLine = (args: Intent["args"]): string =>
  Object.entries(args)
    .map(([name, value]) => `${name}=${value}`)
    .sort()
    .join(" ")

/** The whole intent in one line; two intents of one line are the same. */
export const intentLine = ({ args, capability, targets }: Pick<Intent, "args" | "capability" | "targets">): string =>
  [capability, ...(targets === undefined ? [] : [targetsLine(targets)]), argumentsLine(args)]
    .filter((part) => part !== "")
    .join(" ")
