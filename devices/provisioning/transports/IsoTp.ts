/** Messages of up to 4095 bytes over CAN frames, one at a time each way: ISO 15765-2 with normal addressing. */
import { isSameBytes } from "../../SameBytes.ts"
import type { ServiceClock } from "../EventHub.ts"
import { type CanBus, type CanFrame, padded } from "./CanFrame.ts"
import type { PushTransport } from "./Transport.ts"

/** High nibble of the first byte. */
const kinds = { single: 0, first: 1, consecutive: 2, flow: 3 } as const

/** Low nibble of a flow control. */
const flows = { go: 0, wait: 1, overflow: 2 } as const

const singleBytesMax = 7
const firstBytes = 6
const consecutiveBytes = 7

/** Longest message. */
const isoTpBytesMax = 4095

/** What we ask of senders: frames between two flow controls, and milliseconds between two frames. */
const blockSize = 8
const separationMillis = 2

/** How long a sender waits for a flow control, and a receiver for the next frame. */
const flowTimeoutMillis = 1000
const frameTimeoutMillis = 1000

/** How often a receiver may ask for patience. */
const waitsMax = 10

/** Messages that wait for the one under way. */
const queueMax = 8

/** A separation time in milliseconds; tenths of one count as one, reserved numbers as the longest. */
const separationOf = (code: number): number => {
  if (code <= 0x7f) return code
  return code >= 0xf1 && code <= 0xf9 ? 1 : 0x7f
}

interface Sending {
  readonly message: Uint8Array
  at: number
  serial: number
  /** Frames until the next flow control; 0 is without end. */
  block: number
  left: number
  separationMillis: number
  waits: number
  isWaiting: boolean
  cancel: () => void
}

interface Receiving {
  readonly message: Uint8Array
  at: number
  serial: number
  left: number
  cancel: () => void
}

/** Why a message did not go out. */
export type IsoTpFault = "no_flow_control" | "too_many_waits" | "overflow" | "too_long"

/** One end of a pair of identifiers. Messages are whole or not there; nobody repeats them here. */
export class IsoTpChannel implements PushTransport {
  readonly mode = "push"
  readonly info = {
    kind: "can",
    mtu: isoTpBytesMax,
    chunkBytesMax: 256,
    isOrdered: true,
    isBroadcast: false
  } as const
  readonly #bus: CanBus
  readonly #clock: ServiceClock
  readonly #sendId: number
  readonly #stopListening: () => void
  readonly #receiveBytesMax: number
  #handler: (message: Uint8Array) => void = () => {}
  #faultHandler: (fault: IsoTpFault) => void = () => {}
  #queue: Array<Uint8Array> = []
  #sending: Sending | undefined
  #receiving: Receiving | undefined
  #broken = 0

