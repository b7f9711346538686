/** The actors of a node: the engine that places them, what it asks of the node, and what counts and carries for them. */
import { Context, Effect, Layer } from "effect"
import * as Actors from "../actors/Actors.ts"
import * as Engine from "../actors/Engine.ts"
import { NodePorts } from "../actors/NodePorts.ts"
import type { Registry } from "../actors/Registry.ts"
import * as WayToActors from "../actors/WayToActors.ts"
import { JournalHint } from "../events/JournalHint.ts"
import * as ClusterLayer from "./cluster/ClusterLayer.ts"
import { Lease } from "./cluster/Lease.ts"
import { RelaySocket } from "./cluster/RelaySocket.ts"
import * as Metrics from "./Metrics.ts"
import * as NodeWatch from "./NodeWatch.ts"
import * as Outlets from "./Outlets.ts"
import { ProcessHost } from "./ProcessHost.ts"
import { PgStore } from "./storage/PgStore.ts"
import { PostgresUrl } from "./storage/PostgresUrl.ts"
import { counted, NodeWork, Workload } from "./Workload.ts"

/** An actor that nobody asks for so long leaves memory. */
const idleMillis = 60_000

const ports = (shardsPerGroup: number, counts: Metrics.StoreCounts) =>
  Layer.effectContext(
    Effect.gen(function* () {
      const host = yield* ProcessHost
      const lease = yield* Lease
      const { agreement } = yield* ClusterLayer.Membership
      const { transport } = yield* RelaySocket
      const { journalled } = yield* JournalHint
      const stored = yield* PgStore.make({ url: yield* PostgresUrl, host, journalled })
      const workload = new Workload(host.now)
      const store = Metrics.counted(counted(stored, workload), counts)
      const { node, isFresh, onSessionLost } = lease
      const onRelease = (handler: (shard: number) => Effect.Effect<void>) => lease.onRelease(({ id }) => handler(id))
      const given = NodePorts.of({
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
      return Context.make(NodePorts, given).pipe(Context.add(NodeWork, { workload, trial: stored.check }))
    })
  )

/** Built when the engine runs; the shards of this node come a moment later. */
export const layer = (registry: Registry, shardsPerGroup: number) =>
  Layer.unwrap(
    Effect.sync(() => {
      const counts = Metrics.noCounts()
      return Layer.merge(NodeWatch.layer, WayToActors.layerOpening).pipe(
        Layer.provideMerge(Layer.mergeAll(Actors.layer, Metrics.layer(counts), Outlets.layerCarrying)),
        Layer.provideMerge(Engine.layer(registry)),
        Layer.provideMerge(ports(shardsPerGroup, counts))
      )
    })
  )
