/**
 * Boards that take images and do nothing with them but count and acknowledge, over raw MQTT 3.1.1 or WebSocket, and over bare
 * sockets for the baseline; in a process of their own: neither a client library nor the agent is what is measured.
 */
import { connect, type Socket } from "node:net"
import { Result } from "effect"
import { WebSocket } from "ws"
import type { DownFrame, UpFrame } from "../../src/protocol/Frame.ts"
import { decodeDown, encodeUp } from "../../src/protocol/FrameCodec.ts"
import { bodyStart, packet, packetSize, text } from "./MqttBytes.ts"
import { serve } from "./Processes.ts"

/** How boards are reached. */
export type Wire = "mqtt" | "websocket" | "bare"

export type ReceiversRequest =
  | { readonly do: "connect"; readonly wire: Wire; readonly port: number; readonly count: number }
  /** Answers when each board is ready to take an image of so many bytes. */
  | { readonly do: "expect"; readonly bytes: number }
  /** Answers when each board has taken it. */
  | { readonly do: "receive" }

/** What the baseline acknowledges: as often as a board does. */
export const windowChunks = 8
export const frameHeadBytes = 4

const rx = 262_144
const boot = 1 + Math.floor(Math.random() * 2 ** 31)
const helloId = 1

interface Receiver {
  readonly ready: () => Promise<void>
  readonly receive: (bytes: number) => Promise<void>
}

/** The board's side of a transfer. */
class Taking {
  readonly #send: (frame: UpFrame) => void
  #size = 0
  #chunk = 1
  #next = 0
  #seq = 0
  #done: () => void = () => {}

  constructor(send: (frame: UpFrame) => void) {
    this.#send = send
  }

  receive(): Promise<void> {
    return new Promise((resolve) => {
      this.#done = resolve
    })
  }

