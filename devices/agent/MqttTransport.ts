/** The link over MQTT 5 or 3.1.1: one publication is one frame, and its PUBACK the acknowledgement. */
import { connect, type IClientOptions } from "mqtt"
import { urlOf } from "./Elsewhere.ts"
import type { CloseCause, Connection, ConnectionEvents, Opening, Transport } from "./Transport.ts"

/** Seconds; above the lease, by which the agent judges the link. */
const keepAliveSeconds = 60

/** Where and with what to connect. */
export interface MqttOptions {
  /** `mqtt:` or `mqtts:`. */
  readonly url: string
  /** Board token; absent on loopback in development. */
  readonly token?: string
  /** Protocol version: 5 when absent, 4 is 3.1.1. */
  readonly version?: 4 | 5
  /** Down frames that may be on their way at a time. */
  readonly receiveMax?: number
  /** Largest frame taken, bytes. */
  readonly rx: number
}

/** Connects over MQTT. The client's own reconnect and store are off: the agent decides when to connect and what to send again. */
export const mqttTransport = (options: MqttOptions): Transport => ({
  open: (opening: Opening, events: ConnectionEvents): Connection => {
    const up = `holon/1/b/${opening.id}/up`
    const down = `holon/1/b/${opening.id}/dn`
    const client = connect(urlOf(options.url, opening.server), clientOptions(options, opening, up))
    let over = false
    const end = (cause: CloseCause, server?: string): void => {
      if (over) return
      over = true
      client.end(true)
      events.closed(cause, server)
    }
    client.on("connect", () => {
      client.subscribe(down, { qos: 1 }, (error, granted) => {
        if (over) return
        if (error || granted?.some(({ qos }) => qos >= 128)) end("refused")
        else events.opened()
      })
    })
    client.on("message", (_topic, payload) => {
      if (!over) events.received(payload)
    })
    client.on("disconnect", (packet) => end(causeOf(packet.reasonCode ?? 0), packet.properties?.serverReference))
    client.on("error", (error) => end(causeOf(reasonOf(error))))
    client.on("close", () => end("lost"))
    return {
      send: (bytes, { seq, qos, taken }) => {
        if (over) return
        // mqtt wants a Buffer; the frame's bytes are shared, not copied.
        const payload = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
        client.publish(up, payload, { qos, ...publication(options.version) }, (error) => {
          if (over) return
          if (error) {
            // A quota passes; any other refusal is for good, and the frame is consumed by it.
            const reason = reasonOf(error)
            if (reason === 0 || reason === quotaExceeded) return end("lost")
          }
          if (qos === 0) return
          if (seq > 0) events.acknowledged(seq)
          taken?.()
        })
      },
      close: (orderly) => {
        over = true
        // DISCONNECT makes the server drop the will (MQTT-3.14.4-3).
        client.end(!orderly || !client.connected)
      }
    }
  }
})

/** MQTT 5 reason code "Quota exceeded". */
const quotaExceeded = 0x97

const publication = (version: 4 | 5 | undefined) =>
  version === 4 ? {} : { properties: { contentType: "application/holon+cbor" } }

const clientOptions = (options: MqttOptions, opening: Opening, up: string): IClientOptions => {
  const will = Buffer.from(opening.will.buffer, opening.will.byteOffset, opening.will.byteLength)
  const common: IClientOptions = {
    clientId: opening.id,
    clean: true,
    keepalive: keepAliveSeconds,
    reconnectPeriod: 0,
    resubscribe: false,
    queueQoSZero: false,
    will: { topic: up, payload: will, qos: 1, retain: false },
    ...(options.token === undefined ? {} : { username: opening.id, password: options.token })
  }
  if (options.version === 4) return { ...common, protocolVersion: 4 }
  return {
    ...common,
    protocolVersion: 5,
    properties: {
      sessionExpiryInterval: 0,
      receiveMaximum: options.receiveMax ?? 64,
      maximumPacketSize: options.rx + topicBytesMax
    },
    will: { topic: up, payload: will, qos: 1, retain: false, properties: { willDelayInterval: 0 } }
  }
}

/** Head, topic and properties of a publication, beside the frame. */
const topicBytesMax = 256

/** MQTT's reason code where the server gave one, else 0. */
const reasonOf = (error: Error): number => ("code" in error && typeof error.code === "number" ? error.code : 0)

const causeOf = (code: number): CloseCause => {
  switch (code) {
    // CONNACK of 3.1.1: identifier rejected, bad credentials, not authorised.
    case 2:
    case 4:
    case 5:
    // MQTT 5: client identifier not valid, bad user name or password, not authorised, banned.
    case 0x85:
    case 0x86:
    case 0x87:
    case 0x8a:
      return "refused"
    case 0x8e:
      return "superseded"
    case 0x8b:
    case 0x9c:
    case 0x9d:
      return "draining"
    default:
      return "lost"
  }
}
