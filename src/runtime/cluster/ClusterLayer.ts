/** Membership of a node: everything between PostgreSQL and the engine's `Sharding`, in one layer. */

import { PgClient } from "@effect/sql-pg"
import { Context, Deferred, Effect, Layer, Option, Schedule, Schema } from "effect"
import { MessageStorage, RunnerAddress, Sharding, ShardingConfig, SocketRunner } from "effect/cluster"
import { Reactivity } from "effect/reactivity"
import { RpcSerialization } from "effect/rpc"
import type { SqlError } from "effect/sql"
import type { Agreement, Vocabulary } from "../../actors/Agreement.ts"
import { Vitals } from "../../protocol/vsm/Vitals.ts"
import { isLoopback } from "../Binds.ts"
import { type FormatUnknown, followFormats, joinFormats, type PlacementChanged, settle } from "./ClusterSetting.ts"
import { type Durability, durability, type PoolingProxy, refuseProxy } from "./DatabaseCheck.ts"
import { Lease } from "./Lease.ts"
import { type AddressTaken, LockSession } from "./LockSession.ts"
import { assignmentsMillis, heartbeatMillis, lockExpirationMillis, lockRefreshMillis } from "./MembershipTiming.ts"
import { heldBackBy } from "./MemberVocabularies.ts"
import { NodeIdentity } from "./NodeIdentity.ts"
import { createTables, type NodeRow, type NodeStatus, NodeTable } from "./NodeTable.ts"
import type { PortTaken } from "./PortTaken.ts"
import { RelaySocket } from "./RelaySocket.ts"
import { type Route, routeBy } from "./Route.ts"
import * as RunnerSockets from "./RunnerSockets.ts"
import * as RunnerStorageSql from "./RunnerStorageSql.ts"
import { ShardLocks } from "./ShardLocks.ts"
import { Standing } from "./Standing.ts"
import type { TlsIdentity } from "./TlsIdentity.ts"
import * as Verdict from "./Verdict.ts"

/** The sockets between nodes trust who connects, so others than this machine may only do so with TLS. Permanent. */
export class UnprotectedAddress extends Schema.TaggedError<UnprotectedAddress>()("UnprotectedAddress", {
  host: Schema.String
}) {
  override get message() {
    return `nodes may meet on ${this.host} only with TLS; use a loopback address or configure the cluster's certificates`
  }
}

/** Why a node does not become a member. All but `SqlError` and `AddressTaken` stay until somebody changes something. */
export type ClusterStartError =
  | AddressTaken
  | FormatUnknown
  | PlacementChanged
  | PoolingProxy
  | PortTaken
  | SqlError.SqlError
  | UnprotectedAddress

/** What a node brings to its cluster. */
export interface ClusterOptions {
  /** Where peers reach this node; it listens there too. */
  readonly host: string
  readonly port: number
  readonly relayPort: number
  /** Default 64. For ever: stored at the first start. */
  readonly shardsPerGroup?: number
  /** Default `["default"]`. For ever. */
  readonly groups?: ReadonlyArray<string>
  /** Tells clusters in one database apart. Default `holon`. For ever. */
  readonly lockPrefix?: string
  /** What this release knows. Default nothing. */
  readonly vocabulary?: Vocabulary
  /** Default none: loopback only. */
  readonly tls?: TlsIdentity
  /** Default: peers are dialled where they say they are. */
  readonly route?: Route
}

/** What the rest of a node asks about its membership. */
export class Membership extends Context.Service<
  Membership,
  {
    /** What an acknowledgement is worth, for `/health`. */
    readonly durability: Durability
    /** What this node has in common with the other members. */
    readonly agreement: Agreement
    /** Every node known, for `holon nodes ls`. */
    readonly nodes: Effect.Effect<ReadonlyArray<NodeStatus>, SqlError.SqlError>
    /** The node has started (or is draining): one of the conditions of {@link isReady}. */
    readonly setStarted: (isStarted: boolean) => void
    /** Fails when this process can be a member no more, for good: it must end, so that others serve its actors. */
    readonly excluded: Effect.Effect<never, AddressTaken | FormatUnknown>
    /** Started, with a fresh lease, and every healthy peer can be reached: boards may come here. */
    readonly isReady: () => boolean
    /** What each heartbeat says of the node's work, for its peers to judge. */
    readonly setVitals: (vitals: () => Vitals) => void
    /**
     * A healthy peer has not been reached for longer than a lease, or this node is out of service, and another node is ready: boards
     * are better off there.
     */
    readonly isCutOff: () => boolean
  }
>()("holon/runtime/Membership") {}

const formatMillis = 5000
const encodeVitals = Schema.encodeSync(Schema.fromJsonString(Vitals))

