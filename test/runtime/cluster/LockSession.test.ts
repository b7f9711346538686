import { PgClient } from "@effect/sql-pg"
import { assert, layer } from "@effect/vitest"
import { Context, Deferred, Effect, Fiber, Layer, Schedule } from "effect"
import { ShardId } from "effect/cluster"
import { AddressTaken, LockSession } from "../../../src/runtime/cluster/LockSession.ts"
import { Monotonic } from "../../../src/runtime/cluster/Monotonic.ts"
import { NodeIdentity } from "../../../src/runtime/cluster/NodeIdentity.ts"
import { createTables } from "../../../src/runtime/cluster/NodeTable.ts"
import { ShardLocks } from "../../../src/runtime/cluster/ShardLocks.ts"
import { Postgres } from "../../support/Postgres.ts"

/** A clock that a test can put forward. */
class Jumps extends Context.Service<Jumps, { readonly jump: (millis: number) => void }>()("test/Jumps") {
  static readonly layer = Layer.effectContext(
    Effect.sync(() => {
      let ahead = 0
      return Context.make(Jumps, {
        jump: (millis) => {
          ahead += millis
        }
      }).pipe(Context.add(Monotonic, () => performance.now() + ahead))
    })
  )
}

const identity = NodeIdentity.layer({
  host: "127.0.0.1",
  port: 7710,
  relayPort: 7730,
  vocabulary: {}
})
const one = ShardId.make("default", 1)
const two = ShardId.make("default", 2)
const shards = [one, two, ShardId.make("default", 3)]
const node = ShardLocks.layer({ prefix: "test", groups: ["default"], shardsPerGroup: 3 }).pipe(
  Layer.provideMerge(LockSession.layer),
  Layer.provideMerge(identity)
)
const database = Layer.effectDiscard(createTables).pipe(Layer.provideMerge(Postgres.client(3)))
const locked = Effect.gen(function* () {
  const sql = yield* PgClient.PgClient
  const rows = yield* sql<{ readonly pid: number }>`
    select l.pid from pg_locks l join pg_database d on d.oid = l.database
    where d.datname = current_database() and l.locktype = 'advisory' and l.objsubid = 1`
  return rows.map(({ pid }) => pid)
})

