/** Frames of classic CAN with 11-bit identifiers, and how this system divides the identifiers. */

/** At most eight bytes under an identifier; the lower the identifier, the sooner it gets the bus. */
export interface CanFrame {
  readonly id: number
  readonly data: Uint8Array
}

/** Bits 8 to 10 of an identifier: what a frame is for. */
export const canClasses = {
  alert: 0,
  get: 1,
  set: 2,
  publish: 3,
  call: 4,
  load: 5,
  broadcastControl: 6,
  broadcastData: 7
} as const

const fromNodeBit = 0x80

/** Identifier of a frame to a node: 1 to 126, 0 for everybody. 127 is a board that has no number yet. */
export const idToNode = (canClass: number, node: number): number => (canClass << 8) | node

/** Identifier of a frame from a node. */
export const idFromNode = (canClass: number, node: number): number => (canClass << 8) | fromNodeBit | node

/** The node that sent it; none for frames of the master. */
export const senderOf = (id: number): number | undefined => ((id & fromNodeBit) === 0 ? undefined : id & 0x7f)

/** What unused bytes hold. */
export const padding = 0xcc

/** Eight bytes, whatever is used of them. */
export const padded = (bytes: ArrayLike<number>): Uint8Array => {
  const data = new Uint8Array(8).fill(padding)
  data.set(bytes)
  return data
}

/** One end of a bus. Every frame reaches all others, not its sender. */
export interface CanBus {
  readonly send: (frame: CanFrame) => void
  /** Hears every frame from now on; the answer stops it. */
  readonly listen: (handler: (frame: CanFrame) => void) => () => void
}
