/** PUBLISH, the one packet of the hot path, read and written by hand (MQTT 3.1.1 and 5, section 3.3). */
import type { Framed } from "./PacketFramer.ts"

/** A PUBLISH of a client. `topic` may be empty in version 5, where an alias stands for it. */
export interface Publication {
  readonly topic: Buffer
  readonly qos: 0 | 1 | 2
  readonly isRetained: boolean
  /** 0 at QoS 0. */
  readonly packetId: number
  /** 0 for none. */
  readonly alias: number
  readonly payload: Buffer
}

/** Bytes of a property's value by its id, for those a client's PUBLISH may carry; -1 text or binary, -2 a pair. */
const propertySizes: Readonly<Record<number, number>> = {
  1: 1, // payload format indicator
  2: 4, // message expiry interval
  3: -1, // content type
  8: -1, // response topic
  9: -1, // correlation data
  35: 2, // topic alias
  38: -2 // user property
}
const aliasProperty = 35
const userProperty = 38

/** Reads a variable byte integer; -1 when it does not end within `end`. The second number is where it ends. */
const varInt = (bytes: Buffer, from: number, end: number): readonly [value: number, next: number] => {
  let value = 0
  for (let size = 0; size < 4; size++) {
    const at = from + size
    if (at >= end) break
    const byte = bytes[at] ?? 0
    value += (byte & 0x7f) * 128 ** size
    if ((byte & 0x80) === 0) return [value, at + 1]
  }
  return [-1, from]
}

/** The alias among the properties in [from, end): 0 for none, -1 when they are malformed. */
const aliasOf = (bytes: Buffer, from: number, end: number): number => {
  let alias = 0
  let seen = 0
  let at = from
  while (at < end) {
    const id = bytes[at++] ?? 0
    const size = propertySizes[id]
    if (size === undefined) return -1
    if (id !== userProperty) {
      // Every other property comes at most once.
      const bit = id === aliasProperty ? 1 << 16 : 1 << id
      if ((seen & bit) !== 0) return -1
      seen |= bit
    }
    if (id === aliasProperty) {
      if (at + 2 > end) return -1
      alias = bytes.readUInt16BE(at)
      if (alias === 0) return -1
    }
    let values = size < 0 ? -size : 0
    at += Math.max(0, size)
    for (; values > 0; values--) {
      if (at + 2 > end) return -1
      at += 2 + bytes.readUInt16BE(at)
    }
    if (at > end) return -1
  }
  return alias
}

/** Takes a PUBLISH apart; nothing when it is malformed. Of one that was cut short, the payload is its beginning. */
export const readPublication = ({ bytes, start, isCutShort }: Framed, version: 4 | 5): Publication | undefined => {
  const flags = (bytes[0] ?? 0) & 0x0f
  const qos = (flags >> 1) & 3
  // No such QoS (MQTT-3.3.1-4); what is never acknowledged is never sent again (MQTT-3.3.1-2).
  if (qos === 3 || (qos === 0 && (flags & 8) !== 0)) return undefined
  const end = bytes.length
  if (start + 2 > end) return undefined
  let at = start + 2 + bytes.readUInt16BE(start)
  if (at > end) return undefined
  const topic = bytes.subarray(start + 2, at)
  let packetId = 0
  if (qos > 0) {
    if (at + 2 > end) return undefined
    packetId = bytes.readUInt16BE(at)
    if (packetId === 0) return undefined
    at += 2
  }
  let alias = 0
  if (version === 5) {
    const [length, next] = varInt(bytes, at, end)
    if (length < 0) return undefined
    if (next + length > end)
      return isCutShort
        ? { topic, qos: qosOf(qos), isRetained: (flags & 1) === 1, packetId, alias, payload: bytes.subarray(end) }
        : undefined
    alias = aliasOf(bytes, next, next + length)
    if (alias < 0) return undefined
    at = next + length
  }
  return { topic, qos: qosOf(qos), isRetained: (flags & 1) === 1, packetId, alias, payload: bytes.subarray(at) }
}

const qosOf = (qos: number): 0 | 1 | 2 => (qos === 0 ? 0 : qos === 1 ? 1 : 2)

