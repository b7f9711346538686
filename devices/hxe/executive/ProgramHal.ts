/** The hardware that programs reach through the gateway: a seam. A group that is absent is refused as unsupported. */

/** Errors of the gateway, as negative results. */
export const halErrors = {
  failed: -1,
  timeout: -2,
  busy: -3,
  invalid: -4,
  noMemory: -5,
  unsupported: -6
} as const

/** Serial ports. Numbers are counts, or negative errors. */
export interface HalUart {
  readonly write: (port: number, bytes: Uint8Array) => number
  /** What has arrived, at most so many bytes. */
  readonly poll: (port: number, bytesMax: number) => Uint8Array | number
  readonly configure: (port: number, baud: number, parity: number, stopBits: number) => number
  readonly status: (port: number) => number
}

/** The CAN bus. */
export interface HalCan {
  readonly transmit: (id: number, data: Uint8Array, flags: number) => number
  readonly configure: (bitrate: number, mode: number) => number
  readonly filter: (index: number, mask: number, id: number) => number
  readonly status: () => number
}

/** Non-volatile memory by byte address. */
export interface HalFram {
  readonly read: (address: number, length: number) => Uint8Array | number
  readonly write: (address: number, bytes: Uint8Array) => number
  readonly size: () => number
  readonly wear: (address: number) => number
}

/** Pins. */
export interface HalGpio {
  readonly read: (pin: number) => number
  readonly write: (pin: number, value: number) => number
  readonly configure: (pin: number, mode: number, pull: number) => number
  readonly interrupt: (pin: number, edge: number, enable: boolean) => number
  /** Capabilities of which one suffices for whatever is done with a pin; where this is absent, those of any pin. */
  readonly rightsOf?: (pin: number) => ReadonlyArray<string>
}

/** The service that loads programs. */
export interface HalProvisioning {
  /** Status of a transfer or task as JSON text. */
  readonly info: (pid: number) => string | undefined
  readonly load: (source: string, flags: number) => number
  readonly abort: (pid: number, reason: number) => number
  /** The record of non-volatile memory under a key. */
  readonly map: (key: number) => Uint8Array | undefined
}

/** The groups a board has for its programs. */
export interface ProgramHal {
  readonly uart?: HalUart
  readonly can?: HalCan
  readonly fram?: HalFram
  readonly gpio?: HalGpio
  readonly provisioning?: HalProvisioning
}

/** A frame that arrived on the CAN bus. */
export interface CanFrame {
  readonly id: number
  readonly data: Uint8Array
  readonly isExtended: boolean
  readonly isRemote: boolean
  /** Lowest 32 bits of the time, in microseconds. */
  readonly micros: number
}

/** The frame as a program finds it in `hal:can:rx`: 18 bytes, little-endian. */
export const canEventBytes = (frame: CanFrame): Uint8Array => {
  const bytes = new Uint8Array(18)
  const view = new DataView(bytes.buffer)
  const data = frame.data.subarray(0, 8)
  view.setUint32(0, frame.id, true)
  view.setUint8(4, data.length)
  view.setUint8(5, (frame.isExtended ? 1 : 0) | (frame.isRemote ? 2 : 0))
  bytes.set(data, 6)
  view.setUint32(14, frame.micros, true)
  return bytes
}
