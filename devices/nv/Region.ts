/** A partition to read and write: addresses begin at 0, slots have numbers, and writes are counted. */
import { isSameBytes } from "../SameBytes.ts"
import { type NvDevice, type NvDevices, NvFault } from "./NvDevice.ts"
import { type Partition, slotBytes } from "./NvMap.ts"

/** One partition. Each write is read back: a memory that says it has written and has not is found out at once. */
export class Region {
  readonly slots: number
  /** Bytes of one slot. */
  readonly slotBytes: number
  readonly #device: NvDevice
  readonly #offset: number
  #writes = 0

  constructor(partition: Partition, devices: NvDevices) {
    this.#device = partition.onFlash ? devices.flash : devices.nvm
    this.#offset = partition.offset
    this.slots = partition.slots
    this.slotBytes = slotBytes(partition, this.#device.eraseSize)
  }

  /** Writes and erases since they were last taken into the superblock. */
  get writes(): number {
    return this.#writes
  }

  /** They are in the superblock. */
  forgetWrites(): void {
    this.#writes = 0
  }

  read(slot: number, at: number, length: number): Uint8Array {
    return this.#device.read(this.#address(slot, at, length), length)
  }

  write(slot: number, at: number, bytes: Uint8Array): void {
    if (bytes.length === 0) return
    const address = this.#address(slot, at, bytes.length)
    this.#writes++
    this.#device.write(address, bytes)
    if (!isSameBytes(this.#device.read(address, bytes.length), bytes)) throw new NvFault(address)
  }

  isBlank(slot: number, at: number, length: number): boolean {
    return this.read(slot, at, length).every((byte) => byte === 0xff)
  }

  /** Sets a whole slot to 0xFF. */
  erase(slot: number): void {
    const address = this.#address(slot, 0, this.slotBytes)
    this.#writes++
    this.#device.erase(address, this.slotBytes)
    if (!this.isBlank(slot, 0, this.slotBytes)) throw new NvFault(address)
  }

  #address(slot: number, at: number, length: number): number {
    if (slot < 0 || slot >= this.slots || at < 0 || at + length > this.slotBytes) {
      throw new RangeError(`slot ${slot} of ${this.slots} has no bytes ${at}+${length}`)
    }
    return this.#offset + slot * this.slotBytes + at
  }
}
