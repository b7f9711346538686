/** Whether a VSM can answer as differently as it is disturbed: the measures of requisite variety, from a window of its log. */
import type { HolonEvent } from "../../../protocol/Event.ts"
import { type Counts, countsOf, entropyOf, mutualInformation } from "./Entropy.ts"
import { classOf, type Outcome, outcomeOf, roleOf } from "./Roles.ts"

/** Bits a second that a channel carries for each message a second of its quota. */
const bitsEach = 8
/** Less than this is no variety to divide by, bits. */
const varietyMin = 0.1

/** How far a VSM is from requisite variety. */
export type Shortage = "critical" | "high" | "medium" | "none"

export interface Variety {
  /** Length of the log, s. */
  readonly seconds: number
  readonly disturbances: number
  readonly responses: number
  /** Entropies, bits. */
  readonly disturbanceBits: number
  readonly responseBits: number
  readonly outcomeBits: number
  /** Bits of the answers that would be possible; absent where nobody said how many there are. */
  readonly potentialBits?: number
  /** Answers to disturbances: their variety for each bit of variety that disturbs. */
  readonly ratio: number
  readonly gap: number
  readonly shortage: Shortage
  /** What an answer says about what it answers. High ratio and little of it: answers at random. */
  readonly usedBits: number
  /** Whether outcomes vary no less than they must: less would be a law broken, and the log a false one. */
  readonly isLawful: boolean
  readonly outcomes: Readonly<Partial<Record<Outcome, number>>>
  /** Share of what arrived that was answered here. */
  readonly absorbed: number
  /** Classes of which more than a fifth was kept from happening, with that share. */
  readonly blocked: Readonly<Record<string, number>>
}

/** How short of requisite variety a ratio is. */
export const shortageOf = (ratio: number): Shortage => {
  if (ratio < 1 / 3) return "critical"
  if (ratio < 1 / 2) return "high"
  return ratio < 2 / 3 ? "medium" : "none"
}

/** More of a class than this that is kept from happening is too much. */
const blockedMax = 0.2

/** By type, the share that was kept from happening of all that was tried, where it is too much. */
const blockedOf = (events: ReadonlyArray<HolonEvent>): Readonly<Record<string, number>> => {
  const kept = countsOf(events.filter((event) => roleOf(event) === "blocked").map(({ source }) => source.actor))
  const all = countsOf(events.map(({ source }) => source.actor))
  return Object.fromEntries(
    [...kept]
      .map(([kind, count]) => [kind, count / (all.get(kind) ?? count)] as const)
      .filter(([, share]) => share > blockedMax)
  )
}

/** The measures over a log of one VSM, in any order. `passive` is what its units bear without an answer, bits. */
export const varietyOf = (
  events: ReadonlyArray<HolonEvent>,
  {
    seconds,
    possible,
    passiveBits = 0
  }: { readonly seconds: number; readonly possible?: number; readonly passiveBits?: number }
): Variety => {
  const disturbing = new Map<string, string>()
  for (const event of events) if (roleOf(event) === "disturbance") disturbing.set(event.id, classOf(event))
  const answers = events.filter((event) => roleOf(event) === "response")
  const answered = new Set<string>()
  const pairs: Array<readonly [string, string]> = []
  for (const { type, causes } of answers)
    for (const cause of causes) {
      const disturbance = disturbing.get(cause)
      if (disturbance === undefined) continue
      answered.add(cause)
      pairs.push([disturbance, type])
    }
  const ends = events.flatMap((event) => outcomeOf(event) ?? [])
  const disturbanceBits = entropyOf(countsOf(disturbing.values()))
  const responseBits = entropyOf(countsOf(answers.map(({ type }) => type)))
  const outcomeBits = entropyOf(countsOf(ends))
  const ratio = responseBits / Math.max(disturbanceBits, varietyMin)
  const gap = Math.max(0, disturbanceBits - responseBits)
  return {
    seconds,
    disturbances: disturbing.size,
    responses: answers.length,
    disturbanceBits,
    responseBits,
    outcomeBits,
    ...(possible === undefined || possible < 1 ? {} : { potentialBits: Math.log2(possible) }),
    ratio,
    gap,
    shortage: disturbanceBits < varietyMin ? "none" : shortageOf(ratio),
    usedBits: mutualInformation(pairs),
    isLawful: outcomeBits >= disturbanceBits - responseBits - passiveBits,
    outcomes: Object.fromEntries(countsOf(ends)),
    absorbed: disturbing.size === 0 ? 1 : answered.size / disturbing.size,
    blocked: blockedOf(events)
  }
}

/** How much a channel carries of what it can, from the classes of its messages and its quota of messages a second. */
export const channelUse = (
  counts: Counts,
  seconds: number,
  quota: number
): { readonly bitsPerSecond: number; readonly use: number; readonly state: "free" | "warn" | "saturated" } => {
  let messages = 0
  for (const count of counts.values()) messages += count
  const bitsPerSecond = (messages / seconds) * entropyOf(counts)
  const use = bitsPerSecond / (quota * bitsEach)
  return { bitsPerSecond, use, state: use > 0.9 ? "saturated" : use > 0.8 ? "warn" : "free" }
}

/** What a filter takes away, as a share and in dB, from bits a second before and behind it. */
export const attenuationOf = (
  before: number,
  behind: number
): { readonly share: number; readonly decibels: number } => ({
  share: before === 0 ? 0 : 1 - behind / before,
  decibels:
    before === 0 || behind === 0 ? (before === 0 ? 0 : Number.POSITIVE_INFINITY) : 10 * Math.log10(before / behind)
})

/** How much more varied the acts of the units are than the command that led to them. */
export const amplificationOf = (command: Counts, acts: ReadonlyArray<Counts>): number => {
  const bits = acts.reduce((sum, counts) => sum + entropyOf(counts), 0)
  return bits / Math.max(entropyOf(command), varietyMin)
}

/** Share that each level handled of what arrived there: what one does not handle arrives at the next. */
export const absorptionOf = (arrived: number, handled: ReadonlyArray<number>): ReadonlyArray<number> => {
  let left = arrived
  return handled.map((count) => {
    const share = left === 0 ? 1 : count / left
    left = Math.max(0, left - count)
    return share
  })
}
