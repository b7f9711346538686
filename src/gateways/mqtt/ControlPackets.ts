/** All packets but PUBLISH and PUBACK, through the codec: they are rare. */
import { generate, type Packet, type Parser, parser } from "mqtt-packet"

/** Packets only a server sends, and those of QoS 2, by type number: a client that sends one breaks the protocol. */
const foreignTypes: ReadonlySet<number> = new Set([0, 2, 5, 6, 7, 9, 11, 13])

/** Reads packets of one connection, one whole packet at a time. */
export class ControlReader {
  readonly #parser: Parser
  #packet: Packet | undefined
  #isFaulty = false

  /** `version` is that of the CONNECT; 5 and 4 before it, as that packet tells it itself. */
  constructor(version: 4 | 5) {
    this.#parser = parser({ protocolVersion: version })
    this.#parser.on("packet", (packet: Packet) => {
      this.#packet = packet
    })
    this.#parser.on("error", () => {
      this.#isFaulty = true
    })
  }

  /** The packet; nothing when it is malformed. Text that is not UTF-8 or holds NUL is (MQTT-1.5.4-1, MQTT-1.5.4-2). */
  read(bytes: Buffer): Packet | undefined {
    if (foreignTypes.has((bytes[0] ?? 0) >> 4)) return undefined
    this.#packet = undefined
    this.#isFaulty = false
    try {
      this.#parser.parse(bytes)
    } catch {
      // The codec reads some lengths without looking whether the bytes are there.
      return undefined
    }
    if (this.#isFaulty || this.#packet === undefined) return undefined
    return this.#packet
  }
}

/** Encodes a packet for a client of that version. */
export const write = (packet: Packet, version: 4 | 5): Buffer => generate(packet, { protocolVersion: version })

/** Whether text went through UTF-8 unharmed and holds no NUL. */
export const isCleanText = (text: string): boolean => !text.includes("\u0000") && !text.includes("\uFFFD")

/** Reason codes (MQTT 5, section 2.4) of this server. */
export const reasons = {
  success: 0x00,
  noSubscriber: 0x10,
  noSubscription: 0x11,
  malformed: 0x81,
  protocol: 0x82,
  implementation: 0x83,
  version: 0x84,
  clientId: 0x85,
  credentials: 0x86,
  notAuthorised: 0x87,
  unavailable: 0x88,
  busy: 0x89,
  banned: 0x8a,
  shuttingDown: 0x8b,
  authMethod: 0x8c,
  keepAlive: 0x8d,
  takenOver: 0x8e,
  filter: 0x8f,
  topic: 0x90,
  receiveMaximum: 0x93,
  alias: 0x94,
  tooLarge: 0x95,
  tooFast: 0x96,
  quota: 0x97,
  administrative: 0x98,
  payload: 0x99,
  retain: 0x9a,
  qos: 0x9b,
  sharedSubscription: 0x9e,
  connectionRate: 0x9f,
  subscriptionId: 0xa1
} as const

/** CONNACK return codes of 3.1.1 (section 3.2.2.3) for the reasons a connection is refused with. */
export const returnCodeOf = (reason: number): number => {
  switch (reason) {
    case reasons.version:
      return 1
    case reasons.clientId:
      return 2
    case reasons.unavailable:
    case reasons.connectionRate:
      return 3
    case reasons.credentials:
      return 4
    default:
      return 5
  }
}
