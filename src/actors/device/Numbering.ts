/** Sequence numbers of one boot: which frames were consumed, so that a repeat has no effect and a gap can close late. */
import type { Numbering } from "../../protocol/DeviceState.ts"

/** Numbers beyond the last in order that are remembered one by one. */
export const windowSize = 64

/** A boot of which nothing was consumed. */
export const firstNumber: Numbering = { last: 0, low: 0, high: 0 }

/** Whether a number is news, was consumed before, or is too far ahead to be remembered. */
export type Place = "new" | "seen" | "beyond"

const bit = (word: number, index: number): boolean => ((word >>> index) & 1) === 1

/** Where a number stands. */
export const placeOf = ({ last, low, high }: Numbering, seq: number): Place => {
  const ahead = seq - last - 1
  if (ahead < 0) return "seen"
  if (ahead >= windowSize) return "beyond"
  return (ahead < 32 ? bit(low, ahead) : bit(high, ahead - 32)) ? "seen" : "new"
}

/** The numbering after a new number was consumed. */
export const consume = (numbering: Numbering, seq: number): Numbering => {
  let { last, low, high } = numbering
  const ahead = seq - last - 1
  if (ahead === 0 && low === 0 && high === 0) return { last: seq, low, high }
  if (ahead < 32) low = (low | (1 << ahead)) >>> 0
  else high = (high | (1 << (ahead - 32))) >>> 0
  while ((low & 1) === 1) {
    last++
    low = ((low >>> 1) | (high << 31)) >>> 0
    high >>>= 1
  }
  return { last, low, high }
}

/** Highest number consumed; 0 for none. */
export const highestOf = ({ last, low, high }: Numbering): number => {
  if (high !== 0) return last + 64 - Math.clz32(high)
  return low === 0 ? last : last + 32 - Math.clz32(low)
}
