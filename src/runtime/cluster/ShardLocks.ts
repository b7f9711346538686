/** The shard locks of this node: advisory locks of the lock session, and what is known about them here. */

import { createHash } from "node:crypto"
import { Context, Effect, Fiber, Layer, Option, Schema, Semaphore } from "effect"
import { ShardId } from "effect/cluster"
import type { SqlError } from "effect/sql"
import { LockSession, type Session } from "./LockSession.ts"
import { lockExpirationMillis, lockRefreshMillis } from "./MembershipTiming.ts"
import { Monotonic } from "./Monotonic.ts"

/** PostgreSQL did not say for too long which locks the session holds. Transient: the node gives its shards up. */
export class LocksUnknown extends Schema.TaggedError<LocksUnknown>()("LocksUnknown", {
  silenceMillis: Schema.Finite
}) {}

/** Which shards are to be locked, and under which prefix. A cluster keeps both for ever. */
export interface ShardLocksOptions {
  readonly prefix: string
  readonly groups: ReadonlyArray<string>
  readonly shardsPerGroup: number
}

/** The lock of a shard: the first eight bytes of a digest, so that prefixes and groups never meet by counting. */
const lockKey = (prefix: string, shardId: ShardId.ShardId): bigint =>
  createHash("sha256").update(`holon shard\0${prefix}\0${shardId}`).digest().readBigInt64BE(0)

/** Answers later than this come from memory: a refresh that waits longer makes the engine give up every shard. */
const answerMillis = 1500
/** A lock that nobody has asked about for two refreshes is wanted by nobody. */
const strayMillis = 2 * lockRefreshMillis + 500

const Keys = Schema.Array(Schema.Struct({ key: Schema.BigInt }))
const decodeKeys = Schema.decodeUnknownSync(Keys)

const tryLockSql = `select key from unnest($1::int8[]) as key where pg_try_advisory_lock(key)`
const unlockSql = `select count(pg_advisory_unlock(key)) from unnest($1::int8[]) as key`
const heldSql = `select (classid::int8 << 32) | objid::int8 as key from pg_locks
  where locktype = 'advisory' and objsubid = 1 and granted and pid = pg_backend_pid()`

/** See the file. Each operation runs to its end on the session, whatever becomes of its caller. */
export class ShardLocks extends Context.Service<
  ShardLocks,
  {
    /** Whether the session now open holds this shard. */
    readonly holds: (shardId: ShardId.ShardId) => boolean
    /** Locks what is free; answers those of `shardIds` that are held now. */
    readonly acquire: (
      shardIds: ReadonlyArray<ShardId.ShardId>
    ) => Effect.Effect<Array<ShardId.ShardId>, SqlError.SqlError>
    /**
     * Answers those of `shardIds` that the session really holds, and releases what it holds and nobody wants. While
     * PostgreSQL is silent the answer is what was held last; after `lockExpirationMillis` fails with {@link LocksUnknown}.
     */
    readonly refresh: (
      shardIds: ReadonlyArray<ShardId.ShardId>
    ) => Effect.Effect<Array<ShardId.ShardId>, SqlError.SqlError | LocksUnknown>
    /** Unlocks now, or as soon as PostgreSQL answers again: a node that stops does not wait for that. */
    readonly release: (shardIds: ReadonlyArray<ShardId.ShardId>) => Effect.Effect<void, SqlError.SqlError>
    readonly releaseAll: Effect.Effect<void, SqlError.SqlError>
    /** Runs before a shard is given back, and is waited for: who lives there ends what it has begun. For good. */
    readonly onRelease: (handler: (shardId: ShardId.ShardId) => Effect.Effect<void>) => void
  }
>()("holon/runtime/ShardLocks") {
  static readonly layer = (options: ShardLocksOptions): Layer.Layer<ShardLocks, never, LockSession> =>
    Layer.effect(ShardLocks, make(options))
}

