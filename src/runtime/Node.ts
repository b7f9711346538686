/** One node of the runtime, whole: storage, membership, actors, gateways. Built as one layer, taken down with its scope. */
import { PgClient } from "@effect/sql-pg"
import { Effect, Layer, Schedule, Schema } from "effect"
import { Reactivity } from "effect/reactivity"
import * as Actors from "../actors/Actors.ts"
import * as Engine from "../actors/Engine.ts"
import { NodePorts } from "../actors/NodePorts.ts"
import * as Gatekeeper from "../gateways/http/Gatekeeper.ts"
import { Health } from "../gateways/http/Health.ts"
import * as HttpGateway from "../gateways/http/HttpGateway.ts"
import { Members } from "../gateways/http/Operations.ts"
import * as Operations from "../gateways/http/Operations.ts"
import { Unavailable } from "../protocol/Errors.ts"
import { layerAttacher } from "./Attaching.ts"
import type { ClusterConfig, NodePorts as Ports } from "./Config.ts"
import * as ClusterLayer from "./cluster/ClusterLayer.ts"
import { Lease } from "./cluster/Lease.ts"
import { RelaySocket } from "./cluster/RelaySocket.ts"
import { routeBy } from "./cluster/Route.ts"
import * as BoardGateways from "./BoardGateways.ts"
import { ProcessHost } from "./ProcessHost.ts"
import { registry } from "./Registry.ts"
import { keepPartitions, makePartitions } from "./storage/JournalPartitions.ts"
import { migrate } from "./storage/Migrations.ts"
import { layerPgActorRecords } from "./storage/PgActorRecords.ts"
import { PgStore } from "./storage/PgStore.ts"
import { PostgresUrl } from "./storage/PostgresUrl.ts"
import { ensureToken } from "./Token.ts"

/** Days a journal partition is kept. */
const journalDays = 30
const idleMillis = 60_000
const queryConnections = 4
const connectRetryMillis = 500
const connectMillisMax = 30_000
const storeCheckMillis = 2_000
const readyPollMillis = 20

/** PostgreSQL did not answer at the start. The node gives up after half a minute of trying. */
export class StorageUnreachable extends Schema.TaggedError<StorageUnreachable>()("StorageUnreachable", {
  reason: Schema.String
}) {
  override get message() {
    return `PostgreSQL does not answer (${this.reason}); check that it runs and that the URL is right`
  }
}

/** The client for everything but the hot path. Tries for a while: at the start of a machine everything starts at once. */
const client = Layer.unwrap(
  Effect.gen(function* () {
    const url = yield* PostgresUrl
    const layer = PgClient.layer({ url, maxConnections: queryConnections, applicationName: "holon" })
    const reach = Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      yield* sql`select 1`
    }).pipe(Effect.provide(layer))
    yield* reach.pipe(
      Effect.tapError((error) => Effect.logWarning(`PostgreSQL does not answer yet, trying again: ${error.message}`)),
      Effect.retry({ schedule: Schedule.spaced(connectRetryMillis), while: () => true, times: connectMillisMax / connectRetryMillis }),
      Effect.mapError((error) => new StorageUnreachable({ reason: error.message }))
    )
    return layer
  })
).pipe(Layer.provide(Reactivity.layer))

const storage = Layer.effectDiscard(
  Effect.gen(function* () {
    yield* migrate()
    yield* makePartitions
    yield* Effect.forkScoped(keepPartitions({ eventDays: journalDays }))
  })
).pipe(Layer.provideMerge(client))

const ports = (shardsPerGroup: number) =>
  Layer.effect(
    NodePorts,
    Effect.gen(function* () {
      const host = yield* ProcessHost
      const lease = yield* Lease
      const { transport } = yield* RelaySocket
      const store = yield* PgStore.make({ url: yield* PostgresUrl, host })
      const { node, isFresh, onSessionLost } = lease
      return NodePorts.of({ node, host, store, transport, isFresh, onSessionLost, shardsPerGroup, idleMillis })
    })
  )

const members = Layer.effect(
  Members,
  Effect.gen(function* () {
    const membership = yield* ClusterLayer.Membership
    const list = membership.nodes.pipe(
      Effect.map((nodes) =>
        nodes.map(({ node, address, healthy, ready, heartbeatAgeMillis, shards, startedAt }) => ({
          node,
          address,
          isHealthy: healthy,
          isReady: ready,
          heartbeatAgeMillis,
          shards,
          startedAt: startedAt.getTime()
        }))
      ),
      Effect.mapError((error) => new Unavailable({ cause: `the store does not answer (${error.message})` }))
    )
    return Members.of({ list })
  })
)

const health = Layer.effect(
  Health,
  Effect.gen(function* () {
    const membership = yield* ClusterLayer.Membership
    const lease = yield* Lease
    const engine = yield* Engine.Engine
    const sql = yield* PgClient.PgClient
    const report = Effect.gen(function* () {
      const isStoreReachable = yield* sql`select 1`.pipe(
        Effect.timeout(storeCheckMillis),
        Effect.match({ onFailure: () => false, onSuccess: () => true })
      )
      const shards = engine.shards().length
      const isLeaseFresh = lease.isFresh()
      const isReady = isStoreReachable && isLeaseFresh && shards > 0 && membership.isReady()
      const status: "ready" | "not ready" = isReady ? "ready" : "not ready"
      return { status, node: lease.node, shards, isStoreReachable, isLeaseFresh, durability: membership.durability }
    })
    return Health.of({ report })
  })
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

/** Another process took this address over: this one must end. */
const endWhenSuperseded = Layer.effectDiscard(
  Effect.gen(function* () {
    const lease = yield* Lease
    yield* lease.superseded.pipe(Effect.flatMap(Effect.die), Effect.forkScoped)
  })
)

export interface NodeOptions {
  readonly config: ClusterConfig
  readonly ports: Ports
}

/** The node of one process. Ready when it is built: shards are held and every listener listens. */
export const layer = ({ config, ports: { http, mqtt, runner, relay } }: NodeOptions) => {
  const shardsPerGroup = config.shards.perGroup
  const cluster = ClusterLayer.layer({
    host: config.peers.host,
    port: runner,
    relayPort: relay,
    shardsPerGroup,
    route: routeBy(config.peers.via)
  })
  const actors = Actors.layer.pipe(
    Layer.provideMerge(Engine.layer(registry)),
    Layer.provideMerge(ports(shardsPerGroup))
  )
  const gatekeeper = Layer.unwrap(
    Effect.map(ensureToken(config.data), (token) =>
      Gatekeeper.layer({
        operators: new Map([...Object.entries(config.tokens.operators), ["local", token]]),
        isOpen: config.http.tls === undefined
      })
    )
  )
  const operations = Operations.layer.pipe(Layer.provide([members, layerPgActorRecords]))
  const boards = BoardGateways.layer(config, mqtt).pipe(Layer.provideMerge(layerAttacher))
  return BoardGateways.layerLeaving.pipe(
    Layer.provideMerge(HttpGateway.layer(registry, { host: config.http.host, port: http })),
    Layer.provideMerge(boards),
    Layer.provide([operations, health, gatekeeper]),
    Layer.provideMerge(started),
    Layer.provideMerge(actors),
    Layer.provideMerge(endWhenSuperseded),
    Layer.provideMerge(cluster),
    Layer.provideMerge(storage),
    Layer.provideMerge(ProcessHost.layer)
  )
}
