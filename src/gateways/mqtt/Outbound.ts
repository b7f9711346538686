/** Publications to one client: packet ids, the client's receive maximum, its packet size and its topic alias. */
import { publicationBytes, type Sending, writePublication, writePublicationHead } from "./Publication.ts"

/** What a client takes. */
export interface ClientLimits {
  readonly version: 4 | 5
  readonly receiveMaximum: number
  readonly packetBytesMax: number
  readonly aliases: number
}

/** One publication, before it has a packet id. */
export interface Letter {
  readonly topic: Buffer
  readonly payload: Uint8Array
  readonly qos: 0 | 1
  readonly isRetained: boolean
  /** End of its life, monotonic ms; nothing for none. */
  readonly endsAt: number | undefined
  /** Version 5. */
  readonly contentType: Buffer
}

/** Publications that wait for acknowledgements of the client, and their bytes. Past either the client is given up. */
const waitingMax = 1_024
const waitingBytesMax = 1_048_576
const idMax = 65_535
/** A longer payload leaves as it is, behind its head: nobody copies it. */
const copiedPayloadMax = 4_096
const noTopic = Buffer.alloc(0)

/** The way out of one connection, in order within each QoS. */
export class Outbound {
  readonly #limits: ClientLimits
  readonly #write: (bytes: Uint8Array) => void
  readonly #monotonic: () => number
  readonly #inFlight = new Set<number>()
  readonly #waiting: Array<Letter> = []
  #waitingBytes = 0
  #lastId = 0
  /** The topic that alias 1 stands for: that of the link's frames. */
  #aliased: Buffer | undefined

  constructor(limits: ClientLimits, monotonic: () => number, write: (bytes: Uint8Array) => void) {
    this.#limits = limits
    this.#monotonic = monotonic
    this.#write = write
  }

  /** Answers false when too much waits: the client does not acknowledge. */
  send(letter: Letter): boolean {
    if (letter.qos === 1 && (this.#inFlight.size >= this.#limits.receiveMaximum || this.#waiting.length > 0)) {
      this.#waiting.push(letter)
      this.#waitingBytes += letter.payload.length
      return this.#waiting.length <= waitingMax && this.#waitingBytes <= waitingBytesMax
    }
    this.#put(letter)
    return true
  }

  /** A PUBACK of the client; unknown ids are ignored. */
  acknowledged(packetId: number): void {
    if (!this.#inFlight.delete(packetId)) return
    while (this.#inFlight.size < this.#limits.receiveMaximum) {
      const letter = this.#waiting.shift()
      if (letter === undefined) return
      this.#waitingBytes -= letter.payload.length
      this.#put(letter)
    }
  }

  #put(letter: Letter): void {
    const { version, packetBytesMax } = this.#limits
    const left = letter.endsAt === undefined ? undefined : letter.endsAt - this.#monotonic()
    if (left !== undefined && left <= 0) return
    const isKnown = this.#aliased === letter.topic
    const mayAlias = version === 5 && this.#limits.aliases > 0 && (isKnown || this.#aliased === undefined)
    const sending: Sending = {
      version,
      qos: letter.qos,
      isRetained: letter.isRetained,
      packetId: letter.qos === 1 ? this.#nextId() : 0,
      alias: mayAlias ? 1 : 0,
      expirySeconds: left === undefined ? 0 : Math.ceil(left / 1_000),
      contentType: letter.contentType
    }
    const topic = isKnown && mayAlias ? noTopic : letter.topic
    const { payload } = letter
    // MQTT-3.1.2-24: what the client cannot take is as if it had been sent.
    if (publicationBytes(topic, payload.length, sending) > packetBytesMax) return
    if (letter.qos === 1) this.#inFlight.add(sending.packetId)
    if (mayAlias) this.#aliased = letter.topic
    if (payload.length <= copiedPayloadMax) return this.#write(writePublication(topic, payload, sending))
    this.#write(writePublicationHead(topic, payload.length, sending))
    this.#write(payload)
  }

  #nextId(): number {
    do this.#lastId = (this.#lastId % idMax) + 1
    while (this.#inFlight.has(this.#lastId))
    return this.#lastId
  }
}
