/** The pace of one parent: a bucket of spawns, and a breaker that opens when too many of them fail or are denied. */
import type { Pace, RecursionBounds } from "../../../protocol/vsm/Recursion.ts"

const failuresMax = 5
const failureWindowMillis = 60_000
const openFirstMillis = 30_000
const openLastMillis = 600_000
const probesToClose = 3
const openingWindowMillis = 600_000
/** A half-open breaker lets one probe through; another one asks again after this, ms. */
const probeWaitMillis = 1000

/** A parent that has never spawned. */
export const freshPace = ({ burst }: RecursionBounds, now: number): Pace => ({
  tokens: burst,
  at: now,
  failures: [],
  openMillis: 0,
  successes: 0,
  isProbing: false,
  openings: []
})

/** How long the breaker keeps this parent from spawning, ms; 0 when it may. */
export const breakerWait = ({ openUntil, isProbing }: Pace, now: number): number => {
  if (openUntil === undefined) return 0
  if (now < openUntil) return openUntil - now
  return isProbing ? probeWaitMillis : 0
}

/** The bucket as it is now. A clock that went back fills nothing. */
const refilled = (pace: Pace, { perMinute, burst }: RecursionBounds, now: number): Pace => ({
  ...pace,
  tokens: Math.min(burst, pace.tokens + (Math.max(0, now - pace.at) * perMinute) / 60_000),
  at: Math.max(now, pace.at)
})

/** Takes one spawn from the bucket, or answers how long the next one takes, ms. */
export const taken = (pace: Pace, bounds: RecursionBounds, now: number): Pace | number => {
  const full = refilled(pace, bounds, now)
  if (full.tokens < 1) return Math.ceil(((1 - full.tokens) * 60_000) / bounds.perMinute)
  return { ...full, tokens: full.tokens - 1, isProbing: full.openUntil !== undefined }
}

const opened = (pace: Pace, now: number): Pace => {
  const openMillis = pace.openMillis === 0 ? openFirstMillis : Math.min(openLastMillis, pace.openMillis * 2)
  return {
    ...pace,
    openMillis,
    openUntil: now + openMillis,
    successes: 0,
    isProbing: false,
    failures: [],
    openings: [...pace.openings.filter((at) => at > now - openingWindowMillis), now]
  }
}

/** A spawn failed or was denied. */
export const failed = (pace: Pace, now: number): Pace => {
  // What was let through before the breaker opened may still fail: it is open already.
  if (pace.openUntil !== undefined) return now < pace.openUntil ? pace : opened(pace, now)
  const failures = [...pace.failures.filter((at) => at > now - failureWindowMillis), now]
  return failures.length >= failuresMax ? opened(pace, now) : { ...pace, failures }
}

/** A spawn went well. */
export const succeeded = (pace: Pace, now: number): Pace => {
  if (pace.openUntil === undefined || now < pace.openUntil) return pace
  const successes = pace.successes + 1
  if (successes < probesToClose) return { ...pace, successes, isProbing: false }
  const { openUntil: _, ...closed } = pace
  return { ...closed, openMillis: 0, successes: 0, isProbing: false, failures: [] }
}

/** Whether the breaker opened again within ten minutes. */
export const isRunaway = ({ openings }: Pace): boolean => openings.length >= 2
