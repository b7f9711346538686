/** What a node tells of itself and of the cluster: health for load balancers, the list of members for operators. */
import { PgClient } from "@effect/sql-pg"
import { Effect, Layer } from "effect"
import type { SqlError } from "effect/sql"
import { Engine } from "../actors/Engine.ts"
import { Health } from "../gateways/http/Health.ts"
import { Members } from "../gateways/http/Operations.ts"
import { NotFound, Unavailable } from "../protocol/Errors.ts"
import { Membership } from "./cluster/ClusterLayer.ts"
import { Lease } from "./cluster/Lease.ts"
import { Standing } from "./cluster/Standing.ts"
import { sqlReason } from "./storage/SqlReason.ts"

/** A store that needs longer to say 1 does not answer. */
const storeCheckMillis = 2000

/** Members from the table of nodes, and who of them serves. */
export const layerMembers = Layer.effect(
  Members,
  Effect.gen(function* () {
    const membership = yield* Membership
    const standings = yield* Standing
    const outage = (error: SqlError.SqlError) =>
      new Unavailable({ cause: `the store does not answer (${sqlReason(error)})` })
    const list = membership.nodes.pipe(
      Effect.map((nodes) =>
        nodes.map(({ node, address, healthy, ready, heartbeatAgeMillis, shards, startedAt, standing, why }) => ({
          node,
          address,
          isHealthy: healthy,
          isReady: ready,
          heartbeatAgeMillis,
          shards,
          startedAt: startedAt.getTime(),
          standing,
          why
        }))
      ),
      Effect.mapError(outage)
    )
    const lineOf = (address: string) =>
      Effect.flatMap(list, (nodes) => {
        const line = nodes.find((node) => node.address === address)
        return line === undefined ? Effect.fail(new NotFound({ what: `node ${address}` })) : Effect.succeed(line)
      })
    return Members.of({
      list,
      exclude: ({ address, reason = "", belowQuorum = false }, by) =>
        standings.exclude({ address, reason, by, isBelowQuorum: belowQuorum }).pipe(
          Effect.catchTag("SqlError", (error) => Effect.fail(outage(error))),
          Effect.andThen(lineOf(address))
        ),
      readmit: (address, by) =>
        standings.readmit(address, by).pipe(
          Effect.catchTag("SqlError", (error) => Effect.fail(outage(error))),
          Effect.andThen(lineOf(address))
        )
    })
  })
)

/** Ready: the store answers, the lease is fresh, shards are held, every healthy peer is reached. */
export const layerHealth = Layer.effect(
  Health,
  Effect.gen(function* () {
    const membership = yield* Membership
    const lease = yield* Lease
    const engine = yield* Engine
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
