/** The engine's view of membership: runners are rows of the node table, shard locks are locks of the lock session. */
import { Array as Arr, Effect, Layer, Option, Schema } from "effect"
import { ClusterError, MachineId, Runner, RunnerStorage } from "effect/cluster"
import { LockSession } from "./LockSession.ts"
import { NodeTable } from "./NodeTable.ts"
import { ShardLocks } from "./ShardLocks.ts"
import { Verdict } from "./Verdict.ts"

const decodeRunner = Schema.decodeUnknownOption(Schema.fromJsonString(Runner.Runner))

/**
 * Shards are assigned anew a little before their last owner gives them back or is ended. The engine would look again a
 * second later; asking on saves that second. Its loop does nothing else meanwhile, so not for long.
 */
const acquirePollMillis = 100
const acquireWaitMillis = 1000

/** A node that stops does not wait for a database that is away; its peers judge it then. */
const leaveMillis = 1000

/** `RunnerStorage` of this node; other nodes' rows are read, never written, but by a verdict. */
export const layer: Layer.Layer<RunnerStorage.RunnerStorage, never, LockSession | NodeTable | ShardLocks | Verdict> =
  Layer.effect(
    RunnerStorage.RunnerStorage,
    Effect.gen(function* () {
      const lock = yield* LockSession
      const table = yield* NodeTable
      const locks = yield* ShardLocks
      const verdict = yield* Verdict
      const { refail } = ClusterError.PersistenceError

      let isLeaving = false

      return RunnerStorage.RunnerStorage.of({
        register: (runner) =>
          lock.announce({ runner: Runner.Runner.encodeSync(runner) }).pipe(Effect.map(MachineId.make), refail),
        unregister: () =>
          Effect.suspend(() => {
            isLeaving = true
            return refail(Effect.timeout(lock.announce({ runner: null }), leaveMillis))
          }),
        getRunners: table.read.pipe(
          Effect.map(
            // A row that this release cannot read belongs to one that it cannot work with.
            Arr.flatMap((row) =>
              Option.match(decodeRunner(row.runner), {
                onNone: () => [],
                onSome: (runner) => [[runner, row.healthy && row.serves] as const]
              })
            )
          ),
          refail
        ),
        // A healthy node says so itself with its heartbeat; an unhealthy one is judged, whoever suspects it.
        setRunnerHealth: (_address, healthy) => (healthy ? Effect.void : verdict.judge),
        acquire: (_address, shardIds) => {
          const missing = Array.from(shardIds)
          return refail(
            Effect.gen(function* () {
              let before = 0
              let still = 0
              for (let waited = 0; ; waited += acquirePollMillis) {
                const acquired = yield* locks.acquire(missing)
                // One that gives shards back does so one by one: wait for the others as long as some come.
                still = acquired.length > 0 && acquired.length === before ? still + 1 : 0
                const isAll = acquired.length === missing.length
                if (isAll || still === 2 || isLeaving || waited >= acquireWaitMillis) {
                  return acquired
                }
                before = acquired.length
                yield* Effect.sleep(acquirePollMillis)
              }
            })
          )
        },
        refresh: (_address, shardIds) => refail(locks.refresh(Array.from(shardIds))),
        release: (_address, shardId) => refail(locks.release([shardId])),
        releaseAll: () => refail(Effect.timeout(locks.releaseAll, leaveMillis))
      })
    })
  )
