/** Patterns in words. */
import { isReadable, type KeptPattern } from "../events/Patterns.ts"

/** As `hot version 3, looking at events in hall.line-3, yard`. */
export const patternLine = (pattern: KeptPattern): string => {
  const { name, version, isOn, zones = [] } = pattern
  if (!isReadable(pattern)) return `${name} version ${version}, looking at nothing: ${pattern.unreadable}`
  const where = zones.length === 0 ? "" : ` in ${zones.join(", ")}`
  return `${name} version ${version}, ${isOn ? `looking at events${where}` : `off${where && `, enabled${where}`}`}`
}
