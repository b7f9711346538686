/** A bus, a line and files that lose, repeat, reorder and damage, by chance from a seed. */
import { Result } from "effect"
import { refusal } from "../../../../devices/provisioning/ErrorCodes.ts"
import type { CanBus, CanFrame } from "../../../../devices/provisioning/transports/CanFrame.ts"
import type { PullTransport } from "../../../../devices/provisioning/transports/Transport.ts"
import type { ByteLine } from "../../../../devices/provisioning/transports/UartFraming.ts"
import type { VirtualTime } from "../../VirtualTime.ts"

/** Chances, each from 0 to 1. */
export interface Faults {
  /** A frame, a byte or a read is lost. */
  readonly loss: number
  /** A frame or a run of bytes comes twice. */
  readonly repeat: number
  /** A frame or a run of bytes comes late. */
  readonly late: number
  /** A bit is flipped. On CAN the hardware drops such a frame. */
  readonly bit: number
}

/** Nothing goes wrong. */
export const perfect: Faults = { loss: 0, repeat: 0, late: 0, bit: 0 }

/** On a quiet bus a frame takes a quarter of a millisecond; a late one takes as long as eight. */
const frameMillis = 0.25
const lateMillis = 2

/** A bus; each receiver has its own luck. */
export class FaultyBus {
  faults: Faults
  /** Nothing gets through any more. */
  isCut = false
  frames = 0
  readonly #time: VirtualTime
  readonly #random: () => number
  readonly #members: Array<Set<(frame: CanFrame) => void>> = []

  constructor(time: VirtualTime, random: () => number, faults: Faults = perfect) {
    this.#time = time
    this.#random = random
    this.faults = faults
  }

  join(): CanBus {
    const own = new Set<(frame: CanFrame) => void>()
    this.#members.push(own)
    return {
      send: (frame) => {
        this.frames += 1
        for (const member of this.#members) {
          if (member === own) continue
          const { bit, late, loss, repeat } = this.faults
          if (this.isCut || this.#random() < loss || this.#random() < bit * 64) continue
          const times = this.#random() < repeat ? 2 : 1
          for (let time = 0; time < times; time++) {
            this.#time.schedule(this.#random() < late ? lateMillis : frameMillis, () => {
              for (const handler of [...member]) handler(frame)
            })
          }
        }
      },
      listen: (handler) => {
        own.add(handler)
        return () => own.delete(handler)
      }
    }
  }
}

/** A serial line; bytes come in runs of any length. */
export class FaultyLine {
  faults: Faults
  isCut = false
  /** What a byte takes on the line; each direction has its own. */
  byteMillis = 0
  readonly #freeAt: [number, number] = [0, 0]
  readonly ends: readonly [ByteLine, ByteLine]
  readonly #time: VirtualTime
  readonly #random: () => number
  readonly #handlers: [(bytes: Uint8Array) => void, (bytes: Uint8Array) => void] = [() => {}, () => {}]

  constructor(time: VirtualTime, random: () => number, faults: Faults = perfect) {
    this.#time = time
    this.#random = random
    this.faults = faults
    this.ends = [this.#end(0), this.#end(1)]
  }

  /** Bytes that nobody sent. */
  noise(to: 0 | 1, bytes: Uint8Array): void {
    this.#handlers[to](bytes)
  }

  #end(own: 0 | 1): ByteLine {
    return {
      write: (bytes) => {
        for (let at = 0; at < bytes.length; ) {
          const length = 1 + Math.floor(this.#random() * 64)
          this.#carry(own === 0 ? 1 : 0, bytes.subarray(at, at + length))
          at += length
        }
      },
      onBytes: (handler) => {
        this.#handlers[own] = handler
      },
      close: () => {}
    }
  }

  #carry(to: 0 | 1, bytes: Uint8Array): void {
    if (this.isCut) return
    const { bit, late, loss, repeat } = this.faults
    const arriving: Array<number> = []
    for (const byte of bytes) {
      if (this.#random() < loss) continue
      let damaged = byte
      for (let place = 0; bit > 0 && place < 8; place++) if (this.#random() < bit) damaged ^= 1 << place
      arriving.push(damaged)
    }
    const times = this.#random() < repeat ? 2 : 1
    const now = this.#time.now
    const free = Math.max(now, this.#freeAt[to]) + this.byteMillis * bytes.length
    this.#freeAt[to] = free
    const delay = free - now + (this.#random() < late ? lateMillis : 1)
    for (let time = 0; time < times; time++) {
      this.#time.schedule(delay, () => this.#handlers[to](Uint8Array.from(arriving)))
    }
  }
}

/** Files whose reads fail, or are short. A flipped bit stays unnoticed until the image is verified. */
export const faultyFiles = (files: PullTransport, random: () => number, faults: () => Faults): PullTransport => ({
  ...files,
  open: (uri) =>
    Result.map(files.open(uri), (handle) => ({
      ...handle,
      read: (bytesMax: number) => {
        const { bit, loss } = faults()
        if (random() < loss) return Result.fail(refusal("EIO", "read"))
        return Result.map(handle.read(1 + Math.floor(random() * bytesMax)), (bytes) =>
          bytes.map((byte) => (random() < bit * 8 ? byte ^ (1 << Math.floor(random() * 8)) : byte))
        )
      }
    }))
})
