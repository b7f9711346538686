/** One node of the runtime, whole: storage, membership, actors, gateways. Built as one layer, taken down with its scope. */
import { Context, Effect, Layer, Schedule } from "effect"
import { HttpServer } from "effect/http"
import { NetAddress } from "effect/net"
import * as Actors from "../actors/Actors.ts"
import { vocabularyOf } from "../actors/Agreement.ts"
import * as Engine from "../actors/Engine.ts"
import { NodePorts } from "../actors/NodePorts.ts"
import type { Registry } from "../actors/Registry.ts"
import { Arrivals } from "../events/Arrivals.ts"
import { EventStream } from "../events/EventStream.ts"
import * as Watching from "../events/engine/Watching.ts"
import { JournalHint } from "../events/JournalHint.ts"
import * as Gatekeeper from "../gateways/http/Gatekeeper.ts"
import * as HttpGateway from "../gateways/http/HttpGateway.ts"
import * as Operations from "../gateways/http/Operations.ts"
import * as Sources from "../gateways/http/Sources.ts"
import { MqttGateway } from "../gateways/mqtt/MqttGateway.ts"
import { Auditor } from "../protocol/audit/Auditor.ts"
import { Device } from "../protocol/Device.ts"
import { Vsm } from "../protocol/vsm/Vsm.ts"
import * as Chaining from "../systems/audit/Chaining.ts"
import { layerAttacher } from "./Attaching.ts"
import * as Auditors from "./Auditors.ts"
import * as AuthorRights from "./AuthorRights.ts"
import { isLoopback } from "./Binds.ts"
import * as BoardGateways from "./BoardGateways.ts"
import type { ClusterConfig, NodePorts as Ports } from "./Config.ts"
import * as ClusterLayer from "./cluster/ClusterLayer.ts"
import { Lease } from "./cluster/Lease.ts"
import { RelaySocket } from "./cluster/RelaySocket.ts"
import { routeBy } from "./cluster/Route.ts"
import { fieldUnitsOf } from "./FieldUnits.ts"
import * as Founding from "./Founding.ts"
import { freePorts } from "./FreePorts.ts"
import { readImageTrust } from "./ImageTrust.ts"
import * as Metrics from "./Metrics.ts"
import { layerHealth, layerMembers } from "./NodeHealth.ts"
import * as Outlets from "./Outlets.ts"
import * as PatternMetrics from "./PatternMetrics.ts"
import * as PatternPartitions from "./PatternPartitions.ts"
import { ProcessHost } from "./ProcessHost.ts"
import { registry as ownRegistry } from "./Registry.ts"
import * as Releases from "./Releases.ts"
import { keepAuditPartitions, makeAuditPartitions } from "./storage/AuditPartitions.ts"
import { keepDeviceSearch } from "./storage/DeviceProjection.ts"
import * as ImageStore from "./storage/ImageStore.ts"
import { keepPartitions, makePartitions } from "./storage/JournalPartitions.ts"
import { migrate } from "./storage/Migrations.ts"
import * as PatternStore from "./storage/PatternStore.ts"
import { layerPgActorRecords } from "./storage/PgActorRecords.ts"
import { layerPgAuditLog } from "./storage/PgAuditLog.ts"
import { layerPgChainIndex } from "./storage/PgChainIndex.ts"
import { layerPgDeviceSearch } from "./storage/PgDeviceSearch.ts"
import { layerPgJournal } from "./storage/PgJournal.ts"
import { PgStore } from "./storage/PgStore.ts"
import * as PostgresClient from "./storage/PostgresClient.ts"
import { PostgresUrl } from "./storage/PostgresUrl.ts"
import { keepSampleMinutes } from "./storage/SampleMinutes.ts"
import { readPeerTls, readTls } from "./Tls.ts"
import { ensureToken } from "./Token.ts"

/** Days a journal partition is kept. */
const journalDays = 30
const idleMillis = 60_000
const readyPollMillis = 20

const storage = (registry: Registry, waitMillis: number | undefined) =>
  Layer.effectDiscard(
    Effect.gen(function* () {
      yield* migrate()
      yield* makePartitions
      yield* makeAuditPartitions
      yield* Effect.forkScoped(keepAuditPartitions)
      yield* Effect.forkScoped(keepPartitions({ eventDays: journalDays }))
      yield* Effect.forkScoped(keepSampleMinutes)
      const devices = registry.get(Device.kind)
      if (devices !== undefined) yield* Effect.forkScoped(keepDeviceSearch(devices))
    })
  ).pipe(Layer.provideMerge(PostgresClient.layer(waitMillis)))

const ports = (shardsPerGroup: number, counts: Metrics.StoreCounts) =>
  Layer.effect(
    NodePorts,
    Effect.gen(function* () {
      const host = yield* ProcessHost
      const lease = yield* Lease
      const { agreement } = yield* ClusterLayer.Membership
      const { transport } = yield* RelaySocket
      const { journalled } = yield* JournalHint
      const store = Metrics.counted(yield* PgStore.make({ url: yield* PostgresUrl, host, journalled }), counts)
      const { node, isFresh, onSessionLost } = lease
      const onRelease = (handler: (shard: number) => Effect.Effect<void>) => lease.onRelease(({ id }) => handler(id))
      return NodePorts.of({
        node,
        host,
        store,
        agreement,
        transport,
        isFresh,
        onSessionLost,
        onRelease,
        shardsPerGroup,
        idleMillis
      })
    })
  )

