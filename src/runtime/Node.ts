/** One node of the runtime, whole: storage, membership, actors, gateways. Built as one layer, taken down with its scope. */
import { Context, Effect, Layer, Schedule } from "effect"
import { HttpServer } from "effect/http"
import { NetAddress } from "effect/net"
import { vocabularyOf } from "../actors/Agreement.ts"
import * as Engine from "../actors/Engine.ts"
import type { Registry } from "../actors/Registry.ts"
import * as WayToActors from "../actors/WayToActors.ts"
import { Arrivals } from "../events/Arrivals.ts"
import { EventStream } from "../events/EventStream.ts"
import * as Watching from "../events/engine/Watching.ts"
import { JournalHint } from "../events/JournalHint.ts"
import { MqttGateway } from "../gateways/mqtt/MqttGateway.ts"
import { Auditor } from "../protocol/audit/Auditor.ts"
import { Immune } from "../protocol/vsm/Immune.ts"
import { PolicyKeeper } from "../protocol/vsm/PolicyKeeper.ts"
import { Vsm } from "../protocol/vsm/Vsm.ts"
import * as Chaining from "../systems/audit/Chaining.ts"
import * as ImmuneWatching from "../systems/policy/immune/Watching.ts"
import * as AuditKeys from "./AuditKeys.ts"
import * as Auditors from "./Auditors.ts"
import * as AuthorRights from "./AuthorRights.ts"
import type { ClusterConfig, NodePorts } from "./Config.ts"
import * as ClusterLayer from "./cluster/ClusterLayer.ts"
import { routeBy } from "./cluster/Route.ts"
import * as FleetWords from "./FleetWords.ts"
import * as Founding from "./Founding.ts"
import { freePorts } from "./FreePorts.ts"
import * as Gateways from "./Gateways.ts"
import * as HeldHeads from "./HeldHeads.ts"
import { readImageTrust } from "./ImageTrust.ts"
import * as Immunity from "./Immunity.ts"
import * as NodeActors from "./NodeActors.ts"
import * as Outlets from "./Outlets.ts"
import * as PatternMetrics from "./PatternMetrics.ts"
import * as PatternPartitions from "./PatternPartitions.ts"
import * as Policies from "./Policies.ts"
import { ProcessHost } from "./ProcessHost.ts"
import { registry as ownRegistry } from "./Registry.ts"
import * as Releases from "./Releases.ts"
import * as ImageStore from "./storage/ImageStore.ts"
import { layerPgActorRecords } from "./storage/PgActorRecords.ts"
import * as PgCensus from "./storage/PgCensus.ts"
import { layerPgFleetRows } from "./storage/PgFleetRows.ts"
import * as Storage from "./storage/Storage.ts"
import { readPeerTls } from "./Tls.ts"

const readyPollMillis = 20

/** The other nodes, and which shards are whose. */
const makeCluster = Effect.fnUntraced(function* (config: ClusterConfig, ports: NodePorts, registry: Registry) {
  const { peers, shards } = config
  const tls = yield* readPeerTls(config)
  // Peers dial what the table of nodes says: these must be known before anybody listens.
  const [freeRunner = 0, freeRelay = 0] = yield* freePorts(2, peers.host)
  return ClusterLayer.layer({
    host: peers.host,
    port: ports.runner === 0 ? freeRunner : ports.runner,
    relayPort: ports.relay === 0 ? freeRelay : ports.relay,
    shardsPerGroup: shards.perGroup,
    route: routeBy(peers.via),
    vocabulary: vocabularyOf(registry),
    ...(tls !== undefined && { tls })
  })
})

/** Events of the whole cluster as they are committed, and who looks at them: patterns, auditors, the immune system. */
const events = (config: ClusterConfig, registry: Registry) =>
  Layer.mergeAll(Watching.layer, Chaining.layer(registry), ImmuneWatching.layer).pipe(
    Layer.provide(PgCensus.layer(config)),
    Layer.provide(AuditKeys.layer(config.data)),
    Layer.provideMerge(HeldHeads.layer(config.data)),
    Layer.provideMerge(Arrivals.layer),
    Layer.provideMerge(EventStream.layer)
  )

/** What effects of actors reach through seams of theirs: it stands below the actors. */
const makeSeams = Effect.fnUntraced(function* (config: ClusterConfig, registry: Registry) {
  const images = ImageStore.layer({ bytesMax: config.images.bytesMax, ...(yield* readImageTrust(config)) })
  const releases = Releases.layer.pipe(Layer.provide(layerPgActorRecords))
  const policies = Policies.layer(config, registry).pipe(Layer.provide(layerPgActorRecords))
  const words = FleetWords.layer(config).pipe(Layer.provide(layerPgFleetRows(registry)))
  return Layer.mergeAll(
    images,
    releases,
    policies,
    words,
    Outlets.layer,
    WayToActors.layer,
    Immunity.layerSeams,
    PatternMetrics.layer,
    AuthorRights.layer(config, registry)
  )
})

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

/** Actors that are there from the first start on, without anybody asking. */
const beginnings = (registry: Registry, { vsm }: ClusterConfig) =>
  Layer.mergeAll(
    PatternPartitions.layer,
    registry.has(Vsm.kind) ? Founding.layer(vsm) : Layer.empty,
    registry.has(Auditor.kind) ? Auditors.layer : Layer.empty,
    registry.has(PolicyKeeper.kind) ? Policies.layerTelling : Layer.empty,
    registry.has(Immune.kind) ? Immunity.layer : Layer.empty
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
  readonly ports: NodePorts
  /** How long to try for a PostgreSQL that does not answer at the start, ms. Default half a minute. */
  readonly storageWaitMillis?: number | undefined
  /** Kinds of actors it serves. Default those of this release. */
  readonly registry?: Registry
}

/**
 * The node of one process. Ready when it is built: shards are held and every listener listens. Whoever runs it ends it when
 * its {@link ClusterLayer.Membership} says that it is excluded.
 */
export const layer = ({ config, ports, storageWaitMillis, registry = ownRegistry }: NodeOptions) =>
  Layer.unwrap(
    Effect.gen(function* () {
      // What the config names is read first: a wrong one stops the node before anything has started.
      const cluster = yield* makeCluster(config, ports, registry)
      const seams = yield* makeSeams(config, registry)
      const gateways = yield* Gateways.make(config, ports, registry)
      // From the outside in: each line is built after those below it, may use them, and ends before them.
      return listening.pipe(
        Layer.provideMerge(gateways),
        Layer.provideMerge(beginnings(registry, config)),
        Layer.provideMerge(started),
        Layer.provideMerge(NodeActors.layer(registry, config.shards.perGroup)),
        Layer.provideMerge(seams),
        Layer.provideMerge(events(config, registry)),
        Layer.provideMerge(Storage.layerReads),
        Layer.provideMerge(JournalHint.layer),
        Layer.provideMerge(cluster),
        Layer.provideMerge(Storage.layer(registry, storageWaitMillis)),
        Layer.provideMerge(ProcessHost.layer)
      )
    })
  )
