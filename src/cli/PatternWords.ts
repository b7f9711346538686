/** Patterns in words. */
import type { StoredPattern } from "../events/Patterns.ts"

/** As `hot version 3, looking at events in hall.line-3, yard`. */
export const patternLine = ({ name, version, isOn, zones = [] }: StoredPattern): string => {
  const where = zones.length === 0 ? "" : ` in ${zones.join(", ")}`
  return `${name} version ${version}, ${isOn ? `looking at events${where}` : `off${where && `, enabled${where}`}`}`
}
