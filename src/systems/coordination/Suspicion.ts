/** What speaks against a node, as pure measures: how overdue a heartbeat is, and how far a node's latency lies off that of its peers. */

/** Intervals that the measure of a heartbeat rests on. */
const intervalsMax = 100
/** An interval that is more regular than this is taken to be no more regular: one late by a few ms is no dead one. */
const deviationMillisMin = 100
/** Calls whose latency is looked at. */
const latenciesMax = 32
const deviations = 5
const slowdown = 3
/** Peers that agree to a millisecond say nothing about one that takes two. */
const deviationFloorMillis = 5

/** Heartbeats as they came. */
export interface Heartbeats {
  readonly lastAt: number
  /** Ms between them, oldest first. */
  readonly intervals: ReadonlyArray<number>
}

/** The heartbeats after one more. */
export const beaten = ({ lastAt, intervals }: Heartbeats, now: number): Heartbeats => ({
  lastAt: now,
  intervals: [...intervals, now - lastAt].slice(-intervalsMax)
})

/**
 * How unlikely it is that the next heartbeat is still on its way (phi accrual: Hayashibara and others, 2004): 1 is one in ten, 8 one
 * in a hundred million. The tail of the normal distribution is that of Akka's detector, a logistic curve near it.
 */
export const phi = ({ lastAt, intervals }: Heartbeats, now: number): number => {
  if (intervals.length === 0) return 0
  const mean = intervals.reduce((sum, each) => sum + each, 0) / intervals.length
  const variance = intervals.reduce((sum, each) => sum + (each - mean) ** 2, 0) / intervals.length
  const y = (now - lastAt - mean) / Math.max(deviationMillisMin, Math.sqrt(variance))
  const exponent = -y * (1.5976 + 0.070566 * y * y)
  // Far out the power is beyond what a number holds: its logarithm is not.
  if (exponent < -700) return -exponent / Math.LN10
  const power = Math.exp(exponent)
  return y > 0 ? -Math.log10(power / (1 + power)) : -Math.log10(1 - 1 / (1 + power))
}

/** Adds a latency to the latest of a node. */
export const sampled = (latencies: ReadonlyArray<number>, millis: number): ReadonlyArray<number> =>
  [...latencies, millis].slice(-latenciesMax)

/** The middle of some numbers; 0 of none. */
export const median = (values: ReadonlyArray<number>): number => {
  const sorted = [...values].sort((one, other) => one - other)
  const half = Math.floor(sorted.length / 2)
  const upper = sorted[half] ?? 0
  return sorted.length % 2 === 1 ? upper : ((sorted[half - 1] ?? 0) + upper) / 2
}

/** Whether a node is much slower than its peers, or than it was. With fewer than eight calls nothing is said. */
export const isSlow = (
  latencies: ReadonlyArray<number>,
  peers: ReadonlyArray<ReadonlyArray<number>>,
  baseline: number | undefined
): boolean => {
  if (latencies.length < 8) return false
  const own = median(latencies)
  const medians = peers.filter((each) => each.length >= 8).map(median)
  const middle = median(medians)
  const deviation = Math.max(deviationFloorMillis, median(medians.map((each) => Math.abs(each - middle))))
  if (medians.length >= 2 && own > middle + deviations * deviation) return true
  return baseline !== undefined && own > slowdown * Math.max(baseline, deviationFloorMillis)
}
