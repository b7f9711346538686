/** Which transport a URL means. */
import { profileOf } from "../profiles/Profiles.ts"
import { mqttTransport } from "./MqttTransport.ts"
import type { Transport } from "./Transport.ts"
import { webSocketTransport } from "./WebSocketTransport.ts"

/** Where a board attaches. */
export interface Access {
  /** `mqtt:`, `mqtts:`, `ws:` or `wss:`; a WebSocket's path defaults to `/attach`. */
  readonly url: string
  /** Board token; absent on loopback in development. */
  readonly token?: string
  /** MQTT protocol version: 5 when absent, 4 is 3.1.1. */
  readonly mqttVersion?: 4 | 5
}

/** The transport for this URL, or none when its scheme is not one of a link. */
export const transportFor = (access: Access, profile: string): Transport | undefined => {
  const url = URL.parse(access.url)
  if (url === null) return undefined
  const { frameBytesMax, window } = profileOf(profile).link
  const token = access.token === undefined ? {} : { token: access.token }
  switch (url.protocol) {
    case "mqtt:":
    case "mqtts:":
      return mqttTransport({
        url: access.url,
        rx: frameBytesMax,
        receiveMax: window,
        ...token,
        ...(access.mqttVersion === undefined ? {} : { version: access.mqttVersion })
      })
    case "ws:":
    case "wss:":
      if (url.pathname === "/") url.pathname = "/attach"
      return webSocketTransport({ url: url.href, rx: frameBytesMax, ...token })
    default:
      return undefined
  }
}
