/** How far a node's latency lies off that of its peers, and off its own, as pure measures. */

/** Calls whose latency is looked at. */
export const latenciesMax = 32
/** With fewer nothing is said. */
const latenciesMin = 8
const deviations = 5
const slowdown = 3
/** Peers that agree to a millisecond say nothing about one that takes twenty. */
const deviationFloorMillis = 50

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

/** Whether a node is much slower than its peers, or than it was. */
export const isSlow = (
  latencies: ReadonlyArray<number>,
  peers: ReadonlyArray<ReadonlyArray<number>>,
  baseline: number | undefined
): boolean => {
  if (latencies.length < latenciesMin) return false
  const own = median(latencies)
  const medians = peers.filter((each) => each.length >= latenciesMin).map(median)
  const middle = median(medians)
  const deviation = Math.max(deviationFloorMillis, median(medians.map((each) => Math.abs(each - middle))))
  if (medians.length >= 2 && own > middle + deviations * deviation) return true
  return baseline !== undefined && own > slowdown * Math.max(baseline, deviationFloorMillis)
}
