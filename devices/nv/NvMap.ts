/** Where everything lies: the partitions of a store, as its superblock names them. */
import { codes } from "../../src/protocol/Codes.ts"
import type { Refused } from "../Refused.ts"
import type { NvDevices } from "./NvDevice.ts"

/** Numbers of the kinds of partitions. They rest in memories: they are for ever. */
export const partitionTypes = { boot: 1, manifest: 2, image: 3, values: 4, keys: 5, log: 6 } as const

/** What a partition is for. */
export type PartitionName = keyof typeof partitionTypes

/** A stretch of one of the memories, cut into slots of one size. */
export interface Partition {
  readonly type: number
  readonly slots: number
  readonly onFlash: boolean
  readonly offset: number
  readonly size: number
}

/** Most partitions a superblock has room for. */
export const partitionsMax = 6

/** Two superblocks lie at the start of the byte-writable memory. */
export const superblockBytes = 128

/** The map of a board with 16 KiB FRAM and 192 KiB flash: three images of 64 KiB. */
export const referenceMap: ReadonlyArray<Partition> = [
  { type: partitionTypes.boot, slots: 2, onFlash: false, offset: 0x100, size: 0x100 },
  { type: partitionTypes.manifest, slots: 2, onFlash: false, offset: 0x200, size: 0xe00 },
  { type: partitionTypes.values, slots: 3, onFlash: false, offset: 0x1000, size: 0x1800 },
  { type: partitionTypes.keys, slots: 1, onFlash: false, offset: 0x2800, size: 0x400 },
  { type: partitionTypes.image, slots: 3, onFlash: true, offset: 0, size: 0x30000 }
]

/** Memories that the reference map fills. */
export const referenceShape = {
  nvm: { size: 0x4000, eraseSize: 1 },
  flash: { size: 0x30000, eraseSize: 4096 }
} as const

/**
 * The map of a board that runs on a computer: twelve images of up to 256 KiB, and a third manifest slot, so that a
 * configuration on trial can be replaced and a commit that is cut short keeps the one to go back to.
 */
export const hostMap: ReadonlyArray<Partition> = [
  { type: partitionTypes.boot, slots: 2, onFlash: false, offset: 0x100, size: 0x100 },
  { type: partitionTypes.manifest, slots: 3, onFlash: false, offset: 0x200, size: 0x3e00 },
  { type: partitionTypes.values, slots: 3, onFlash: false, offset: 0x4000, size: 0x6000 },
  { type: partitionTypes.keys, slots: 1, onFlash: false, offset: 0xa000, size: 0x1000 },
  { type: partitionTypes.image, slots: 12, onFlash: true, offset: 0, size: 12 * 0x42000 }
]

/** Memories that the host map fills. */
export const hostShape = {
  nvm: { size: 0x10000, eraseSize: 1 },
  flash: { size: 12 * 0x42000, eraseSize: 4096 }
} as const

/** Bytes of one slot: an equal share, in whole pieces that can be erased. */
export const slotBytes = (partition: Partition, eraseSize: number): number => {
  const share = Math.floor(partition.size / partition.slots)
  return share - (share % eraseSize)
}

const slotsNeeded: Readonly<Record<Exclude<PartitionName, "log">, readonly [atLeast: number, atMost: number]>> = {
  boot: [2, 2],
  manifest: [2, 254],
  image: [1, 254],
  values: [3, 3],
  keys: [1, 1]
}

/** Says why a map cannot be served with these memories. Every partition but the log must be there, once. */
export const misfitOf = (map: ReadonlyArray<Partition>, { nvm, flash }: NvDevices): Refused | undefined => {
  const misfit = (detail: string): Refused => ({ code: codes.ENOTSUP, detail: `map:${detail}` })
  if (map.length > partitionsMax) return misfit("partitions")
  for (const [name, [atLeast, atMost]] of Object.entries(slotsNeeded)) {
    const found = map.filter(({ type }) => type === partitionTypes[name as keyof typeof slotsNeeded])
    const [only] = found
    if (only === undefined || found.length > 1 || only.slots < atLeast || only.slots > atMost) return misfit(name)
  }
  for (const partition of map) {
    const device = partition.onFlash ? flash : nvm
    // What is written a few bytes at a time has no place where a byte can be written once.
    if (device.eraseSize !== 1 && partition.type !== partitionTypes.image) return misfit("flash")
    const first = partition.onFlash ? 0 : 2 * superblockBytes
    if (partition.slots === 0 || partition.offset < first || partition.offset + partition.size > device.size) {
      return misfit("bounds")
    }
    const beside = (other: Partition): boolean =>
      other === partition ||
      other.onFlash !== partition.onFlash ||
      other.offset + other.size <= partition.offset ||
      partition.offset + partition.size <= other.offset
    if (!map.every(beside)) return misfit("overlap")
    if (partition.offset % device.eraseSize !== 0 || slotBytes(partition, device.eraseSize) < 64) return misfit("slots")
  }
  return undefined
}
