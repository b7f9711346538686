/** How much of a memory's life is used up. */
import type { PartitionName } from "./NvMap.ts"

/** Writes or erases after which a memory's maker promises nothing more. */
export interface WearLimits {
  /** Of one piece of flash. */
  readonly flashErases: number
  /** Of one byte of FRAM. */
  readonly nvmWrites: number
}

/** Data sheets of NOR flash and FRAM. */
export const defaultLimits: WearLimits = { flashErases: 10_000, nvmWrites: 1e12 }

/** From this share on it is said. */
const warnPercent = 80

/** `warn` from 80 % of the limit, `worn` from all of it. */
export type WearLevel = "good" | "warn" | "worn"

/** One slot, or one partition as a whole. */
export interface Wear {
  readonly partition: PartitionName
  /** Undefined for the partition as a whole. */
  readonly slot: number | undefined
  readonly count: number
  readonly limit: number
  /** Of the limit, rounded down. */
  readonly percent: number
  readonly level: WearLevel
}

/** What a count means. */
export const wearOf = (partition: PartitionName, slot: number | undefined, count: number, limit: number): Wear => {
  const percent = Math.floor((count / limit) * 100)
  const level = count >= limit ? "worn" : percent >= warnPercent ? "warn" : "good"
  return { partition, slot, count, limit, percent, level }
}

/** The counters of a superblock stop where they are full. */
export const counted = (before: number, more: number): number => Math.min(0xffff_ffff, before + more)
