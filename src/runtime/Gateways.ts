/** How the outside gets into a node: people and programs over HTTP, boards over MQTT and WebSocket. */
import { Effect, Layer } from "effect"
import type { Registry } from "../actors/Registry.ts"
import * as Gatekeeper from "../gateways/http/Gatekeeper.ts"
import * as HttpGateway from "../gateways/http/HttpGateway.ts"
import * as Operations from "../gateways/http/Operations.ts"
import * as Sources from "../gateways/http/Sources.ts"
import { layerAttacher } from "./Attaching.ts"
import { isLoopback } from "./Binds.ts"
import * as BoardGateways from "./BoardGateways.ts"
import type { ClusterConfig, NodePorts } from "./Config.ts"
import { fieldUnitsOf } from "./FieldUnits.ts"
import { layerHealth, layerMembers } from "./NodeHealth.ts"
import { layerPgActorRecords } from "./storage/PgActorRecords.ts"
import { readTls } from "./Tls.ts"
import { ensureToken } from "./Token.ts"

const operations = Operations.layer.pipe(Layer.provide([layerMembers, layerPgActorRecords]))

/**
 * Reads certificates and the token of this node, and fails when one cannot be read: before anything has started. The layer
 * listens on every port when it is built.
 */
export const make = Effect.fnUntraced(function* (
  config: ClusterConfig,
  { http, mqtt }: Pick<NodePorts, "http" | "mqtt">,
  registry: Registry
) {
  const { host } = config.http
  const tls = yield* readTls("http", config)
  const mqttTls = yield* readTls("mqtt", config)
  const token = yield* ensureToken(config.data)
  const gatekeeper = Gatekeeper.layer({
    operators: new Map([...Object.entries(config.tokens.operators), ["local", { token }]]),
    isOpen: tls === undefined && isLoopback(host)
  })
  const people = HttpGateway.layer(registry, {
    host,
    port: http,
    isLoopback: isLoopback(host),
    imageBytesMax: config.images.bytesMax,
    ...(tls !== undefined && { tls })
  }).pipe(Layer.provide(Sources.layer(fieldUnitsOf(config.units))))
  const boards = BoardGateways.layer(config, mqtt, mqttTls).pipe(Layer.provideMerge(layerAttacher(config.zones)))
  return Layer.merge(BoardGateways.layerLeaving, BoardGateways.layerElsewhere).pipe(
    Layer.provideMerge(people),
    Layer.provideMerge(boards),
    Layer.provide([operations, layerHealth, gatekeeper])
  )
})
