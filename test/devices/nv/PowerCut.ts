/** Memories whose power goes at a chosen write, and what may be left of that write. */
import { MemoryNvDevice, type MemoryShape } from "../../../devices/nv/MemoryNvDevice.ts"
import type { NvDevice, NvDevices } from "../../../devices/nv/NvDevice.ts"

/** The board is off: nothing it does from here on happens. It is no fault of a memory, so no store may catch it. */
export class PowerCut extends Error {}

/** Which of the bytes of the last write, or erase, were still changed. */
export type Tear = (index: number, length: number) => boolean

/** Nothing was changed any more. */
export const untouched: Tear = () => false

/** The first ones were. */
export const prefix =
  (bytes: number): Tear =>
  (index) =>
    index < bytes

/** The last ones were, as when a driver copies downwards. */
export const suffix =
  (bytes: number): Tear =>
  (index, length) =>
    index >= length - bytes

/** Any of them may have been. */
export const scattered =
  (random: () => number): Tear =>
  () =>
    random() < 0.5

/** Counts the writes of a board and ends its power. */
export class Supply {
  /** Lengths of all writes and erases so far. */
  readonly writes: Array<number> = []
  readonly #last: number
  readonly #tear: Tear
  #isOff = false

  /** The write with number `last`, counted from 0, is the one that is torn. */
  constructor(last = Number.POSITIVE_INFINITY, tear: Tear = untouched) {
    this.#last = last
    this.#tear = tear
  }

  get isOff(): boolean {
    return this.#isOff
  }

  /** A memory that hangs on this supply. */
  power(device: NvDevice): NvDevice {
    return {
      size: device.size,
      eraseSize: device.eraseSize,
      read: (offset, length) => {
        if (this.#isOff) throw new PowerCut()
        return device.read(offset, length)
      },
      write: (offset, bytes) => {
        if (this.#step(bytes.length)) return device.write(offset, bytes)
        const torn = device.read(offset, bytes.length)
        for (const [index, byte] of bytes.entries()) if (this.#tear(index, bytes.length)) torn[index] = byte
        device.write(offset, torn)
        throw new PowerCut()
      },
      erase: (offset, length) => {
        if (this.#step(length)) return device.erase(offset, length)
        const left = device.read(offset, length).map((byte, index) => (this.#tear(index, length) ? 0xff : byte))
        device.erase(offset, length)
        device.write(offset, left)
        throw new PowerCut()
      }
    }
  }

  /** Whether the write happens as a whole. */
  #step(length: number): boolean {
    if (this.#isOff) throw new PowerCut()
    this.writes.push(length)
    if (this.writes.length - 1 < this.#last) return true
    this.#isOff = true
    return false
  }
}

/** The memories of one board, as they are without power. */
export class Board {
  readonly nvm: MemoryNvDevice
  readonly flash: MemoryNvDevice

  constructor(nvm: MemoryNvDevice, flash: MemoryNvDevice) {
    this.nvm = nvm
    this.flash = flash
  }

  static blank(shape: { readonly nvm: MemoryShape; readonly flash: MemoryShape }): Board {
    return new Board(new MemoryNvDevice(shape.nvm), new MemoryNvDevice(shape.flash))
  }

  copy(): Board {
    return new Board(this.nvm.copy(), this.flash.copy())
  }

  on(supply: Supply): NvDevices {
    return { nvm: supply.power(this.nvm), flash: supply.power(this.flash) }
  }
}

/** Runs until the end or until the power goes. Says whether it came to its end. */
export const untilCut = (run: () => void): boolean => {
  try {
    run()
    return true
  } catch (cause) {
    if (cause instanceof PowerCut) return false
    throw cause
  }
}