/** First byte of a PUBACK (section 3.4.1). */
export const pubackHead = 0x40

/** Writes a PUBACK. Only version 5 says a reason, and leaves out that of success. */
export const writePuback = (packetId: number, reason: number, version: 4 | 5): Buffer => {
  const hasReason = version === 5 && reason !== 0
  const bytes = Buffer.allocUnsafe(hasReason ? 5 : 4)
  bytes[0] = pubackHead
  bytes[1] = bytes.length - 2
  bytes.writeUInt16BE(packetId, 2)
  if (hasReason) bytes[4] = reason
  return bytes
}

/** What a PUBLISH to a client carries beside topic and payload. */
export interface Sending {
  readonly version: 4 | 5
  readonly qos: 0 | 1
  readonly isRetained?: boolean
  /** At QoS 1. */
  readonly packetId: number
  /** Version 5; 0 for none. */
  readonly alias: number
  /** Version 5, seconds; 0 for none. */
  readonly expirySeconds: number
  /** Version 5. */
  readonly contentType: Buffer
}

/** Lengths of a PUBLISH: of its properties, of what its fixed header counts, and of that number itself. */
const sizesOf = (topic: Buffer, payloadBytes: number, sending: Sending) => {
  const { version, qos, alias, expirySeconds, contentType } = sending
  const properties =
    (expirySeconds > 0 ? 5 : 0) + (alias > 0 ? 3 : 0) + (contentType.length > 0 ? 3 + contentType.length : 0)
  // The properties of ours are shorter than 128 bytes: their length takes one byte.
  const counted = 2 + topic.length + (qos > 0 ? 2 : 0) + (version === 5 ? 1 + properties : 0) + payloadBytes
  const lengthSize = counted < 128 ? 1 : counted < 16_384 ? 2 : counted < 2_097_152 ? 3 : 4
  return { properties, counted, lengthSize }
}

/** How long a PUBLISH is, in bytes. */
export const publicationBytes = (topic: Buffer, payloadBytes: number, sending: Sending): number => {
  const { counted, lengthSize } = sizesOf(topic, payloadBytes, sending)
  return 1 + lengthSize + counted
}

/** Writes a PUBLISH. An empty topic needs an alias the client knows. */
export const writePublication = (topic: Buffer, payload: Uint8Array, sending: Sending): Buffer => {
  const bytes = Buffer.allocUnsafe(publicationBytes(topic, payload.length, sending))
  bytes.set(payload, writeHead(bytes, topic, payload.length, sending))
  return bytes
}

/** Writes what comes before the payload of a PUBLISH. */
export const writePublicationHead = (topic: Buffer, payloadBytes: number, sending: Sending): Buffer => {
  const bytes = Buffer.allocUnsafe(publicationBytes(topic, payloadBytes, sending) - payloadBytes)
  writeHead(bytes, topic, payloadBytes, sending)
  return bytes
}

const writeHead = (bytes: Buffer, topic: Buffer, payloadBytes: number, sending: Sending): number => {
  const { version, qos, alias, expirySeconds, contentType } = sending
  const { properties, counted, lengthSize } = sizesOf(topic, payloadBytes, sending)
  bytes[0] = 0x30 | (qos << 1) | (sending.isRetained === true ? 1 : 0)
  let at = 1
  for (let left = counted, size = 0; size < lengthSize; size++) {
    const more = size < lengthSize - 1
    bytes[at++] = (left & 0x7f) | (more ? 0x80 : 0)
    left >>>= 7
  }
  at = bytes.writeUInt16BE(topic.length, at)
  at += topic.copy(bytes, at)
  if (qos > 0) at = bytes.writeUInt16BE(sending.packetId, at)
  if (version === 5) {
    bytes[at++] = properties
    if (expirySeconds > 0) {
      bytes[at++] = 2
      at = bytes.writeUInt32BE(expirySeconds, at)
    }
    if (alias > 0) {
      bytes[at++] = aliasProperty
      at = bytes.writeUInt16BE(alias, at)
    }
    if (contentType.length > 0) {
      bytes[at++] = 3
      at = bytes.writeUInt16BE(contentType.length, at)
      at += contentType.copy(bytes, at)
    }
  }
  return at
}
