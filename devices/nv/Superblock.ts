/** The superblock: which configuration rules, and where everything lies. Two copies; writing one is the commit. */

import { crc32 } from "node:zlib"
import { isSameBytes } from "../SameBytes.ts"
import { isLater } from "./Generation.ts"
import type { NvDevice } from "./NvDevice.ts"
import { NvFault } from "./NvDevice.ts"
import { type Partition, partitionsMax, superblockBytes } from "./NvMap.ts"

const magic = 0x48535850
const layoutVersion = 1
const none = 0xff
const partitionsAt = 0x10
const partitionBytes = 16
const previousGenerationAt = 0x78
const crcAt = 0x7c

/** A partition and how often it was written, up to the commit that wrote this superblock. */
export interface CountedPartition extends Partition {
  readonly writeCount: number
}

/** What one superblock says. */
export interface Superblock {
  /** A configuration was committed since the format. */
  readonly provisioned: boolean
  readonly generation: number
  /** Slot of the manifest that rules. */
  readonly active: number
  /** Slot of the one to go back to. */
  readonly previous: number | undefined
  /** Generation of the manifest in `previous`; 0 when there is none. */
  readonly previousGeneration: number
  readonly partitions: ReadonlyArray<CountedPartition>
}

/** 128 bytes. */
export const encodeSuperblock = (superblock: Superblock): Uint8Array => {
  const bytes = new Uint8Array(superblockBytes)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, magic)
  view.setUint16(4, layoutVersion)
  view.setUint16(6, superblock.provisioned ? 1 : 0)
  view.setUint32(8, superblock.generation)
  bytes[0x0c] = superblock.active
  bytes[0x0d] = superblock.previous ?? none
  bytes[0x0e] = superblock.partitions.length
  for (const [index, partition] of superblock.partitions.entries()) {
    const at = partitionsAt + index * partitionBytes
    bytes[at] = partition.type
    bytes[at + 1] = partition.slots
    view.setUint16(at + 2, partition.onFlash ? 1 : 0)
    view.setUint32(at + 4, partition.offset)
    view.setUint32(at + 8, partition.size)
    view.setUint32(at + 12, partition.writeCount)
  }
  view.setUint32(previousGenerationAt, superblock.previousGeneration)
  view.setUint32(crcAt, crc32(bytes.subarray(0, crcAt)))
  return bytes
}

/** Undefined when these bytes are no superblock, or half of one. */
export const decodeSuperblock = (bytes: Uint8Array): Superblock | undefined => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const count = view.getUint8(0x0e)
  if (view.getUint32(0) !== magic || view.getUint16(4) !== layoutVersion || count > partitionsMax) return undefined
  if (view.getUint32(crcAt) !== crc32(bytes.subarray(0, crcAt))) return undefined
  const previous = view.getUint8(0x0d)
  return {
    provisioned: (view.getUint16(6) & 1) === 1,
    generation: view.getUint32(8),
    active: view.getUint8(0x0c),
    previous: previous === none ? undefined : previous,
    previousGeneration: view.getUint32(previousGenerationAt),
    partitions: Array.from({ length: count }, (_, index) => {
      const at = partitionsAt + index * partitionBytes
      return {
        type: view.getUint8(at),
        slots: view.getUint8(at + 1),
        onFlash: (view.getUint16(at + 2) & 1) === 1,
        offset: view.getUint32(at + 4),
        size: view.getUint32(at + 8),
        writeCount: view.getUint32(at + 12)
      }
    })
  }
}

/** Stands in the place of a superblock while a format is under way: `HSXF`, blanks, and the CRC of all before. */
const formatMark: Uint8Array = (() => {
  const bytes = new Uint8Array(superblockBytes).fill(0xff)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, 0x48535846)
  view.setUint32(crcAt, crc32(bytes.subarray(0, crcAt)))
  return bytes
})()

/** Both copies. The valid one with the later generation rules; a torn one fails its CRC, and the other does. */
export class Superblocks {
  readonly #device: NvDevice
  /** Number of the copy that rules; the other one is written next. */
  #ruling = 1

  constructor(device: NvDevice) {
    this.#device = device
  }

  /** The one that rules, if any is valid. */
  read(): Superblock | undefined {
    const [first, second] = [this.#copy(0), this.#copy(1)]
    const isSecond = first === undefined || (second !== undefined && isLater(second.generation, first.generation))
    this.#ruling = isSecond ? 1 : 0
    return isSecond ? second : first
  }

  /** A format was begun and has not come to its end: what else lies in the memory is nobody's. */
  get isFormatting(): boolean {
    return [0, 1].some((copy) => isSameBytes(this.#bytes(copy), formatMark))
  }

  /** The commit point: when this returns, the new one rules. */
  write(superblock: Superblock): void {
    const copy = 1 - this.#ruling
    this.#put(copy, encodeSuperblock(superblock))
    this.#ruling = copy
  }

  /**
   * Takes both away for a format, the one that rules last. A cut leaves the one that rules or a mark, so that what is half
   * made is told from what is damaged.
   */
  beginFormat(): void {
    this.read()
    for (const copy of [1 - this.#ruling, this.#ruling]) this.#put(copy, formatMark)
  }

  /** The end of a format: from here on the store is there. The second copy is blank until the first commit. */
  endFormat(superblock: Superblock): void {
    this.#ruling = 1
    this.write(superblock)
    this.forgetFormat()
  }

  /** One rules, so a mark beside it means nothing any more; if that one is damaged one day, it must not be taken for a format. */
  forgetFormat(): void {
    if (this.isFormatting) this.#put(1 - this.#ruling, new Uint8Array(superblockBytes).fill(0xff))
  }

  #put(copy: number, bytes: Uint8Array): void {
    this.#device.write(copy * superblockBytes, bytes)
    if (!isSameBytes(this.#bytes(copy), bytes)) throw new NvFault(copy * superblockBytes)
  }

  #bytes(copy: number): Uint8Array {
    return this.#device.read(copy * superblockBytes, superblockBytes)
  }

  #copy(copy: number): Superblock | undefined {
    return decodeSuperblock(this.#bytes(copy))
  }
}