const layerMembership = (vocabulary: Vocabulary, durability: Durability) =>
  Layer.effect(
    Membership,
    Effect.gen(function* () {
      const table = yield* NodeTable
      const lock = yield* LockSession
      const relay = yield* RelaySocket
      const { node } = yield* NodeIdentity
      const isElsewhere = (row: NodeRow) => row.node !== node && row.healthy && row.serves && row.ready
      let isStarted = false
      let formats = yield* joinFormats(vocabulary)
      const isReady = () => isStarted && lock.isFresh() && relay.unreachable().length === 0
      yield* Effect.sync(() => lock.setReady(isReady())).pipe(
        Effect.repeat(Schedule.spaced(heartbeatMillis)),
        Effect.forkScoped
      )
      // A node that was frozen while the others moved on.
      const outgrown = Deferred.makeUnsafe<never, FormatUnknown>()
      yield* followFormats(vocabulary).pipe(
        Effect.tapErrorTag("FormatUnknown", (error) => Deferred.fail(outgrown, error)),
        Effect.tap((inForce) =>
          Effect.sync(() => {
            formats = inForce
          })
        ),
        Effect.ignore,
        Effect.repeat(Schedule.spaced(formatMillis)),
        Effect.forkScoped
      )
      return Membership.of({
        durability,
        agreement: {
          heldBack: heldBackBy(vocabulary, table.cached),
          formatOf: (kind) => formats.get(kind) ?? 1
        },
        nodes: table.list,
        excluded: Effect.raceFirst(Effect.flatMap(lock.superseded, Effect.fail), Deferred.await(outgrown)),
        setStarted: (value) => {
          isStarted = value
        },
        isReady,
        setVitals: (vitals) => lock.setVitals(() => encodeVitals(vitals())),
        isCutOff: () => (relay.unreachable().length > 0 || !lock.serves()) && table.cached().some(isElsewhere)
      })
    })
  )

/** The engine learns of a lost lock at its next refresh; this node knows it at once. */
const layerHonestSharding = Layer.effect(
  Sharding.Sharding,
  Effect.gen(function* () {
    const sharding = yield* Sharding.Sharding
    const locks = yield* ShardLocks
    return Sharding.Sharding.of({
      ...sharding,
      hasShardId: (shardId) => sharding.hasShardId(shardId) && locks.holds(shardId)
    })
  })
)

const build = (options: ClusterOptions) =>
  Effect.gen(function* () {
    const {
      host,
      port,
      relayPort,
      tls,
      route = routeBy({}),
      lockPrefix = "holon",
      shardsPerGroup = 64,
      groups = ["default"],
      vocabulary = {}
    } = options
    if (tls === undefined && !isLoopback(host)) return yield* new UnprotectedAddress({ host })
    yield* refuseProxy
    yield* createTables
    yield* settle({ shardsPerGroup, groups, lockPrefix })
    const worth = yield* durability

    const { config } = yield* PgClient.PgClient
    const pool = PgClient.layer({
      ...config,
      minConnections: 0,
      maxConnections: 2,
      // Only so is a statement given up at once when PostgreSQL is silent and the node stops.
      multiplex: true,
      applicationName: "holon membership"
    })
    const known = Layer.mergeAll(NodeTable.layer, LockSession.layer).pipe(
      Layer.provideMerge(Layer.merge(NodeIdentity.layer({ host, port, relayPort, vocabulary }), pool))
    )
    const judged = Layer.mergeAll(
      ShardLocks.layer({ prefix: lockPrefix, groups, shardsPerGroup }),
      Verdict.Verdict.layer,
      Standing.layer,
      RelaySocket.layer({ listenHost: host, tls, route })
    ).pipe(Layer.provideMerge(known))
    const engine = SocketRunner.layer.pipe(
      Layer.provide(RunnerStorageSql.layer),
      Layer.provide(Verdict.layerHealth),
      Layer.provide(RunnerSockets.layerProtocol(tls, route)),
      Layer.provide(RunnerSockets.layerServer({ host, port, tls })),
      Layer.provide(MessageStorage.layerNoop),
      Layer.provide(RpcSerialization.layerSchemaBinary()),
      Layer.provide(
        ShardingConfig.layer({
          runnerAddress: Option.some(RunnerAddress.make(host, port)),
          availableShardGroups: groups,
          assignedShardGroups: groups,
          shardsPerGroup,
          shardLockExpiration: lockExpirationMillis,
          shardLockRefreshInterval: lockRefreshMillis,
          refreshAssignmentsInterval: assignmentsMillis,
          runnerJoinDebounce: "2 seconds",
          runnerHealthCheckInterval: "2 seconds",
          // Without message storage it only paces the loop that takes and gives back shards.
          entityMessagePollInterval: "1 second",
          sendRetryInterval: 50,
          maxResidentEntities: "unbounded",
          simulateRemoteSerialization: false
        })
      )
    )
    return Layer.mergeAll(
      layerHonestSharding.pipe(Layer.provide(engine)),
      Lease.layer,
      layerMembership(vocabulary, worth)
    ).pipe(Layer.provideMerge(judged))
  })

/**
 * Makes this process a member: checks the database, takes the address, opens the lock session, joins. `PgClient` is the
 * client of the node; membership opens a small pool and the lock session of its own with the same settings.
 */
export const layer = (
  options: ClusterOptions
): Layer.Layer<
  Sharding.Sharding | Lease | Membership | NodeTable | RelaySocket | Standing,
  ClusterStartError,
  PgClient.PgClient
> => Layer.unwrap(build(options)).pipe(Layer.provide(Reactivity.layer))
