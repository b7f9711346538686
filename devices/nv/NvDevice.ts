/** The memories of a board that keep what they hold without power, as its store sees them: the seam below `devices/nv`. */

/**
 * A memory did not do what it was told: a cell that is worn out, a disk that is full. The store answers EIO and reads
 * anew what it has.
 */
export class NvFault extends Error {
  readonly offset: number

  constructor(offset: number, options?: ErrorOptions) {
    super(`the memory failed at ${offset}`, options)
    this.offset = offset
  }
}

/** One memory. Every call is finished when it returns, or throws `NvFault`. */
export interface NvDevice {
  /** Bytes it holds. */
  readonly size: number
  /**
   * Smallest piece that can be erased, in bytes. 1: each byte can be written again and again (FRAM, a file). More: flash,
   * where a write can only clear bits until the piece is erased.
   */
  readonly eraseSize: number
  /** A copy. */
  readonly read: (offset: number, length: number) => Uint8Array
  /** Durable when it returns. A power cut in between leaves any part of it written. */
  readonly write: (offset: number, bytes: Uint8Array) => void
  /** Sets whole pieces to 0xFF. Durable when it returns. A power cut in between leaves any part of it erased. */
  readonly erase: (offset: number, length: number) => void
}

/** The two memories a board may have. One without flash gives an empty one and keeps its images in `nvm`. */
export interface NvDevices {
  /** Byte-writable: everything but images. */
  readonly nvm: NvDevice
  /** Erased before it is written: images. */
  readonly flash: NvDevice
}

/** Refuses what lies outside: an address that is wrong is a bug, not a fault. */
export const assertWithin = (device: NvDevice, offset: number, length: number): void => {
  if (offset < 0 || length < 0 || offset + length > device.size) {
    throw new RangeError(`${offset}+${length} is outside of ${device.size} bytes`)
  }
}

/** Refuses what is not made of whole pieces. */
export const assertPieces = (device: NvDevice, offset: number, length: number): void => {
  assertWithin(device, offset, length)
  if (offset % device.eraseSize !== 0 || length % device.eraseSize !== 0) {
    throw new RangeError(`${offset}+${length} is not made of pieces of ${device.eraseSize} bytes`)
  }
}
