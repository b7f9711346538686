/** Messages on a serial line: stuffed, with a checksum, ended by a zero, so that a receiver finds the next one after any damage. */
import type { Duplex } from "node:stream"
import { crc32 } from "node:zlib"
import { cobsDecode, cobsEncode } from "./Cobs.ts"
import type { PushTransport } from "./Transport.ts"

/** Bytes both ways. A serial device, a socket or a pipe serves alike. */
export interface ByteLine {
  readonly write: (bytes: Uint8Array) => void
  readonly onBytes: (handler: (bytes: Uint8Array) => void) => void
  readonly close: () => void
}

/** What a frame carries. Other types are ignored. */
export const frameTypes = { load: 0x0, credit: 0x1, ignore: 0xf } as const

/** High nibble of the first byte. */
const framingVersion = 1

/** Type and number before the message, checksum after it. */
const headBytes = 2
const tailBytes = 4

/** Longest frame before stuffing. */
const uartFrameBytesMax = 1030

/** Longest message. */
export const uartMessageBytesMax = uartFrameBytesMax - headBytes - tailBytes

/** Most bytes that stuffing can make of the longest frame. */
const stuffedBytesMax = uartFrameBytesMax + Math.ceil(uartFrameBytesMax / 254)

/** Bytes that a message takes on the line at most. */
export const uartFrameBytes = (messageBytes: number): number => {
  const frameBytes = headBytes + messageBytes + tailBytes
  return frameBytes + Math.ceil(frameBytes / 254) + 1
}

/** A whole frame as it goes over the line, with the zero at its end. */
export const encodeUartFrame = (type: number, frameSeq: number, message: Uint8Array): Uint8Array => {
  const frame = Buffer.alloc(headBytes + message.length + tailBytes)
  frame[0] = (framingVersion << 4) | type
  frame[1] = frameSeq & 0xff
  frame.set(message, headBytes)
  frame.writeUInt32BE(crc32(frame.subarray(0, headBytes + message.length)), headBytes + message.length)
  const stuffed = cobsEncode(frame)
  const wire = new Uint8Array(stuffed.length + 1)
  wire.set(stuffed)
  return wire
}

/** A frame that passed its checks. */
export interface UartFrame {
  readonly type: number
  readonly frameSeq: number
  readonly message: Uint8Array
}

/** Reads what stood between two zeros; none when it is damaged or of another version. */
export const decodeUartFrame = (stuffed: Uint8Array): UartFrame | undefined => {
  const bytes = cobsDecode(stuffed)
  if (bytes === undefined || bytes.length < headBytes + tailBytes || bytes.length > uartFrameBytesMax) return undefined
  const frame = Buffer.from(bytes)
  const end = frame.length - tailBytes
  const first = frame[0] ?? 0
  if (crc32(frame.subarray(0, end)) !== frame.readUInt32BE(end) || first >>> 4 !== framingVersion) return undefined
  return { type: first & 0xf, frameSeq: frame[1] ?? 0, message: bytes.slice(headBytes, end) }
}

/** What came over a line so far. */
export interface UartCounters {
  /** Frames that passed. */
  readonly received: number
  /** Frames that were dropped: damaged, too long, or of another version. */
  readonly damaged: number
  /** Frames whose number was not the one after the last: something before them was lost. */
  readonly skipped: number
}

/** One end of a serial line. */
export class UartChannel implements PushTransport {
  readonly mode = "push"
  readonly info = {
    kind: "uart",
    mtu: uartMessageBytesMax,
    chunkBytesMax: 512,
    isOrdered: true,
    isBroadcast: false
  } as const
  readonly #line: ByteLine
  #handler: (message: Uint8Array) => void = () => {}
  #creditHandler: (credits: number) => void = () => {}
  #frameSeq = 0
  #expectedSeq: number | undefined
  #buffer: Array<number> = []
  #isTooLong = false
  #received = 0
  #damaged = 0
  #skipped = 0

  constructor(line: ByteLine) {
    this.#line = line
    line.onBytes((bytes) => this.#take(bytes))
  }

  get counters(): UartCounters {
    return { received: this.#received, damaged: this.#damaged, skipped: this.#skipped }
  }

  send(message: Uint8Array): void {
    this.#write(frameTypes.load, message)
  }

  /** Tells the other end that so many more messages may come. */
  sendCredit(credits: number): void {
    this.#write(frameTypes.credit, Uint8Array.of(credits))
  }

  /** Ends whatever the other end believes to be in a frame. */
  resync(): void {
    this.#line.write(Uint8Array.of(0))
  }

  onMessage(handler: (message: Uint8Array) => void): void {
    this.#handler = handler
  }

  onCredit(handler: (credits: number) => void): void {
    this.#creditHandler = handler
  }

  close(): void {
    this.#line.close()
  }

  #write(type: number, message: Uint8Array): void {
    this.#line.write(encodeUartFrame(type, this.#frameSeq, message))
    this.#frameSeq = (this.#frameSeq + 1) & 0xff
  }

  #take(bytes: Uint8Array): void {
    for (const byte of bytes) {
      if (byte !== 0) {
        // Without a zero in sight the bytes are noise, and must not fill the memory.
        if (this.#buffer.length >= stuffedBytesMax) this.#isTooLong = true
        else this.#buffer.push(byte)
        continue
      }
      const stuffed = Uint8Array.from(this.#buffer)
      const isTooLong = this.#isTooLong
      this.#buffer = []
      this.#isTooLong = false
      if (stuffed.length > 0) this.#frame(isTooLong ? undefined : decodeUartFrame(stuffed))
    }
  }

  #frame(frame: UartFrame | undefined): void {
    if (frame === undefined) {
      this.#damaged += 1
      return
    }
    this.#received += 1
    if (this.#expectedSeq !== undefined && this.#expectedSeq !== frame.frameSeq) this.#skipped += 1
    this.#expectedSeq = (frame.frameSeq + 1) & 0xff
    if (frame.type === frameTypes.load) this.#handler(frame.message)
    else if (frame.type === frameTypes.credit) this.#creditHandler(frame.message[0] ?? 0)
  }
}

/** A stream of Node as a line: a socket, a pipe, or a serial device that was opened as one. */
export const streamLine = (stream: Duplex): ByteLine => ({
  write: (bytes) => {
    if (stream.writable) stream.write(bytes)
  },
  onBytes: (handler) => {
    stream.on("data", (bytes: Buffer) => handler(bytes))
  },
  close: () => stream.destroy()
})
