/**
 * The bytes between two nodes. The dialler greets with one line, the acceptor answers `ok`; then batches go one way,
 * each a big-endian length of four bytes and the payload. A length of zero asks whether the other still answers.
 */
import type { Socket } from "node:net"

/** Longest payload of one batch. */
export const batchBytesMax = 8 * 1024 * 1024
/** A peer that has not taken this much is too slow: its channel breaks rather than fill the memory. */
export const backlogBytesMax = 64 * 1024 * 1024
const lineBytesMax = 1024
/** Unanswered pings at one end, ticks without a byte at the other, after which a channel is broken. */
const missesMax = 2

const zero = Buffer.alloc(4)
const accepted = "ok"

/** The greeting of a dialler: who speaks, and whom it means to reach. A reused address so finds out. */
export const greeting = (from: string, to: string): string => `holon-relay 1 ${from} ${to}`

/** Splits what comes in into one line and then batches. Throws on what no node of ours sends. */
export class BatchReader {
  private chunks: Array<Buffer> = []
  private bytes = 0
  private needed = 1
  private inLine = true
  private readonly onLine: (line: string) => void
  private readonly onBatch: (bytes: Uint8Array) => void

  constructor(onLine: (line: string) => void, onBatch: (bytes: Uint8Array) => void) {
    this.onLine = onLine
    this.onBatch = onBatch
  }

  /** A zero length is a batch of no bytes. */
  push(chunk: Buffer): void {
    this.chunks.push(chunk)
    this.bytes += chunk.length
    if (this.bytes < this.needed) return
    let rest = this.chunks.length === 1 ? chunk : Buffer.concat(this.chunks)
    if (this.inLine) {
      const end = rest.indexOf(0x0a)
      if (end > lineBytesMax || (end < 0 && rest.length > lineBytesMax)) throw new Error("relay greeting too long")
      if (end >= 0) {
        this.inLine = false
        const line = rest.toString("utf8", 0, end)
        rest = rest.subarray(end + 1)
        this.onLine(line)
      }
    }
    this.needed = this.inLine ? rest.length + 1 : 4
    while (!this.inLine && rest.length >= 4) {
      const length = rest.readUInt32BE(0)
      if (length > batchBytesMax) throw new Error(`relay batch of ${length} bytes`)
      this.needed = 4 + length
      if (rest.length < this.needed) break
      const batch = rest.subarray(4, this.needed)
      rest = rest.subarray(this.needed)
      this.needed = 4
      this.onBatch(batch)
    }
    this.chunks = rest.length === 0 ? [] : [rest]
    this.bytes = rest.length
  }
}

/** What a channel tells its owner. `ended` comes once, whoever ended it. */
export interface ChannelEvents {
  readonly ended: (cause: unknown) => void
}

abstract class Channel {
  protected readonly socket: Socket
  private readonly events: ChannelEvents
  private isEnded = false

  constructor(socket: Socket, events: ChannelEvents) {
    this.socket = socket
    this.events = events
    socket.setNoDelay(true)
    socket.on("error", (cause) => this.end(cause))
    socket.on("close", () => this.end("closed"))
  }

  protected read(onLine: (line: string) => void, onBatch: (bytes: Uint8Array) => void): void {
    const reader = new BatchReader(onLine, onBatch)
    this.socket.on("data", (chunk: Buffer) => {
      if (this.isEnded) return
      try {
        reader.push(chunk)
      } catch (cause) {
        this.end(cause)
      }
    })
  }

  /** Ends the channel now; what was not written is lost. */
  end(cause: unknown): void {
    if (this.isEnded) return
    this.isEnded = true
    this.socket.destroy()
    this.events.ended(cause)
  }

  /** Once per ping interval: asks, and breaks a channel that is silent. */
  abstract tick(): void
}

/** The end that dials and sends batches. */
export class Outbound extends Channel {
  isOpen = false
  private misses = 0

  /** `socket` is connecting; `connected` is its event for that. */
  constructor(
    socket: Socket,
    connected: "connect" | "secureConnect",
    hello: string,
    events: ChannelEvents & { readonly opened: () => void }
  ) {
    super(socket, events)
    socket.once(connected, () => socket.write(`${hello}\n`))
    this.read(
      (line) => {
        if (line !== accepted) return this.end(line)
        this.isOpen = true
        events.opened()
      },
      () => {
        this.misses = 0
      }
    )
  }

  /** Batches leave in order. The bytes are read after the return: do not change them. */
  send(bytes: Uint8Array): void {
    const length = Buffer.allocUnsafe(4)
    length.writeUInt32BE(bytes.length, 0)
    this.socket.cork()
    this.socket.write(length)
    this.socket.write(bytes)
    this.socket.uncork()
    if (this.socket.writableLength > backlogBytesMax) this.end("too slow")
  }

  tick(): void {
    if (this.misses >= missesMax) this.end("silent")
    else if (this.isOpen) this.socket.write(zero)
    this.misses += 1
  }
}

/** The end that accepts and receives batches. */
export class Inbound extends Channel {
  private misses = 0

  /** `greeted` says whether the greeting is welcome. */
  constructor(
    socket: Socket,
    events: ChannelEvents & {
      readonly greeted: (line: string) => boolean
      readonly batch: (bytes: Uint8Array) => void
    }
  ) {
    super(socket, events)
    this.read(
      (line) => {
        if (!events.greeted(line)) return this.end("unwelcome")
        this.misses = 0
        socket.write(`${accepted}\n`)
      },
      (bytes) => {
        this.misses = 0
        if (bytes.length === 0) socket.write(zero)
        else events.batch(bytes)
      }
    )
    // A long batch is heard before it is complete.
    socket.on("data", () => {
      this.misses = 0
    })
  }

  tick(): void {
    // One more than the dialler allows, whose ticks are not in step with these.
    if (this.misses > missesMax) this.end("silent")
    this.misses += 1
  }
}
