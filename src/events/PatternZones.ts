/** In which zones a pattern is enabled: everywhere while none is listed. */
import { Result } from "effect"
import { bindTree } from "../protocol/condition/Bind.ts"
import type { BoundCondition } from "../protocol/condition/Bound.ts"
import { events } from "../protocol/condition/Source.ts"
import { Malformed } from "../protocol/Errors.ts"
import type { Pattern } from "../protocol/pattern/Pattern.ts"
import type { Zone } from "../protocol/Zone.ts"

/** Zones of one pattern: each is two more alternatives of what it looks at. */
export const zonesMax = 16

/** Whether it looks at events at all, and where. */
export interface Enabled {
  readonly isOn: boolean
  readonly zones: ReadonlyArray<Zone>
}

const refused = (reason: string) => Result.fail(new Malformed({ path: "zones", reason }))

/**
 * A pattern is switched on or off. With zones, on adds them, or makes it everywhere where there are none in the list; off
 * takes them out, and with the last one the pattern is off. Without, zones stay as they are.
 */
export const switched = (
  { name, body }: Pick<Pattern, "name" | "body">,
  { zones: listed }: Enabled,
  isOn: boolean,
  zones: ReadonlyArray<Zone> | undefined
): Result.Result<Enabled, Malformed> => {
  if (zones === undefined) return Result.succeed({ isOn, zones: listed })
  if (body._tag === "Combined" && zones.length > 0)
    return refused(`${name} looks at matches of other patterns, which are in no zone; switch those it stands on`)
  if (isOn) {
    const all = zones.length === 0 ? [] : [...new Set([...listed, ...zones])].sort()
    if (all.length > zonesMax)
      return refused(
        `${name} would be on in ${all.length} zones, ${zonesMax} at most; name one that contains some of them`
      )
    return Result.succeed({ isOn, zones: all })
  }
  if (zones.length === 0) return refused("there is none to be switched off in; leave the field out to switch it off")
  if (listed.length === 0)
    return refused(`${name} is not on in single zones; switch it on in those where it is to stay on`)
  const stranger = zones.find((zone) => !listed.includes(zone))
  if (stranger !== undefined) return refused(`${name} is not on in ${stranger}, but in ${listed.join(", ")}`)
  const left = listed.filter((zone) => !zones.includes(zone))
  return Result.succeed({ isOn: left.length > 0, zones: left })
}

/** What a pattern looks at that is enabled in these zones only: besides all else, it is in one of them. */
export const within = (zones: ReadonlyArray<Zone> = [], condition: BoundCondition): BoundCondition => {
  if (zones.length === 0) return condition
  const term = { _tag: "Field", path: ["zone"] } as const
  const inside = zones.map((zone) =>
    Result.getOrThrow(bindTree({ _tag: "Inside", term, zone: { _tag: "Text", value: zone } }, events))
  )
  return { _tag: "All", of: [{ _tag: "Any", of: inside }, condition] }
}
