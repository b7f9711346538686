/** The doors of a node for boards: MQTT on its own port, WebSocket on the HTTP port, with one set of tokens. */
import { Duration, Effect, Layer, Redacted } from "effect"
import { defaultAdmission } from "../gateways/link/Admission.ts"
import * as Credentials from "../gateways/link/Credentials.ts"
import type { LinkTerms } from "../gateways/link/LinkTerms.ts"
import * as MqttGateway from "../gateways/mqtt/MqttGateway.ts"
import * as WebSocketGateway from "../gateways/websocket/WebSocketGateway.ts"
import { isLoopback } from "./Binds.ts"
import type { ClusterConfig } from "./Config.ts"
import type { TlsFiles } from "./Tls.ts"

const plain = (tokens: Readonly<Record<string, Redacted.Redacted>>): ReadonlyMap<string, string> =>
  new Map(Object.entries(tokens).map(([name, token]) => [name, Redacted.value(token)]))

/** What every board is granted; demo clusters use shorter times, so that a pulled plug shows at once. */
const termsOf = ({ link, demo }: ClusterConfig): LinkTerms => {
  const { heartbeat, lease } = demo.isOn ? demo.link : link.times
  return {
    heartbeatMillis: Duration.toMillis(heartbeat),
    leaseMillis: Duration.toMillis(lease),
    window: link.window,
    framesPerSecond: link.framesPerSecond,
    frameBytesMax: link.frameBytesMax
  }
}

/** What a door asks for. A board of this machine may come without a token only where nobody else can come at all. */
const credentials = ({ tokens }: ClusterConfig, host: string) =>
  Layer.succeed(
    Credentials.Credentials,
    Credentials.fromTokens({
      boards: plain(tokens.boards),
      operators: plain(tokens.operators),
      isOpenOnLoopback: isLoopback(host)
    })
  )

/** Both gateways listen while this is built. */
export const layer = (config: ClusterConfig, mqttPort: number, tls: TlsFiles | undefined) => {
  const { http, link, mqtt } = config
  const terms = termsOf(config)
  const admission = { ...defaultAdmission, perSecond: link.newPerSecond }
  return Layer.mergeAll(
    MqttGateway.layer({ host: mqtt.host, port: mqttPort, terms, admission, ...(tls !== undefined && { tls }) }).pipe(
      Layer.provide(credentials(config, mqtt.host))
    ),
    WebSocketGateway.layer({ terms, admission }).pipe(Layer.provide(credentials(config, http.host)))
  )
}

/**
 * Tells all boards to go elsewhere as the first thing when a node ends. Built last: an HTTP server that closes waits for
 * its WebSockets, whose boards would learn of the end only after that.
 */
export const layerLeaving = Layer.effectDiscard(
  Effect.gen(function* () {
    const mqtt = yield* MqttGateway.MqttGateway
    const webSocket = yield* WebSocketGateway.WebSocketGateway
    yield* Effect.addFinalizer(() =>
      Effect.all([mqtt.drain, webSocket.drain], { concurrency: "unbounded", discard: true })
    )
  })
)
