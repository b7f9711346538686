/** The doors of a node for boards: MQTT on its own port, WebSocket on the HTTP port, with one set of tokens. */
import { Duration, Effect, Layer, Redacted, Schedule } from "effect"
import { defaultAdmission } from "../gateways/link/Admission.ts"
import * as Credentials from "../gateways/link/Credentials.ts"
import type { LinkTerms } from "../gateways/link/LinkTerms.ts"
import * as MqttGateway from "../gateways/mqtt/MqttGateway.ts"
import * as WebSocketGateway from "../gateways/websocket/WebSocketGateway.ts"
import { covers } from "../protocol/Capability.ts"
import { isLoopback } from "./Binds.ts"
import type { ClusterConfig } from "./Config.ts"
import { Membership } from "./cluster/ClusterLayer.ts"
import { heartbeatMillis } from "./cluster/MembershipTiming.ts"
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

/** Who of the operators may read what MQTT shows them: which devices are there. */
const readers = ({ tokens: { operators } }: ClusterConfig): ReadonlyMap<string, string> => {
  const reading = Object.entries(operators).filter(([, { may }]) => may === undefined || covers(may, "device.read"))
  return new Map(reading.map(([name, { token }]) => [name, Redacted.value(token)]))
}

/** What a door asks for. A board of this machine may come without a token only where nobody else can come at all. */
const credentials = (config: ClusterConfig, host: string) =>
  Layer.succeed(
    Credentials.Credentials,
    Credentials.fromTokens({
      boards: plain(config.tokens.boards),
      operators: readers(config),
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
    const membership = yield* Membership
    yield* Effect.addFinalizer(() =>
      // First of all, so that no balancer sends the boards back to this node.
      Effect.sync(() => membership.setStarted(false)).pipe(
        Effect.andThen(Effect.all([mqtt.drain, webSocket.drain], { concurrency: "unbounded", discard: true }))
      )
    )
  })
)

/** Looks in a row that agree before boards are sent away: a peer that is cut off as well says so a moment later. */
const looksMin = 4

/** Counts looks: answers true once for each time that it stays so, at the look that makes it certain. */
export const makeOnceCertain = (looks: number) => {
  let seen = 0
  return (isSo: boolean): boolean => {
    seen = isSo ? seen + 1 : 0
    return seen === looks
  }
}

/**
 * A node that does not reach a peer cannot serve the boards whose devices live there, and one that is out of service had better
 * have none. It sends its boards to a node that is ready, once; who comes back because it knows no other is taken, and served as far as that goes.
 */
export const layerElsewhere = Layer.effectDiscard(
  Effect.gen(function* () {
    const mqtt = yield* MqttGateway.MqttGateway
    const webSocket = yield* WebSocketGateway.WebSocketGateway
    const membership = yield* Membership
    const isCertain = makeOnceCertain(looksMin)
    const sendAway = Effect.all(
      [
        Effect.logWarning(
          "A peer cannot be reached from here, or this node is out of service: boards are sent to other nodes"
        ),
        mqtt.sendAway,
        webSocket.sendAway
      ],
      { discard: true }
    )
    yield* Effect.suspend(() => (isCertain(membership.isCutOff()) ? sendAway : Effect.void)).pipe(
      Effect.repeat(Schedule.spaced(heartbeatMillis)),
      Effect.forkScoped
    )
  })
)
