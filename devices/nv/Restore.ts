/** What the persisted values of a program are when it starts. */
import { f16Value } from "../../src/protocol/hxe/F16.ts"

/** A value that a program keeps. Numbers are bits of a half. */
export interface KeptValue {
  /** With the base of its program added. */
  readonly key: number
  readonly initBits: number
  /** With both bounds 0, the value has no range. */
  readonly minimumBits: number
  readonly maximumBits: number
}

/** How many came back, and what became of the others: all of them begin at their init value. */
export interface Restored {
  /** Bits by key, for the values that came back. */
  readonly bits: ReadonlyMap<number, number>
  readonly restored: number
  /** Never saved. */
  readonly defaulted: number
  /** Saved and not readable any more. */
  readonly stale: number
  /** Outside of the range that the program declares now, or not a number. */
  readonly reset: number
}

/** Where the values are kept. */
export interface SavedValues {
  readonly value: (key: number) => number | undefined
  readonly staleValues: () => ReadonlySet<number>
}

/** Looks up what a program declares. The bits come back as they were saved. */
export const restore = (saved: SavedValues, declared: ReadonlyArray<KeptValue>): Restored => {
  const bits = new Map<number, number>()
  const counts = { restored: 0, defaulted: 0, stale: 0, reset: 0 }
  const stale = saved.staleValues()
  for (const value of declared) {
    const found = saved.value(value.key)
    if (found === undefined) counts[stale.has(value.key) ? "stale" : "defaulted"]++
    else if (!isFit(value, f16Value(found))) counts.reset++
    else {
      bits.set(value.key, found)
      counts.restored++
    }
  }
  return { bits, ...counts }
}

const isFit = ({ initBits, minimumBits, maximumBits }: KeptValue, value: number): boolean => {
  if (Number.isNaN(value)) return Number.isNaN(f16Value(initBits))
  const hasRange = minimumBits !== 0 || maximumBits !== 0
  return !hasRange || (value >= f16Value(minimumBits) && value <= f16Value(maximumBits))
}