layer(Postgres.layer(), { timeout: "30 seconds", excludeTestServices: true })("LockSession", (it) => {
  it.effect("loses its lease at once when it is ended, and locks again what nobody took meanwhile", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const lock = yield* LockSession
      const locks = yield* ShardLocks
      assert.deepStrictEqual(yield* locks.acquire(shards), shards)
      const [pid = 0] = yield* locked
      const lost = Deferred.makeUnsafe<boolean>()
      lock.onLost(() => Deferred.doneUnsafe(lost, Effect.succeed(lock.isFresh() || locks.holds(one))))

      yield* sql`select pg_terminate_backend(${pid})`
      assert.isFalse(yield* Deferred.await(lost), "nothing may be served in the turn in which the session died")

      assert.deepStrictEqual(yield* locks.refresh(shards), shards)
      assert.isTrue(lock.isFresh())
      const pids = yield* locked
      assert.strictEqual(pids.length, 3)
      assert.notInclude(pids, pid)
    }).pipe(Effect.provide(node.pipe(Layer.provideMerge(database))))
  )

  it.effect("leaves to others what they took while it was away", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const lock = yield* LockSession
      const locks = yield* ShardLocks
      yield* locks.acquire(shards)
      const [pid = 0] = yield* locked
      const lost = Deferred.makeUnsafe<void>()
      lock.onLost(() => Deferred.doneUnsafe(lost, Effect.void))
      // Both wait for the key of the first shard, and this one asked first.
      const taken = yield* Effect.forkChild(
        sql.withTransaction(
          Effect.andThen(
            sql`select pg_advisory_xact_lock((classid::int8 << 32) | objid::int8) from pg_locks
              where locktype = 'advisory' and objsubid = 1 and pid = ${pid} order by random() limit 1`,
            Effect.never
          )
        ),
        { startImmediately: true }
      )
      yield* Effect.repeat(
        sql<{
          readonly n: number
        }>`select count(*)::int as n from pg_locks where locktype = 'advisory' and not granted`,
        { until: ([row]) => row?.n === 1 }
      )
      yield* sql`select pg_terminate_backend(${pid})`
      yield* Deferred.await(lost)
      const kept = yield* locks.refresh(shards)
      assert.strictEqual(kept.length, 2)
      assert.deepStrictEqual(
        shards.filter((shard) => locks.holds(shard)),
        kept
      )
      taken.interruptUnsafe()
    }).pipe(Effect.provide(node.pipe(Layer.provideMerge(database))))
  )

  it.effect(
    "has no lease while its node is out of service, and locks nothing again, but for where nobody else serves",
    () =>
      Effect.gen(function* () {
        const sql = yield* PgClient.PgClient
        const lock = yield* LockSession
        const locks = yield* ShardLocks
        yield* locks.acquire(shards)
        const [pid = 0] = yield* locked
        const stand = (standing: string) =>
          sql`update cluster_node set standing = ${standing} where address = '127.0.0.1:7710'`
        const until = (isSo: () => boolean) =>
          Effect.sync(isSo).pipe(Effect.repeat({ until: (so) => so, schedule: Schedule.spaced("20 millis") }))
        yield* stand("quarantined")
        yield* lock.announce({})
        assert.isTrue(lock.isFresh(), "nobody else serves")
        yield* sql`insert into cluster_node (address, node, incarnation, healthy, ready, backend_pid, session, last_heartbeat,
        beats, relay_host, relay_port, started_at) values ('other', 'n-other', '1', true, true, 0, '', now(), array[now()], '', 0,
        now())`
        yield* until(() => !lock.isFresh())
        yield* sql`select pg_terminate_backend(${pid})`
        yield* until(() => !locks.holds(one))
        yield* lock.announce({})
        assert.deepStrictEqual(yield* locked, [], "a new session locks nothing")
        yield* stand("serving")
        yield* until(() => lock.isFresh())
      }).pipe(Effect.provide(node.pipe(Layer.provideMerge(database))))
  )

  it.effect("gives back what the engine has not asked about for two refreshes", () =>
    Effect.gen(function* () {
      const locks = yield* ShardLocks
      const { jump } = yield* Jumps
      yield* locks.acquire(shards)
      jump(3000)
      assert.deepStrictEqual(yield* locks.refresh([one, two]), [one, two])
      assert.strictEqual((yield* locked).length, 3, "one refresh may have been sent before the engine knew of it")
      jump(3000)
      yield* locks.refresh([one, two])
      assert.strictEqual((yield* locked).length, 2)
    }).pipe(Effect.provide(node.pipe(Layer.provideMerge(Layer.merge(database, Jumps.layer)))))
  )

  it.effect("keeps its shards, but no lease, while PostgreSQL is silent", () =>
    Effect.gen(function* () {
      const server = yield* Postgres
      const lock = yield* LockSession
      const locks = yield* ShardLocks
      const { jump } = yield* Jumps
      yield* locks.acquire(shards)
      server.freeze()
      jump(2000)
      assert.isFalse(lock.isFresh())
      assert.deepStrictEqual(yield* locks.refresh(shards), shards)
      jump(7000)
      const error = yield* Effect.flip(locks.refresh(shards))
      server.thaw()
      assert.strictEqual(error._tag, "LocksUnknown")
      assert.deepStrictEqual(yield* locks.refresh(shards), shards)
    }).pipe(Effect.provide(node.pipe(Layer.provideMerge(Layer.merge(database, Jumps.layer)))))
  )

  it.effect("keeps a lock that is given back until who lives in the shard has ended", () =>
    Effect.gen(function* () {
      const locks = yield* ShardLocks
      yield* locks.acquire(shards)
      const ended = Deferred.makeUnsafe<void>()
      const asked = Deferred.makeUnsafe<ShardId.ShardId>()
      locks.onRelease((shardId) => Effect.andThen(Deferred.succeed(asked, shardId), Deferred.await(ended)))
      const release = yield* Effect.forkChild(locks.release([one]), { startImmediately: true })
      assert.strictEqual(yield* Deferred.await(asked), one)
      assert.lengthOf(yield* locked, 3)
      yield* Deferred.succeed(ended, undefined)
      yield* Fiber.join(release)
      assert.lengthOf(yield* locked, 2)
      assert.isFalse(locks.holds(one))
    }).pipe(Effect.provide(node.pipe(Layer.provideMerge(database))))
  )

  it.effect("refuses an address at which another process is alive", () =>
    Effect.gen(function* () {
      yield* LockSession
      const error = yield* Effect.flip(Layer.build(Layer.fresh(LockSession.layer.pipe(Layer.provide(identity)))))
      assert.deepStrictEqual(error, new AddressTaken({ address: "127.0.0.1:7710" }))
    }).pipe(Effect.provide(node.pipe(Layer.provideMerge(database))))
  )

  it.effect("takes over the address of a process that was killed", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      yield* sql`insert into cluster_node (address, node, incarnation, healthy, ready, backend_pid, session,
          last_heartbeat, beats, relay_host, relay_port, started_at)
        values ('127.0.0.1:7710', 'n-dead', 'dead', true, true, 1, 'dead', now(), array[now()], 'h', 1, now())`
      yield* Effect.gen(function* () {
        const { incarnation } = yield* NodeIdentity
        assert.deepStrictEqual(yield* sql`select incarnation from cluster_node`, [{ incarnation }])
      }).pipe(Effect.provide(node))
      assert.deepStrictEqual(yield* sql`select incarnation from cluster_node`, [], "a node that stops leaves no row")
    }).pipe(Effect.provide(database))
  )
})