  constructor(
    bus: CanBus,
    clock: ServiceClock,
    ids: { readonly send: number; readonly receive: number },
    receiveBytesMax: number = isoTpBytesMax
  ) {
    this.#bus = bus
    this.#clock = clock
    this.#sendId = ids.send
    this.#receiveBytesMax = receiveBytesMax
    this.#stopListening = bus.listen((frame) => {
      if (frame.id === ids.receive) this.#take(frame)
    })
  }

  /** Messages of which a part was missing. */
  get broken(): number {
    return this.#broken
  }

  onMessage(handler: (message: Uint8Array) => void): void {
    this.#handler = handler
  }

  onFault(handler: (fault: IsoTpFault) => void): void {
    this.#faultHandler = handler
  }

  send(message: Uint8Array): void {
    if (message.length === 0 || message.length > isoTpBytesMax) return this.#faultHandler("too_long")
    const sending = this.#sending
    if (sending === undefined) return this.#begin(message)
    if (isSameBytes(sending.message, message)) {
      // A repeat of what hangs without an answer begins it again; of what is on its way, it says nothing new.
      if (!sending.isWaiting) return
      sending.cancel()
      return this.#begin(message)
    }
    if (this.#queue.length < queueMax && !this.#queue.some((queued) => isSameBytes(queued, message))) {
      this.#queue.push(message)
    }
  }

  close(): void {
    this.#stopListening()
    this.#sending?.cancel()
    this.#receiving?.cancel()
    this.#queue = []
  }

  #put(bytes: ArrayLike<number>): void {
    this.#bus.send({ id: this.#sendId, data: padded(bytes) })
  }

  #begin(message: Uint8Array): void {
    if (message.length <= singleBytesMax) {
      this.#sending = undefined
      this.#put([message.length, ...message])
      return this.#next()
    }
    this.#sending = {
      message,
      at: firstBytes,
      serial: 1,
      block: 0,
      left: 0,
      separationMillis: 0,
      waits: 0,
      isWaiting: false,
      cancel: () => {}
    }
    this.#put([(kinds.first << 4) | (message.length >>> 8), message.length & 0xff, ...message.subarray(0, firstBytes)])
    this.#awaitFlow(this.#sending)
  }

  #next(): void {
    const message = this.#queue.shift()
    if (message !== undefined) this.#begin(message)
  }

  #awaitFlow(sending: Sending): void {
    sending.isWaiting = true
    sending.cancel = this.#clock.schedule(flowTimeoutMillis, () => this.#giveUp(sending, "no_flow_control"))
  }

  #giveUp(sending: Sending, fault: IsoTpFault): void {
    sending.cancel()
    this.#sending = undefined
    this.#faultHandler(fault)
    this.#next()
  }

  #flow(sending: Sending, data: Uint8Array): void {
    if (!sending.isWaiting) return
    sending.cancel()
    const status = (data[0] ?? 0) & 0xf
    if (status === flows.wait) {
      sending.waits += 1
      if (sending.waits > waitsMax) return this.#giveUp(sending, "too_many_waits")
      return this.#awaitFlow(sending)
    }
    if (status !== flows.go) return this.#giveUp(sending, "overflow")
    sending.isWaiting = false
    sending.waits = 0
    sending.block = data[1] ?? 0
    sending.left = sending.block
    sending.separationMillis = separationOf(data[2] ?? 0)
    this.#consecutive(sending)
  }

  #consecutive(sending: Sending): void {
    const { message } = sending
    const piece = message.subarray(sending.at, sending.at + consecutiveBytes)
    this.#put([(kinds.consecutive << 4) | sending.serial, ...piece])
    sending.serial = (sending.serial + 1) & 0xf
    sending.at += piece.length
    if (sending.at >= message.length) {
      this.#sending = undefined
      return this.#next()
    }
    sending.left -= 1
    if (sending.block > 0 && sending.left === 0) return this.#awaitFlow(sending)
    sending.cancel = this.#clock.schedule(sending.separationMillis, () => this.#consecutive(sending))
  }

  #take({ data }: CanFrame): void {
    const first = data[0] ?? 0
    switch (first >>> 4) {
      case kinds.single: {
        const length = first & 0xf
        if (length === 0 || length > singleBytesMax || length >= data.length) return
        this.#dropReceiving()
        return this.#handler(data.slice(1, 1 + length))
      }
      case kinds.first:
        return this.#takeFirst(data)
      case kinds.consecutive:
        return this.#takeConsecutive(data)
      case kinds.flow:
        if (this.#sending !== undefined) this.#flow(this.#sending, data)
    }
  }

  #dropReceiving(): void {
    if (this.#receiving === undefined) return
    this.#broken += 1
    this.#receiving.cancel()
    this.#receiving = undefined
  }

  #takeFirst(data: Uint8Array): void {
    const length = (((data[0] ?? 0) & 0xf) << 8) | (data[1] ?? 0)
    if (length <= singleBytesMax || data.length < 8) return
    this.#dropReceiving()
    if (length > this.#receiveBytesMax) return this.#put([(kinds.flow << 4) | flows.overflow, 0, 0])
    const message = new Uint8Array(length)
    message.set(data.subarray(2, 2 + firstBytes))
    this.#receiving = { message, at: firstBytes, serial: 1, left: blockSize, cancel: () => {} }
    this.#goOn(this.#receiving)
  }

  #goOn(receiving: Receiving): void {
    receiving.left = blockSize
    this.#awaitFrame(receiving)
    this.#put([(kinds.flow << 4) | flows.go, blockSize, separationMillis])
  }

  #awaitFrame(receiving: Receiving): void {
    receiving.cancel()
    receiving.cancel = this.#clock.schedule(frameTimeoutMillis, () => this.#dropReceiving())
  }

  #takeConsecutive(data: Uint8Array): void {
    const receiving = this.#receiving
    if (receiving === undefined) return
    if (((data[0] ?? 0) & 0xf) !== receiving.serial) return this.#dropReceiving()
    const { message } = receiving
    const piece = data.subarray(1, 1 + Math.min(consecutiveBytes, message.length - receiving.at))
    message.set(piece, receiving.at)
    receiving.at += piece.length
    receiving.serial = (receiving.serial + 1) & 0xf
    if (receiving.at >= message.length) {
      receiving.cancel()
      this.#receiving = undefined
      return this.#handler(message)
    }
    receiving.left -= 1
    if (receiving.left === 0) this.#goOn(receiving)
    else this.#awaitFrame(receiving)
  }
}
