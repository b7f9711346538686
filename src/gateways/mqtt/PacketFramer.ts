/** Cuts a byte stream into MQTT packets by their fixed header (MQTT-2.1.1), before anything of them is kept. */

/** A whole packet, or the head of one that is larger than is taken and was read over. */
export interface Framed {
  readonly bytes: Buffer
  /** Offset of the variable header. */
  readonly start: number
  readonly isCutShort: boolean
}

/** Why the stream cannot go on. */
export type FramerFault = "malformed" | "too-large"

/** What is kept of a packet that is read over: enough for its topic, packet id and the head of its frame. */
const keptBytes = 256
/** Pieces of a packet are joined beyond this many: a stream of single bytes must not cost a buffer each. */
const piecesMax = 64

const lengthBytesMax = 4
const none = Buffer.alloc(0)

/** The framer of one connection. */
export class PacketFramer {
  /** Largest packet that is kept whole, its header included. */
  bytesMax: number
  /** Largest packet that is read at all; a larger one is a fault. */
  ceiling: number
  #pieces: Array<Buffer> = []
  #have = 0
  /** Size of the packet whose pieces are collected; 0 while its header is not complete. */
  #need = 0
  #skip = 0

  constructor(bytesMax: number, ceiling: number) {
    this.bytesMax = bytesMax
    this.ceiling = ceiling
  }

  /** Hands on every packet that `chunk` completes, while `each` answers true. */
  feed(chunk: Buffer, each: (packet: Framed) => boolean): FramerFault | undefined {
    let rest = chunk
    for (;;) {
      if (this.#skip > 0) {
        const skipped = Math.min(this.#skip, rest.length)
        this.#skip -= skipped
        rest = rest.subarray(skipped)
      }
      if (rest.length === 0) return undefined
      if (this.#have > 0) {
        this.#keep(rest)
        if (this.#have < this.#need) return undefined
        rest = this.#joined()
      }
      const packet = this.#cut(rest)
      if (typeof packet === "string") return packet
      if (packet === undefined) return undefined
      rest = packet.isCutShort ? this.#over(rest) : rest.subarray(packet.bytes.length)
      if (!each(packet)) return undefined
    }
  }

  /** The first packet of `bytes`; nothing when more bytes are needed, which are then kept. */
  #cut(bytes: Buffer): Framed | FramerFault | undefined {
    let length = 0
    let size = 0
    for (;;) {
      const at = 1 + size
      if (size === lengthBytesMax) return "malformed"
      const byte = bytes[at]
      if (byte === undefined) {
        this.#keep(bytes)
        return undefined
      }
      length += (byte & 0x7f) * 128 ** size
      size++
      if ((byte & 0x80) !== 0) continue
      // The shortest form is the only one (MQTT-1.5.5-1).
      if (byte === 0 && size > 1) return "malformed"
      break
    }
    const start = 1 + size
    const total = start + length
    if (total > this.ceiling) return "too-large"
    if (total > this.bytesMax) {
      const kept = Math.min(keptBytes, total)
      if (bytes.length < kept) {
        this.#need = kept
        this.#keep(bytes)
        return undefined
      }
      this.#skip = total
      return { bytes: Buffer.from(bytes.subarray(0, kept)), start, isCutShort: true }
    }
    if (bytes.length < total) {
      this.#need = total
      this.#keep(bytes)
      return undefined
    }
    return { bytes: bytes.length === total ? bytes : bytes.subarray(0, total), start, isCutShort: false }
  }

  /** Drops what is here of the packet that is read over. */
  #over(bytes: Buffer): Buffer {
    const skipped = Math.min(this.#skip, bytes.length)
    this.#skip -= skipped
    return bytes.subarray(skipped)
  }

  #keep(bytes: Buffer): void {
    this.#pieces.push(bytes)
    this.#have += bytes.length
    if (this.#pieces.length > piecesMax) this.#pieces = [Buffer.concat(this.#pieces)]
  }

  #joined(): Buffer {
    const [first = none] = this.#pieces
    const all = this.#pieces.length === 1 ? first : Buffer.concat(this.#pieces)
    this.#pieces = []
    this.#have = 0
    this.#need = 0
    return all
  }
}