const make = ({ prefix, groups, shardsPerGroup }: ShardLocksOptions) =>
  Effect.gen(function* () {
    const lock = yield* LockSession
    const monotonic = yield* Monotonic
    const scope = yield* Effect.scope
    const keys = new Map<ShardId.ShardId, bigint>()
    const shards = new Map<bigint, ShardId.ShardId>()
    for (const group of groups) {
      for (let id = 1; id <= shardsPerGroup; id++) {
        const shardId = ShardId.make(group, id)
        const key = lockKey(prefix, shardId)
        const twin = shards.get(key)
        if (twin !== undefined) return yield* Effect.die(new Error(`shards ${twin} and ${shardId} share a lock`))
        keys.set(shardId, key)
        shards.set(key, shardId)
      }
    }
    const keysOf = (shardIds: Iterable<ShardId.ShardId>): Array<bigint> =>
      Array.from(shardIds, (shardId) => keys.get(shardId)).filter((key) => key !== undefined)

    /** Locks of the session now open. */
    const held = new Set<ShardId.ShardId>()
    /** Given to the engine and not taken back; a new session locks them again where nobody else did. */
    const wanted = new Set<ShardId.ShardId>()
    const releaseHandlers: Array<(shardId: ShardId.ShardId) => Effect.Effect<void>> = []
    const mentionedAt = new Map<ShardId.ShardId, number>()
    const turn = Semaphore.makeUnsafe(1).withPermits(1)

    const inOrder = <A>(work: (session: Session) => Effect.Effect<A, SqlError.SqlError>) => turn(lock.run(work))
    /** Goes on without its caller: what the database did must be noted here. */
    const detached = <A, E>(effect: Effect.Effect<A, E>): Effect.Effect<A, E> =>
      Effect.flatMap(
        Effect.forkIn(Effect.interruptible(effect), scope, { startImmediately: true }),
        // Also a finalizer may give up waiting.
        (fiber) => Effect.interruptible(Fiber.join(fiber))
      )

    const tryLock = (session: Session, shardIds: Iterable<ShardId.ShardId>) =>
      Effect.map(session.connection.query(tryLockSql, [keysOf(shardIds)]), ({ rows }) => {
        for (const { key } of decodeKeys(rows)) {
          const shardId = shards.get(key)
          if (shardId !== undefined) held.add(shardId)
        }
      })
    const unlock = (session: Session, shardIds: ReadonlyArray<ShardId.ShardId>) =>
      Effect.map(session.connection.query(unlockSql, [keysOf(shardIds)]), () => {
        for (const shardId of shardIds) held.delete(shardId)
      })
    const compare = (session: Session) =>
      Effect.gen(function* () {
        const { rows } = yield* session.connection.query(heldSql)
        held.clear()
        for (const { key } of decodeKeys(rows)) {
          const shardId = shards.get(key)
          if (shardId !== undefined) held.add(shardId)
        }
        const before = monotonic() - strayMillis
        const stray = [...held].filter((shardId) => (mentionedAt.get(shardId) ?? Number.NEGATIVE_INFINITY) < before)
        if (stray.length === 0) return
        for (const shardId of stray) wanted.delete(shardId)
        yield* unlock(session, stray)
      })
    const mention = (shardIds: Iterable<ShardId.ShardId>) => {
      const now = monotonic()
      for (const shardId of shardIds) mentionedAt.set(shardId, now)
    }

    lock.onLost(() => held.clear())
    lock.onOpen((session) => {
      held.clear()
      return wanted.size === 0 || !lock.serves() ? Effect.void : tryLock(session, wanted)
    })

    return ShardLocks.of({
      holds: (shardId) => lock.current() !== undefined && held.has(shardId),
      acquire: (shardIds) =>
        detached(
          inOrder((session) => {
            mention(shardIds)
            return tryLock(
              session,
              // A second lock of the same key would need a second unlock.
              shardIds.filter((shardId) => !held.has(shardId))
            )
          })
        ).pipe(
          Effect.map(() => {
            const acquired = shardIds.filter((shardId) => held.has(shardId))
            for (const shardId of acquired) wanted.add(shardId)
            return acquired
          })
        ),
      refresh: (shardIds) =>
        Effect.gen(function* () {
          mention(shardIds)
          const answer = yield* Effect.timeoutOption(detached(inOrder(compare)), answerMillis)
          if (Option.isSome(answer)) return shardIds.filter((shardId) => held.has(shardId))
          const silenceMillis = lock.silence()
          if (silenceMillis > lockExpirationMillis) return yield* new LocksUnknown({ silenceMillis })
          const last = lock.current() === undefined ? wanted : held
          return shardIds.filter((shardId) => last.has(shardId))
        }),
      release: (shardIds) =>
        Effect.gen(function* () {
          for (const handler of releaseHandlers)
            yield* Effect.forEach(shardIds, handler, { discard: true, concurrency: "unbounded" })
          for (const shardId of shardIds) wanted.delete(shardId)
          if (lock.current() === undefined) return
          const unlocked = detached(
            inOrder((session) =>
              unlock(
                session,
                shardIds.filter((shardId) => held.has(shardId))
              )
            )
          )
          yield* Effect.timeoutOption(unlocked, answerMillis)
        }),
      onRelease: (handler) => void releaseHandlers.push(handler),
      releaseAll: Effect.suspend(() => {
        wanted.clear()
        if (lock.current() === undefined) return Effect.void
        return detached(
          inOrder((session) =>
            Effect.map(session.connection.query("select pg_advisory_unlock_all()"), () => held.clear())
          )
        )
      })
    })
  })
