/** How much something hurts, from what was measured. */
import type { Feeling, Thresholds, Valence } from "../../../protocol/vsm/Signal.ts"

/** The metrics that everybody knows. The name says the unit. */
export const thresholdsKnown: ReadonlyMap<string, Thresholds> = new Map([
  ["latency_ms", { base: 250, pain: 500, agony: 2000 }],
  // So that 250 ms of work hurt by 0.7.
  ["work_latency_ms", { base: 40, pain: 295, agony: 1180 }],
  ["error_rate", { base: 0.01, pain: 0.05, agony: 0.2 }],
  ["memory_share", { base: 0.6, pain: 0.8, agony: 0.95 }],
  ["queue_length", { base: 500, pain: 1000, agony: 5000 }],
  ["temperature_c", { base: 60, pain: 80, agony: 95 }],
  ["battery_percent", { base: 40, pain: 20, agony: 5 }]
])
/** Work that takes no longer than this does good, ms. */
const pleasantMillis = 40
const pleasure = 0.9

const painShare = 0.85
const agonyShare = 0.95

/** 0 below the base, then straight to 0.85 at pain and 0.95 at agony, and from there ever slower towards 1. */
export const intensityOf = (value: number, { base, pain, agony }: Thresholds): number => {
  // Where less is worse, the axis is turned round.
  const sign = base < pain ? 1 : -1
  const [x, b, p, a] = [sign * value, sign * base, sign * pain, sign * agony]
  if (x <= b) return 0
  if (x <= p) return (painShare * (x - b)) / (p - b)
  if (x <= a) return painShare + ((agonyShare - painShare) * (x - p)) / (a - p)
  return agonyShare + (1 - agonyShare) * (1 - Math.exp(-(x - a) / (a - p)))
}

/** What share of the way to what lasts the base goes in a minute. */
const usedToPerMinute = 0.1
/** So near to where pain is beyond doubt the base never comes, as a share of the way. */
const baseShareMax = 0.9

/** The base after something has lasted for so long: what lasts is got used to, but pain and agony stay where they are. */
export const baseAfter = (base: number, value: number, millis: number, { base: from, pain }: Thresholds): number => {
  const moved = base + (value - base) * Math.min(1, (usedToPerMinute * Math.max(0, millis)) / 60_000)
  const most = from + (pain - from) * baseShareMax
  return from < pain ? Math.min(most, Math.max(from, moved)) : Math.max(most, Math.min(from, moved))
}

/** How much is felt, of what. */
export interface Felt {
  readonly valence: Valence
  readonly intensity: number
}

/** What a feeling amounts to; nothing where it neither says how much it is, nor has a metric whose thresholds are known. */
export const feltOf = (feeling: Feeling, thresholds: Thresholds | undefined, base?: number): Felt | undefined => {
  const { metric, valence = "pain", value, intensity } = feeling
  if (
    value !== undefined &&
    metric === "work_latency_ms" &&
    value <= pleasantMillis &&
    valence === "pain" &&
    !intensity
  )
    return { valence: "pleasure", intensity: pleasure }
  if (value === undefined || thresholds === undefined || valence === "pleasure")
    return intensity === undefined && valence === "pain" ? undefined : { valence, intensity: intensity ?? pleasure }
  const measured = intensityOf(value, base === undefined ? thresholds : { ...thresholds, base })
  return { valence, intensity: Math.max(measured, intensity ?? 0) }
}

/** Whether thresholds hurt no later than those that everybody knows. */
export const isStricter = (wanted: Thresholds, known: Thresholds): boolean => {
  const sign = known.base < known.pain ? 1 : -1
  return (
    sign * (wanted.agony - wanted.pain) > 0 &&
    sign * (wanted.pain - known.pain) <= 0 &&
    sign * (wanted.agony - known.agony) <= 0
  )
}
