/** What a cell asks before it changes anything: may this node still act for its shards? */
import { Context, Effect, Layer } from "effect"
import type { ShardId } from "effect/cluster"
import { LockSession } from "./LockSession.ts"
import { NodeIdentity } from "./NodeIdentity.ts"
import { ShardLocks } from "./ShardLocks.ts"

/** The lease of this node. Plain calls, cheap enough for every frame. */
export class Lease extends Context.Service<
  Lease,
  {
    /** Name of this node and its incarnation. */
    readonly node: string
    /** The last heartbeat that succeeded on the session now open began less than 1.5 s ago. */
    readonly isFresh: () => boolean
    /** The session now open holds the lock of this shard. The engine's own view may be 2.5 s behind. */
    readonly holds: (shardId: ShardId.ShardId) => boolean
    /** Called at once when the lock session has died: whatever is resident may live elsewhere. For good. */
    readonly onSessionLost: (handler: () => void) => void
    /** Runs before a shard is given back, and is waited for. For good. */
    readonly onRelease: (handler: (shardId: ShardId.ShardId) => Effect.Effect<void>) => void
  }
>()("holon/runtime/Lease") {
  static readonly layer: Layer.Layer<Lease, never, LockSession | ShardLocks | NodeIdentity> = Layer.effect(
    Lease,
    Effect.gen(function* () {
      const lock = yield* LockSession
      const locks = yield* ShardLocks
      const { node } = yield* NodeIdentity
      return Lease.of({
        node,
        isFresh: lock.isFresh,
        holds: locks.holds,
        onSessionLost: lock.onLost,
        onRelease: locks.onRelease
      })
    })
  )
}