  take(frame: DownFrame): void {
    switch (frame.type) {
      case "image-offer":
        this.#size = frame.size
        this.#chunk = frame.chunk
        this.#next = 0
        return this.#acknowledge(frame.xfer)
      case "chunk": {
        if (frame.index !== this.#next) throw new Error(`chunk ${frame.index} instead of ${this.#next}`)
        this.#next++
        const isWhole = this.#next * this.#chunk >= this.#size
        if (isWhole || this.#next % (windowChunks / 2) === 0) this.#acknowledge(frame.xfer)
        return
      }
      case "image-op": {
        const { req, op, xfer = 0 } = frame
        this.#send({ type: "image-status", seq: ++this.#seq, xfer, state: op === 1 ? 3 : 7, req })
        if (op === 2) this.#done()
      }
    }
  }

  #acknowledge(xfer: number): void {
    const have = Math.min(this.#size, this.#next * this.#chunk)
    this.#send({ type: "image-ack", seq: 0, xfer, next: this.#next, state: 1, have, window: windowChunks })
  }
}

const helloOf = (id: string): UpFrame => ({
  type: "hello",
  seq: 0,
  min: 1,
  max: 1,
  id,
  boot,
  link: 1,
  up: 20_000,
  profile: "bench",
  firmware: "1",
  caps: 8,
  rx,
  kinds: [0]
})

class MqttReceiver implements Receiver {
  readonly #socket: Socket
  readonly #id: string
  readonly #topic: Buffer
  readonly #taking = new Taking((frame) => this.#publish(frame))
  #packetId = 1
  #parts: Array<Buffer> = []
  #held = 0
  #wanted = 2
  #ready: () => void = () => {}

  constructor(id: string, port: number) {
    this.#id = id
    this.#topic = text(`holon/1/b/${id}/up`)
    this.#socket = connect({ port, host: "127.0.0.1", noDelay: true })
    this.#socket.on("data", (chunk) => this.#data(chunk))
    this.#socket.on("error", (error) => console.error(`board ${id}: ${error.message}`))
  }

  ready(): Promise<void> {
    return new Promise((resolve) => {
      this.#ready = resolve
      this.#socket.write(packet(0x10, Buffer.concat([text("MQTT"), Buffer.from([4, 2, 0, 0]), text(this.#id)])))
    })
  }

  receive(): Promise<void> {
    return this.#taking.receive()
  }

  #publish(frame: UpFrame): void {
    const bytes = Buffer.from(encodeUp(frame))
    if (frame.type === "image-ack") {
      this.#socket.write(packet(0x30, Buffer.concat([this.#topic, bytes])))
      return
    }
    const isHello = frame.type === "hello"
    if (!isHello) this.#packetId = (this.#packetId % 60_000) + 2
    const id = isHello ? helloId : this.#packetId
    this.#socket.write(packet(0x32, Buffer.concat([this.#topic, Buffer.from([id >> 8, id & 255]), bytes])))
  }

  /** Joins pieces only when a whole packet is there. */
  #data(piece: Buffer): void {
    this.#parts.push(piece)
    this.#held += piece.length
    if (this.#held < this.#wanted) return
    const all = this.#parts.length === 1 ? piece : Buffer.concat(this.#parts)
    let at = 0
    this.#wanted = 2
    while (at < all.length) {
      const size = packetSize(all, at)
      if (size === undefined || at + size > all.length) {
        this.#wanted = size ?? 2
        break
      }
      this.#packet(all.subarray(at, at + size))
      at += size
    }
    const rest = all.subarray(at)
    this.#parts = rest.length === 0 ? [] : [rest]
    this.#held = rest.length
    if (this.#wanted <= this.#held) this.#wanted = this.#held + 1
  }

  #packet(bytes: Buffer): void {
    const head = bytes[0] ?? 0
    if (head >> 4 === 2) {
      const filter = Buffer.concat([Buffer.from([0, 1]), text(`holon/1/b/${this.#id}/dn`), Buffer.from([1])])
      this.#socket.write(packet(0x82, filter))
    } else if (head >> 4 === 9) this.#publish(helloOf(this.#id))
    else if (head >> 4 === 3) {
      const begin = bodyStart(bytes)
      const topicEnd = begin + 2 + bytes.readUInt16BE(begin)
      const isAcknowledged = (head & 0x06) !== 0
      if (isAcknowledged) this.#socket.write(Buffer.from([0x40, 2, bytes[topicEnd] ?? 0, bytes[topicEnd + 1] ?? 0]))
      take(this.#id, bytes.subarray(isAcknowledged ? topicEnd + 2 : topicEnd), this.#taking, this.#ready)
    }
  }
}

const take = (id: string, bytes: Uint8Array, taking: Taking, ready: () => void): void => {
  const frame = decodeDown(bytes, rx)
  if (Result.isFailure(frame)) throw new Error(`board ${id}: ${frame.failure.detail}`)
  if (frame.success.type === "error" || frame.success.type === "goodbye")
    console.error(`board ${id}: ${JSON.stringify(frame.success)}`)
  if (frame.success.type === "welcome") ready()
  else taking.take(frame.success)
}

class WebSocketReceiver implements Receiver {
  readonly #socket: WebSocket
  readonly #id: string
  readonly #taking = new Taking((frame) => this.#socket.send(encodeUp(frame)))

  constructor(id: string, port: number) {
    this.#id = id
    this.#socket = new WebSocket(`ws://127.0.0.1:${port}/attach`, "holon.1")
    this.#socket.on("error", (error) => console.error(`board ${id}: ${error.message}`))
  }

  ready(): Promise<void> {
    return new Promise((resolve) => {
      this.#socket.on("open", () => this.#socket.send(encodeUp(helloOf(this.#id))))
      this.#socket.on("message", (bytes: Buffer) => take(this.#id, bytes, this.#taking, resolve))
    })
  }

  receive(): Promise<void> {
    return this.#taking.receive()
  }
}

/** Counts what comes, and says so twice a window, in eight bytes. */
class BareReceiver implements Receiver {
  readonly #socket: Socket
  #wanted = 0
  #held = 0
  #parts: Array<Buffer> = []
  #taken = 0
  #chunks = 0
  #left = 0
  #done: () => void = () => {}

  constructor(port: number) {
    this.#socket = connect({ port, host: "127.0.0.1", noDelay: true })
    this.#socket.on("data", (piece) => this.#data(piece))
  }

  ready(): Promise<void> {
    return new Promise((resolve) => this.#socket.once("connect", () => resolve()))
  }

  receive(bytes: number): Promise<void> {
    this.#left = bytes
    this.#taken = 0
    this.#chunks = 0
    return new Promise((resolve) => {
      this.#done = resolve
    })
  }

  #data(piece: Buffer): void {
    this.#parts.push(piece)
    this.#held += piece.length
    if (this.#held < this.#wanted) return
    const all = this.#parts.length === 1 ? piece : Buffer.concat(this.#parts)
    let at = 0
    this.#wanted = frameHeadBytes
    while (all.length - at >= frameHeadBytes) {
      const size = frameHeadBytes + all.readUInt32BE(at)
      if (at + size > all.length) {
        this.#wanted = size
        break
      }
      this.#chunk(size - frameHeadBytes)
      at += size
    }
    const rest = all.subarray(at)
    this.#parts = rest.length === 0 ? [] : [rest]
    this.#held = rest.length
  }

  #chunk(bytes: number): void {
    this.#taken += bytes
    this.#chunks++
    const isWhole = this.#taken >= this.#left
    if (isWhole || this.#chunks % (windowChunks / 2) === 0) {
      const word = Buffer.alloc(8)
      word.writeUInt32BE(this.#chunks, 4)
      this.#socket.write(word)
    }
    if (isWhole) this.#done()
  }
}

const receiverOf = (wire: Wire, port: number, index: number): Receiver => {
  const id = `taker-${wire}-${index}`
  if (wire === "bare") return new BareReceiver(port)
  return wire === "mqtt" ? new MqttReceiver(id, port) : new WebSocketReceiver(id, port)
}

let receivers: ReadonlyArray<Receiver> = []
let taken: ReadonlyArray<Promise<void>> = []

serve(async (request: ReceiversRequest): Promise<undefined> => {
  if (request.do === "connect") {
    const { wire, port, count } = request
    receivers = Array.from({ length: count }, (_, index) => receiverOf(wire, port, index))
    await Promise.all(receivers.map((receiver) => receiver.ready()))
  } else if (request.do === "expect") taken = receivers.map((receiver) => receiver.receive(request.bytes))
  else await Promise.all(taken)
  return undefined
})
