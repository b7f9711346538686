/** Judges a CONNECT by its form: what of it this server can keep. */
import { Result } from "effect"
import type { IConnectPacket } from "mqtt-packet"
import { decodeUp } from "../../protocol/FrameCodec.ts"
import { isDeviceId } from "../../protocol/Ids.ts"
import type { Grant } from "../link/Credentials.ts"
import { greetingBytesMax } from "../link/LinkTerms.ts"
import { isCleanText, reasons, returnCodeOf, write } from "./ControlPackets.ts"
import { aliasesMax } from "./TopicAliases.ts"
import { upTopic } from "./Topics.ts"

/** What a connection is, once its CONNECT is accepted. */
export interface Accepted {
  readonly version: 4 | 5
  readonly clientId: string
  /** The id was made here; version 5 is told. */
  readonly isAssigned: boolean
  /** The board it may speak for. */
  readonly board: string | undefined
  readonly isOperator: boolean
  /** Seconds; 0 for none. */
  readonly keepAlive: number
  /** Publications with QoS 1 that the client takes at a time. */
  readonly receiveMaximum: number
  /** Largest packet the client takes. */
  readonly packetBytesMax: number
  /** Topic aliases the client takes. */
  readonly aliases: number
  /** The goodbye that stands for a broken connection. */
  readonly will: Buffer | undefined
}

/** Server's keep alive for clients of version 5 that ask for none, or for more than this; seconds. */
const keepAliveSecondsMax = 600
const receiveMaximumDefault = 65_535

/** The version a CONNECT names, whatever else is wrong with it; nothing when it is no CONNECT of MQTT. */
export const namedVersion = (bytes: Buffer, start: number): number | undefined => {
  const length = bytes.length >= start + 2 ? bytes.readUInt16BE(start) : 0
  const name = bytes.toString("latin1", start + 2, start + 2 + length)
  return name === "MQTT" || name === "MQIsdp" ? bytes[start + 2 + length] : undefined
}

/** What is wrong with a CONNECT before its credentials are looked at. */
export const connectFault = (packet: IConnectPacket): number | undefined => {
  const { protocolVersion: version, will } = packet
  if (version !== 4 && version !== 5) return reasons.version
  // MQTT-3.1.2-22 of 3.1.1; version 5 lets a password stand alone.
  if (version === 4 && packet.username === undefined && packet.password !== undefined) return reasons.malformed
  if (![packet.clientId, packet.username ?? "", will?.topic ?? ""].every(isCleanText)) return reasons.malformed
  if (packet.properties?.authenticationMethod !== undefined) return reasons.authMethod
  const { receiveMaximum, maximumPacketSize } = packet.properties ?? {}
  if (receiveMaximum === 0 || maximumPacketSize === 0) return reasons.protocol
  return undefined
}

/** Decides who a client is from what it claims and what it was granted; a number is the reason it is refused. */
export const accept = (packet: IConnectPacket, grant: Grant, makeId: () => string): Accepted | number => {
  const version = packet.protocolVersion === 5 ? 5 : 4
  const own = typeof grant.board === "object" ? grant.board.id : undefined
  const isAssigned = packet.clientId === ""
  // Without a session to keep, an id may be left out only by a client that says so (MQTT-3.1.3-8).
  if (isAssigned && version === 4 && packet.clean !== true) return reasons.clientId
  const clientId = isAssigned ? (own ?? makeId()) : packet.clientId
  if (own !== undefined && clientId !== own) return reasons.clientId
  const board = own ?? (grant.board === "any" && isDeviceId(clientId) ? clientId : undefined)
  const will = willOf(packet, board)
  if (typeof will === "number") return will
  const { receiveMaximum, maximumPacketSize, topicAliasMaximum } = packet.properties ?? {}
  const asked = packet.keepalive ?? 0
  const isTooLong = asked === 0 || asked > keepAliveSecondsMax
  return {
    version,
    clientId,
    isAssigned,
    board,
    isOperator: grant.isOperator,
    keepAlive: version === 5 && isTooLong ? keepAliveSecondsMax : asked,
    receiveMaximum: receiveMaximum ?? receiveMaximumDefault,
    packetBytesMax: maximumPacketSize ?? Number.POSITIVE_INFINITY,
    aliases: topicAliasMaximum ?? 0,
    will
  }
}

/** A will may only be the goodbye of the client's own board. */
const willOf = ({ will }: IConnectPacket, board: string | undefined): Buffer | number | undefined => {
  if (will === undefined) return undefined
  if (board === undefined || will.topic !== upTopic(board)) return reasons.notAuthorised
  if (will.retain === true) return reasons.retain
  if (will.qos === 2) return reasons.qos
  const payload = typeof will.payload === "string" ? Buffer.from(will.payload) : will.payload
  const decoded = decodeUp(payload, greetingBytesMax)
  if (Result.isFailure(decoded) || decoded.success.type !== "goodbye") return reasons.payload
  return payload
}

/** What the server takes of any client. */
export interface ServerLimits {
  /** Publications with QoS 1 at a time. */
  readonly receiveMaximum: number
  readonly packetBytesMax: number
}

/** The CONNACK that lets a client in. */
export const connackOf = (
  { version, clientId, isAssigned, keepAlive }: Accepted,
  { receiveMaximum, packetBytesMax }: ServerLimits
): Buffer => {
  if (version === 4) return write({ cmd: "connack", sessionPresent: false, returnCode: 0 }, 4)
  return write(
    {
      cmd: "connack",
      sessionPresent: false,
      reasonCode: reasons.success,
      properties: {
        sessionExpiryInterval: 0,
        receiveMaximum,
        maximumQoS: 1,
        maximumPacketSize: packetBytesMax,
        topicAliasMaximum: aliasesMax,
        subscriptionIdentifiersAvailable: false,
        sharedSubscriptionAvailable: false,
        serverKeepAlive: keepAlive,
        ...(isAssigned ? { assignedClientIdentifier: clientId } : {})
      }
    },
    5
  )
}

/** The CONNACK that refuses one. */
export const refusalOf = (reason: number, version: 4 | 5): Buffer =>
  version === 5
    ? write({ cmd: "connack", sessionPresent: false, reasonCode: reason }, 5)
    : write({ cmd: "connack", sessionPresent: false, returnCode: returnCodeOf(reason) }, 4)
