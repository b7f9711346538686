/** Times as patterns write them: `500ms`, `10s`, `5min`, `2h`. */

const units = [
  ["h", 3_600_000],
  ["min", 60_000],
  ["s", 1000],
  ["ms", 1]
] as const

/** A time of whole milliseconds in the largest unit in which it is a whole number. */
export const formatDuration = (millis: number): string => {
  for (const [unit, factor] of units) if (millis % factor === 0) return `${millis / factor}${unit}`
  return `${millis}ms`
}
