/** Whether policies that are tried in some zones do worse there than those before them. */

/** What was decided in a time: denials and errors are what nobody wants. */
export interface Tally {
  readonly decisions: number
  readonly denials: number
  readonly errors: number
}

/** Standard deviations that chance does not reach. */
const deviationsMax = 3
/** A share more than before, which is told from chance by so many at least. */
const shareMore = 0.2
const moreAtLeast = 5

const badOf = ({ denials, errors }: Tally): number => denials + errors

/**
 * Why policies are taken back; nothing as long as they may stay. They are when more was denied or failed than the time before
 * leads to expect: by three standard deviations, or by a fifth where that is five at least.
 */
export const takenBack = (before: Tally, tried: Tally): string | undefined => {
  if (tried.decisions === 0) return undefined
  const bad = badOf(tried)
  if (before.decisions === 0) return undefined
  // One more of either kind than was seen: of a few that all went well it is not certain that all will.
  const share = (badOf(before) + 1) / (before.decisions + 2)
  const expected = share * tried.decisions
  // The share itself is known as well only as the time before was long.
  const variance = share * (1 - share) * (tried.decisions + tried.decisions ** 2 / before.decisions)
  const more = bad - expected
  const isBeyondChance = more > deviationsMax * Math.sqrt(variance) && more >= 1
  const isFifthMore = more > shareMore * expected && more >= moreAtLeast
  if (!isBeyondChance && !isFifthMore) return undefined
  return `${bad} of ${tried.decisions} were denied or failed, where ${Math.round(expected)} were to be expected`
}
