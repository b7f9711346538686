/** The boot record: how often the board started, and whether what it runs has proved itself. */
import { crc32 } from "node:zlib"
import { after, isLater } from "./Generation.ts"
import type { Region } from "./Region.ts"

const magic = 0x48535842
const recordBytes = 32
const crcAt = 0x1c
const stopped = 1

/** Why a start failed. The numbers rest in memories. */
export const bootReasons = { fault: 1, timeout: 2, verify: 3, watchdog: 4 } as const

/** Name of such a reason. */
export type BootReason = keyof typeof bootReasons

/** What the record says. Generations are those of manifests. */
export interface BootState {
  readonly bootCount: number
  /** Starts of the pending generation that were begun and not confirmed. */
  readonly failCount: number
  /** Number of `bootReasons`; 0 when no start failed since the last confirmation. */
  readonly lastReason: number
  readonly confirmed: number
  /** Generation on trial; 0 when there is none. */
  readonly pending: number
  /** `bootCount` of the last rollback the board did by itself; 0 when it did none. */
  readonly rolledBackAt: number
  /** The board gave up trying, until somebody commits, confirms or rolls back. */
  readonly stopped: boolean
}

/** 32 bytes. */
export const encodeBoot = (sequence: number, state: BootState): Uint8Array => {
  const bytes = new Uint8Array(recordBytes)
  const view = new DataView(bytes.buffer)
  view.setUint32(0x00, magic)
  view.setUint32(0x04, sequence)
  view.setUint32(0x08, state.bootCount)
  bytes[0x0c] = state.failCount
  bytes[0x0d] = state.lastReason
  view.setUint16(0x0e, state.stopped ? stopped : 0)
  view.setUint32(0x10, state.confirmed)
  view.setUint32(0x14, state.pending)
  view.setUint32(0x18, state.rolledBackAt)
  view.setUint32(crcAt, crc32(bytes.subarray(0, crcAt)))
  return bytes
}

const decodeBoot = (bytes: Uint8Array): { readonly sequence: number; readonly state: BootState } | undefined => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (view.getUint32(0) !== magic || view.getUint32(crcAt) !== crc32(bytes.subarray(0, crcAt))) return undefined
  return {
    sequence: view.getUint32(0x04),
    state: {
      bootCount: view.getUint32(0x08),
      failCount: view.getUint8(0x0c),
      lastReason: view.getUint8(0x0d),
      stopped: (view.getUint16(0x0e) & stopped) !== 0,
      confirmed: view.getUint32(0x10),
      pending: view.getUint32(0x14),
      rolledBackAt: view.getUint32(0x18)
    }
  }
}

/** Two copies, written in turn: the one that was not touched is whole when the power goes. */
export class BootRecord {
  readonly #region: Region
  #sequence = 0
  #copy = 1
  #state: BootState

  /** Takes the later of the valid copies; when none is, nothing is known and the first configuration counts as proven. */
  constructor(region: Region, confirmed: number) {
    this.#region = region
    this.#state = {
      bootCount: 0,
      failCount: 0,
      lastReason: 0,
      confirmed,
      pending: 0,
      rolledBackAt: 0,
      stopped: false
    }
    for (const copy of [0, 1]) {
      const found = decodeBoot(region.read(copy, 0, recordBytes))
      if (found === undefined || (this.#sequence !== 0 && !isLater(found.sequence, this.#sequence))) continue
      this.#sequence = found.sequence
      this.#state = found.state
      this.#copy = copy
    }
  }

  get state(): BootState {
    return this.#state
  }

  /** Durable when it returns. */
  update(change: Partial<BootState>): void {
    const state = { ...this.#state, ...change }
    const sequence = after(this.#sequence)
    this.#region.write(1 - this.#copy, 0, encodeBoot(sequence, state))
    this.#copy = 1 - this.#copy
    this.#sequence = sequence
    this.#state = state
  }
}
