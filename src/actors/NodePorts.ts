/** What a node's process gives to the actor layer: its name, time, the store, the channel to other nodes, and its lease. */
import { Context, type Effect } from "effect"
import type { Agreement } from "./Agreement.ts"
import type { Host } from "./Host.ts"
import type { RelayTransport } from "./Relay.ts"
import type { Store } from "./Store.ts"

/** All callbacks run on the host. */
export class NodePorts extends Context.Service<
  NodePorts,
  {
    /** Name of the node and its incarnation: owner of rows, end of links. */
    readonly node: string
    readonly host: Host
    readonly store: Store
    /** What this node has in common with the other members. */
    readonly agreement: Agreement
    readonly transport: RelayTransport
    /** Whether the last heartbeat on the lock session that is open now began a short while ago. */
    readonly isFresh: () => boolean
    /** The lock session has died: whatever is resident may live elsewhere. */
    readonly onSessionLost: (handler: () => void) => void
    /** Runs before this node gives a shard to another, and is waited for. */
    readonly onRelease: (handler: (shard: number) => Effect.Effect<void>) => void
    /** Shards of the one shard group, numbered from 1. */
    readonly shardsPerGroup: number
    /** An actor that nobody has used for this long is passivated, ms. */
    readonly idleMillis: number
  }
>()("holon/actors/NodePorts") {}