/** What is there from the first start on, without anybody asking. */
const beginnings = (registry: Registry, { vsm }: ClusterConfig) =>
  Layer.merge(
    registry.has(Vsm.kind) ? Founding.layer(vsm) : Layer.empty,
    registry.has(Auditor.kind) ? Auditors.layer : Layer.empty
  )

/** Boards may come once shards are held: until then the first of them would only wait. */
const started = Layer.effectDiscard(
  Effect.gen(function* () {
    const membership = yield* ClusterLayer.Membership
    const engine = yield* Engine.Engine
    yield* Effect.sync(() => engine.shards().length > 0).pipe(
      Effect.repeat({ until: (hasShards) => hasShards, schedule: Schedule.spaced(readyPollMillis) })
    )
    yield* Effect.acquireRelease(
      Effect.sync(() => membership.setStarted(true)),
      () => Effect.sync(() => membership.setStarted(false))
    )
  })
)

/** Where the listeners of a node really are, whatever was asked for. */
export class Listening extends Context.Service<Listening, { readonly http: number; readonly mqtt: number }>()(
  "holon/runtime/Listening"
) {}

const listening = Layer.effect(
  Listening,
  Effect.gen(function* () {
    const { address } = yield* HttpServer.HttpServer
    const { port: mqtt } = yield* MqttGateway
    return Listening.of({ http: NetAddress.isInetAddress(address) ? address.port : 0, mqtt })
  })
)

export interface NodeOptions {
  readonly config: ClusterConfig
  readonly ports: Ports
  /** How long to try for a PostgreSQL that does not answer at the start, ms. Default half a minute. */
  readonly storageWaitMillis?: number | undefined
  /** Kinds of actors it serves. Default those of this release. */
  readonly registry?: Registry
}

/**
 * The node of one process. Ready when it is built: shards are held and every listener listens. Whoever runs it ends it when
 * its {@link ClusterLayer.Membership} says that it is excluded.
 */
export const layer = (options: NodeOptions) =>
  Layer.unwrap(
    Effect.gen(function* () {
      const { config, storageWaitMillis, registry = ownRegistry } = options
      const { http, mqtt } = options.ports
      const host = config.peers.host
      // Peers dial what the table of nodes says: these must be known before anybody listens.
      const [freeRunner = 0, freeRelay = 0] = yield* freePorts(2, host)
      const runner = options.ports.runner === 0 ? freeRunner : options.ports.runner
      const relayPort = options.ports.relay === 0 ? freeRelay : options.ports.relay
      const shardsPerGroup = config.shards.perGroup
      const route = routeBy(config.peers.via)
      const tls = yield* readTls("http", config)
      const mqttTls = yield* readTls("mqtt", config)
      const peerTls = yield* readPeerTls(config)
      const { bytesMax } = config.images
      const images = ImageStore.layer({ bytesMax, ...(yield* readImageTrust(config)) })
      const token = yield* ensureToken(config.data)
      const counts = Metrics.noCounts()

      const cluster = ClusterLayer.layer({
        host,
        port: runner,
        relayPort,
        shardsPerGroup,
        route,
        vocabulary: vocabularyOf(registry),
        ...(peerTls !== undefined && { tls: peerTls })
      })
      const actors = Layer.mergeAll(Actors.layer, Metrics.layer(counts), Outlets.layerCarrying).pipe(
        Layer.provideMerge(Engine.layer(registry)),
        Layer.provideMerge(ports(shardsPerGroup, counts))
      )
      const gatekeeper = Gatekeeper.layer({
        operators: new Map([...Object.entries(config.tokens.operators), ["local", { token }]]),
        isOpen: tls === undefined && isLoopback(config.http.host)
      })
      const operations = Operations.layer.pipe(Layer.provide([layerMembers, layerPgActorRecords]))
      const boards = BoardGateways.layer(config, mqtt, mqttTls).pipe(Layer.provideMerge(layerAttacher(config.zones)))
      const gateway = HttpGateway.layer(registry, {
        host: config.http.host,
        port: http,
        isLoopback: isLoopback(config.http.host),
        imageBytesMax: bytesMax,
        ...(tls !== undefined && { tls })
      })
      return Layer.mergeAll(BoardGateways.layerLeaving, BoardGateways.layerElsewhere, listening).pipe(
        Layer.provideMerge(gateway.pipe(Layer.provide(Sources.layer(fieldUnitsOf(config.units))))),
        Layer.provideMerge(boards),
        Layer.provide([operations, layerHealth, gatekeeper]),
        Layer.provideMerge(PatternPartitions.layer),
        Layer.provideMerge(beginnings(registry, config)),
        Layer.provideMerge(started),
        Layer.provideMerge(actors),
        // Below the actors: their effects read images through the seam that this layer fills.
        Layer.provideMerge(images),
        Layer.provideMerge(Releases.layer.pipe(Layer.provide(layerPgActorRecords))),
        Layer.provideMerge(Outlets.layer),
        // As are patterns and what they look at.
        Layer.provideMerge(PatternMetrics.layer),
        Layer.provideMerge(AuthorRights.layer(config, registry)),
        Layer.provideMerge(Layer.merge(Watching.layer, Chaining.layer(registry))),
        Layer.provideMerge(Arrivals.layer),
        Layer.provideMerge(Layer.merge(EventStream.layer, PatternStore.layer)),
        Layer.provideMerge(Layer.mergeAll(layerPgJournal, layerPgChainIndex, layerPgDeviceSearch, layerPgAuditLog)),
        Layer.provideMerge(JournalHint.layer),
        Layer.provideMerge(cluster),
        Layer.provideMerge(storage(registry, storageWaitMillis)),
        Layer.provideMerge(ProcessHost.layer)
      )
    })
  )
