/** Zones that operators are confined to. */
import type { JudgedAct } from "../../../actors/Judge.ts"
import type { Asker } from "../../../protocol/Asker.ts"
import { ZoneDenied } from "../../../protocol/Errors.ts"
import { contains } from "../../../protocol/Zone.ts"

/** Whether something in this zone may be seen and touched by who is confined to those. */
export const isWithin = (zones: ReadonlyArray<string>, zone: string): boolean =>
  zones.some((each) => contains(each, zone))

/** Whether somebody may see what is in a zone, or in none. */
export const maySee = ({ zones }: Asker, zone: string | undefined): boolean =>
  zones === undefined || zone === undefined || isWithin(zones, zone)

/**
 * Why somebody may not do something where it is; nothing where he may. What is in no zone may be read by everybody, and changed
 * only by who is not confined, unless it acts for others and asks about each of their acts.
 */
export const zoneDenialOf = (
  { zones }: Asker,
  { zone, isActuating, isForwarded, isForOthers }: JudgedAct
): ZoneDenied | undefined => {
  if (zones === undefined) return undefined
  if (zone !== undefined) return isWithin(zones, zone) ? undefined : new ZoneDenied({ zone })
  if (!isActuating || isForwarded === true || isForOthers === true) return undefined
  return new ZoneDenied({ zone: zones.join(", ") })
}
